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

-- Asked of the rows that are looked at, one by one: of many branches each would make a table of its own of NOT IN.
-- name: instance_no_incident
NOT EXISTS (SELECT 1 FROM procession_incident c WHERE c.tenant = ? AND c.instance = x.key)

-- Where few are left these drive the search: an array is looked up in the key's index, whatever order is asked for.
-- name: task_candidate_user
x.key = ANY (ARRAY(SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?))
-- name: task_candidate_groups
x.key = ANY (ARRAY(SELECT c.task FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*)))

-- OFFSET 0: each task is asked, by the index. Left to itself the server hashes all tasks of a candidate for it.
-- name: task_candidate_user_each
EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key OFFSET 0)
-- name: task_candidate_groups_each
EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key OFFSET 0)
-- name: task_visible_groups_each
(x.for_all = 1 AND x.assignee = '' OR EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key OFFSET 0))
-- name: task_visible_user_each
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key OFFSET 0))
-- name: task_visible_each
(x.assignee = ? OR x.for_all = 1 AND x.assignee = ''
    OR EXISTS (SELECT 1 FROM procession_task_candidate c
        WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key OFFSET 0)
    OR EXISTS (SELECT 1 FROM procession_task_candidate c
        WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key OFFSET 0))
