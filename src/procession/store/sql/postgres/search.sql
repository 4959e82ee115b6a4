-- Sources of searches as PostgreSQL takes them: it chooses its indexes itself.

-- name: from_tasks_instance
procession_task x
-- name: from_tasks_assignee
procession_task x
-- name: from_instances_process
procession_instance x
-- name: from_instances_state
procession_instance x
-- name: from_instances_ended
procession_instance x
-- name: from_instances_business
procession_instance x
-- name: from_instances_parent
procession_instance x
-- name: from_instances_root
procession_instance x
