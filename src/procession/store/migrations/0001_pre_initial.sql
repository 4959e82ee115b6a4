-- The whole schema of the first release. Later files change it, never this one.
-- Tables carry a prefix, because the file may be the application's own. `tenant` is the number of a row of
-- procession_tenant and leads every key. Times are Unix milliseconds. A blob's first byte is its format.

CREATE TABLE procession_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE procession_tenant (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO procession_tenant VALUES (0, '<default>');

-- Who owns a shard: `epoch` rises with each owner and fences the former one. `last_key` is the highest key given by
-- the owners; `reserved` the last one given to an application's own transaction.
CREATE TABLE procession_shard (
    shard INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_key INTEGER NOT NULL,
    reserved INTEGER NOT NULL
);
INSERT INTO procession_shard VALUES (0, '', 0, 0, 0, 0);

CREATE TABLE procession_deployment (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

CREATE TABLE procession_resource (
    tenant INTEGER NOT NULL, deployment INTEGER NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tenant, deployment, digest)
);

-- Compiled programs and decisions, by the hash of their canonical bytes. Kept while an instance or its history names them.
CREATE TABLE procession_program (
    tenant INTEGER NOT NULL, hash TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE procession_definition (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, process_id TEXT NOT NULL, version INTEGER NOT NULL,
    program TEXT NOT NULL, digest TEXT NOT NULL, deployment INTEGER NOT NULL, name TEXT NOT NULL,
    version_tag TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX procession_definition_version ON procession_definition (tenant, process_id, version);

CREATE TABLE procession_decision (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, decision_id TEXT NOT NULL, version INTEGER NOT NULL,
    hash TEXT NOT NULL, digest TEXT NOT NULL, deployment INTEGER NOT NULL, name TEXT NOT NULL,
    version_tag TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX procession_decision_version ON procession_decision (tenant, decision_id, version);

-- One row an instance, written at its start and at its end. `state`: 0 active, 1 completed, 2 terminated.
CREATE TABLE procession_instance (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, definition INTEGER NOT NULL, state INTEGER NOT NULL,
    started INTEGER NOT NULL, ended INTEGER, business_key TEXT NOT NULL, parent INTEGER NOT NULL,
    root INTEGER NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX procession_instance_active ON procession_instance (tenant, definition, key) WHERE state = 0;
CREATE INDEX procession_instance_business ON procession_instance (tenant, business_key) WHERE business_key <> '';
CREATE INDEX procession_instance_parent ON procession_instance (tenant, parent) WHERE parent <> 0;

-- One row a step: the facts, packed. The history, the audit and the replay source.
CREATE TABLE procession_fact (
    tenant INTEGER NOT NULL, instance INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tenant, instance, seq)
) WITHOUT ROWID;

CREATE TABLE procession_snapshot (
    tenant INTEGER NOT NULL, instance INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tenant, instance)
);

-- Work on offer. `due` is when it may next be given out: after a back-off, or when the lease `token` of an outside
-- worker runs out. A job without retries is held: its due time is the largest integer.
CREATE TABLE procession_job (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, instance INTEGER NOT NULL, element INTEGER NOT NULL,
    node INTEGER NOT NULL, type TEXT NOT NULL, retries INTEGER NOT NULL, attempt INTEGER NOT NULL,
    due INTEGER NOT NULL, priority INTEGER NOT NULL, listener INTEGER NOT NULL, idempotency_key TEXT NOT NULL,
    token INTEGER NOT NULL, worker TEXT NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX procession_job_ready ON procession_job (tenant, type, due, key);

CREATE TABLE procession_task (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, instance INTEGER NOT NULL, node INTEGER NOT NULL,
    element_id TEXT NOT NULL, created INTEGER NOT NULL, assignee TEXT NOT NULL, attributes BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX procession_task_instance ON procession_task (tenant, instance);
CREATE INDEX procession_task_assignee ON procession_task (tenant, assignee, key) WHERE assignee <> '';

-- A start timer has instance 0, and its definition in `element`; the cycle's text and the firings left are its own.
CREATE TABLE procession_timer (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, due INTEGER NOT NULL, instance INTEGER NOT NULL,
    element INTEGER NOT NULL, node INTEGER NOT NULL, cycle TEXT NOT NULL, remaining INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX procession_timer_due ON procession_timer (tenant, due, key);
-- A deployment ends the start timers of the versions before, however many timers instances have.
CREATE INDEX procession_timer_start ON procession_timer (tenant, instance, element) WHERE instance = 0;

-- Open message (signal 0) and signal (1) subscriptions of instances, by correlation partition.
CREATE TABLE procession_subscription (
    tenant INTEGER NOT NULL, signal INTEGER NOT NULL, name TEXT NOT NULL, correlation TEXT NOT NULL,
    key INTEGER NOT NULL, instance INTEGER NOT NULL, process_id TEXT NOT NULL,
    PRIMARY KEY (tenant, signal, name, correlation, key)
) WITHOUT ROWID;

-- Start events with a message or a signal, of the latest version of each process only.
CREATE TABLE procession_start_subscription (
    tenant INTEGER NOT NULL, signal INTEGER NOT NULL, name TEXT NOT NULL, process_id TEXT NOT NULL,
    node INTEGER NOT NULL, definition INTEGER NOT NULL,
    PRIMARY KEY (tenant, signal, name, process_id, node)
) WITHOUT ROWID;
CREATE INDEX procession_start_subscription_process ON procession_start_subscription (tenant, process_id);

-- The living instance that a message with this correlation key started: it holds back the next start.
CREATE TABLE procession_start_lock (
    tenant INTEGER NOT NULL, process_id TEXT NOT NULL, correlation TEXT NOT NULL, instance INTEGER NOT NULL,
    PRIMARY KEY (tenant, process_id, correlation)
) WITHOUT ROWID;
CREATE INDEX procession_start_lock_instance ON procession_start_lock (tenant, instance);

-- Buffered messages. `taken`: the process ids that had it, and the offers under way.
CREATE TABLE procession_message (
    tenant INTEGER NOT NULL, name TEXT NOT NULL, correlation TEXT NOT NULL, key INTEGER NOT NULL,
    message_id TEXT NOT NULL, expires INTEGER NOT NULL, taken BLOB NOT NULL, variables BLOB NOT NULL,
    PRIMARY KEY (tenant, name, correlation, key)
) WITHOUT ROWID;
CREATE INDEX procession_message_expires ON procession_message (expires);

CREATE TABLE procession_incident (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, instance INTEGER NOT NULL, element INTEGER NOT NULL,
    element_id TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, job INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX procession_incident_instance ON procession_incident (tenant, instance);

-- What is addressed to the shard by other processes and by instances of other transactions. `state`: 0 waiting,
-- 1 answered, 2 failed by a bug and kept. A number of a source is accepted once. The tenant is a name here: a request
-- may come from a process that does not know the number, or be the deployment that makes the tenant.
CREATE TABLE procession_inbox (
    tenant TEXT NOT NULL, number INTEGER PRIMARY KEY AUTOINCREMENT,
    shard INTEGER NOT NULL, source TEXT NOT NULL, source_number INTEGER NOT NULL, at INTEGER NOT NULL,
    state INTEGER NOT NULL, body BLOB NOT NULL, result BLOB,
    UNIQUE (tenant, source, source_number)
);
CREATE INDEX procession_inbox_open ON procession_inbox (shard, tenant, number) WHERE state = 0;

-- The highest number that was taken from each source for a tenant: what comes again is dropped. One tenant's requests
-- are taken in order, those of several in turns; so the number counts for each of them.
CREATE TABLE procession_source (
    tenant TEXT NOT NULL, name TEXT NOT NULL, last INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- Instances that a fault of the engine itself left where they were.
CREATE TABLE procession_failure (
    tenant INTEGER NOT NULL, instance INTEGER NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (tenant, instance)
) WITHOUT ROWID;
