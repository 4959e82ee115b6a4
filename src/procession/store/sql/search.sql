-- What searches are put together from (store/search.py): sources, conditions, orders. Each is whole by itself; nothing of
-- a caller is ever part of a text. `(?*)` takes as many values as are given.

-- name: tasks
SELECT r.key, r.instance, r.process_id, r.element_id, r.created, r.assignee, r.priority, r.due, r.follow_up, r.attributes
FROM procession_task r
-- name: instances
SELECT r.key, r.definition, r.state, r.started, r.ended, r.business_key, r.parent, r.root,
    (SELECT count(*) FROM procession_incident c WHERE c.tenant = r.tenant AND c.instance = r.key),
    (SELECT count(*) FROM procession_suspended s WHERE s.tenant = r.tenant AND s.key = r.key),
    coalesce((SELECT e.text FROM procession_failure e WHERE e.tenant = r.tenant AND e.instance = r.key), '')
FROM procession_instance r
-- name: incidents
SELECT r.key, r.instance, r.element, r.element_id, r.code, r.message, r.job, r.at FROM procession_incident r

-- Where a search begins: which index drives it.
-- name: from_tasks
procession_task x
-- name: from_tasks_instance
procession_task x INDEXED BY procession_task_instance
-- name: from_tasks_assignee
procession_task x INDEXED BY procession_task_assignee
-- name: from_instances_process
procession_instance x INDEXED BY procession_instance_process
-- name: from_instances_state
procession_instance x INDEXED BY procession_instance_state
-- name: from_instances_ended
procession_instance x INDEXED BY procession_instance_ended
-- name: from_instances_business
procession_instance x INDEXED BY procession_instance_business
-- name: from_instances_parent
procession_instance x INDEXED BY procession_instance_parent
-- name: from_instances_root
procession_instance x INDEXED BY procession_instance_root
-- The few that stand still or have an incident come first, then their instances: SQLite keeps the order of a CROSS JOIN.
-- name: from_instances_incident
(SELECT DISTINCT c.tenant AS tenant, c.instance AS key FROM procession_incident c) AS d CROSS JOIN procession_instance x
-- name: from_instances_suspended
procession_suspended d CROSS JOIN procession_instance x
-- name: from_incidents
procession_incident x

-- name: order_created
x.created
-- name: order_priority
x.priority
-- name: order_due
x.due
-- name: order_follow_up
x.follow_up
-- name: order_started
x.started
-- name: order_ended
x.ended
-- name: order_key
x.key

-- name: task_none
1 = 0
-- name: task_key
x.key = ?
-- name: task_process
x.process_id = ?
-- name: task_processes
x.process_id IN (?*)
-- name: task_other_processes
x.process_id NOT IN (?*)
-- name: task_element
x.element_id = ?
-- name: task_instance
x.instance = ?
-- name: task_assignee
x.assignee = ? AND x.assignee <> ''
-- name: task_unassigned
x.assignee = ''
-- name: task_created_from
x.created >= ?
-- name: task_created_to
x.created < ?
-- name: task_due_from
x.due >= ? AND x.due < 9223372036854775807
-- name: task_due_to
x.due < ?
-- name: task_follow_up_from
x.follow_up >= ? AND x.follow_up < 9223372036854775807
-- name: task_follow_up_to
x.follow_up < ?
-- name: task_priority_from
x.priority >= ?
-- name: task_priority_to
x.priority <= ?
-- name: task_candidate_user
x.key IN (SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?)
-- name: task_candidate_groups
x.key IN (SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*))
-- The same, asked of each task: for where few are left, or the first that fit are found soon.
-- name: task_candidate_user_each
EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key)
-- name: task_candidate_groups_each
EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key)
-- The same, looked up at once and held against what another index gives in order: `+` keeps SQLite from beginning with
-- these, IS TRUE PostgreSQL from sorting all of them.
-- name: task_candidate_user_apart
(+x.key IN (SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?)) IS TRUE
-- name: task_candidate_groups_apart
(+x.key IN (SELECT c.task FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*))) IS TRUE
-- What somebody sees who may not see all: theirs, and what they may take.
-- name: task_visible_nobody
(x.for_all = 1 AND x.assignee = '')
-- name: task_visible_groups
(x.for_all = 1 AND x.assignee = '' OR x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*)))
-- name: task_visible_user
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?))
-- name: task_visible
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?
    UNION ALL
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*)))
-- name: task_visible_groups_apart
(x.for_all = 1 AND x.assignee = '' OR +x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*)))
-- name: task_visible_user_apart
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR +x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?))
-- name: task_visible_apart
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR +x.key IN (
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 0 AND c.name = ?
    UNION ALL
    SELECT c.task FROM procession_task_candidate c WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*)))
-- name: task_visible_groups_each
(x.for_all = 1 AND x.assignee = '' OR EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key))
-- name: task_visible_user_each
(x.assignee = ? OR x.for_all = 1 AND x.assignee = '' OR EXISTS (SELECT 1 FROM procession_task_candidate c
    WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key))
-- name: task_visible_each
(x.assignee = ? OR x.for_all = 1 AND x.assignee = ''
    OR EXISTS (SELECT 1 FROM procession_task_candidate c
        WHERE c.tenant = ? AND c.kind = 0 AND c.name = ? AND c.task = x.key)
    OR EXISTS (SELECT 1 FROM procession_task_candidate c
        WHERE c.tenant = ? AND c.kind = 1 AND c.name IN (?*) AND c.task = x.key))

-- name: instance_definition
x.definition = ?
-- name: instance_definitions
x.definition IN (?*)
-- name: instance_state
x.state = ?
-- name: instance_states
x.state IN (?*)
-- name: instance_business
x.business_key = ? AND x.business_key <> ''
-- name: instance_parent
x.parent = ? AND x.parent <> 0
-- name: instance_root
x.root = ? AND x.parent <> 0
-- name: instance_started_from
x.started >= ?
-- name: instance_started_to
x.started < ?
-- name: instance_ended
x.ended IS NOT NULL
-- name: instance_ended_from
x.ended >= ?
-- name: instance_ended_to
x.ended < ?
-- name: instance_driven
d.tenant = ? AND x.key = d.key
-- name: instance_incident
x.key IN (SELECT c.instance FROM procession_incident c WHERE c.tenant = ?)
-- name: instance_no_incident
x.key NOT IN (SELECT c.instance FROM procession_incident c WHERE c.tenant = ?)
-- name: instance_suspended
x.key IN (SELECT s.key FROM procession_suspended s WHERE s.tenant = ?)

-- name: incident_instance
x.instance = ?
-- name: incident_code
x.code = ?
-- name: incident_definitions
EXISTS (SELECT 1 FROM procession_instance i
    WHERE i.tenant = x.tenant AND i.key = x.instance AND i.definition IN (?*))
