-- What tasks and instances are searched by. The indexes hold every column that a filter looks at, so that a search which
-- finds nothing reads an index from end to end and no rows.

-- `due` and `follow_up` are Unix ms, the largest integer for none: such tasks come last.
ALTER TABLE procession_task ADD COLUMN process_id TEXT NOT NULL DEFAULT '';
ALTER TABLE procession_task ADD COLUMN priority INTEGER NOT NULL DEFAULT 50;
ALTER TABLE procession_task ADD COLUMN due INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE procession_task ADD COLUMN follow_up INTEGER NOT NULL DEFAULT 9223372036854775807;
-- Whether it has no candidates: then it is for everybody.
ALTER TABLE procession_task ADD COLUMN for_all INTEGER NOT NULL DEFAULT 0;
-- The other new columns are in blobs, which no statement can read: an open task from before gets them with its next
-- change.
UPDATE procession_task SET process_id = (
    SELECT d.process_id FROM procession_instance i
    JOIN procession_definition d ON d.tenant = i.tenant AND d.key = i.definition
    WHERE i.tenant = procession_task.tenant AND i.key = procession_task.instance
) WHERE EXISTS (
    SELECT 1 FROM procession_instance i JOIN procession_definition d ON d.tenant = i.tenant AND d.key = i.definition
    WHERE i.tenant = procession_task.tenant AND i.key = procession_task.instance
);
CREATE INDEX procession_task_search ON procession_task
    (tenant, created, key, process_id, element_id, priority, due, follow_up, for_all, assignee, instance);
-- One for each order: the first of many that fit are found soon.
CREATE INDEX procession_task_priority ON procession_task
    (tenant, priority, key, process_id, element_id, created, due, follow_up, for_all, assignee, instance);
CREATE INDEX procession_task_due ON procession_task
    (tenant, due, key, process_id, element_id, created, priority, follow_up, for_all, assignee, instance);
CREATE INDEX procession_task_follow_up ON procession_task
    (tenant, follow_up, key, process_id, element_id, created, priority, due, for_all, assignee, instance);

-- Who may take an open task: users (kind 0) and groups (kind 1), by name.
CREATE TABLE procession_task_candidate (
    tenant INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, task INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name, task)
) WITHOUT ROWID;
CREATE INDEX procession_task_candidate_task ON procession_task_candidate (tenant, task);

CREATE INDEX procession_instance_process ON procession_instance (tenant, definition, state, started, key, ended);
CREATE INDEX procession_instance_state ON procession_instance (tenant, state, started, key, ended);
CREATE INDEX procession_instance_ended ON procession_instance (tenant, definition, state, ended, key, started)
    WHERE ended IS NOT NULL;
CREATE INDEX procession_instance_root ON procession_instance (tenant, root, key) WHERE parent <> 0;
CREATE INDEX procession_incident_code ON procession_incident (tenant, code, key);
