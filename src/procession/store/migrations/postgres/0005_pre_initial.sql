-- The schema on PostgreSQL: what 0001 to 0005 made of SQLite's, in one file, for there is no older database. What a
-- later
-- file of SQLite's adds is read from there, unless this folder has a file of that number.
-- Tables carry a prefix, because the database may be the application's own. `tenant` is the number of a row of
-- procession_tenant and leads every key. Times are Unix milliseconds. A blob's first byte is its format. Texts are
-- compared by their bytes, as SQLite does. Who may do what stands in sql/postgres/roles.sql.

CREATE TABLE procession_meta (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT);

CREATE TABLE procession_tenant (number BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE);
INSERT INTO procession_tenant VALUES (0, '<default>');

-- Who owns a shard: `epoch` rises with each owner and fences the former one. `last_key` is the highest key given by
-- the owners; `reserved` the last one given to an application's own transaction. `turn` counts commits: it tells
-- whether
-- one was stored whose answer was lost. The row is written by every commit, so its page has room for the next versions.
CREATE TABLE procession_shard (
    shard BIGINT PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_key BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    turn BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO procession_shard VALUES (0, '', 0, 0, 0, 0);

-- The processes that take shards of this store, and when each said so last.
CREATE TABLE procession_process (name TEXT COLLATE "C" PRIMARY KEY, at BIGINT NOT NULL);

CREATE TABLE procession_deployment (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE TABLE procession_resource (
    tenant BIGINT NOT NULL, deployment BIGINT NOT NULL, digest TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL, data BYTEA NOT NULL,
    PRIMARY KEY (tenant, deployment, digest)
);

-- Compiled programs and decisions, by the hash of their canonical bytes. Kept while an instance or its history names
-- them.
CREATE TABLE procession_program (
    tenant BIGINT NOT NULL, hash TEXT COLLATE "C" NOT NULL, data BYTEA NOT NULL,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE procession_definition (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, process_id TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL,
    program TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL, deployment BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version_tag TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE UNIQUE INDEX procession_definition_version ON procession_definition (tenant, process_id, version);

CREATE TABLE procession_decision (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, decision_id TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL, deployment BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version_tag TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE UNIQUE INDEX procession_decision_version ON procession_decision (tenant, decision_id, version);

-- One row an instance, written at its start and at its end. `state`: 0 active, 1 completed, 2 terminated.
CREATE TABLE procession_instance (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, definition BIGINT NOT NULL, state BIGINT NOT NULL,
    started BIGINT NOT NULL, ended BIGINT, business_key TEXT COLLATE "C" NOT NULL, parent BIGINT NOT NULL,
    root BIGINT NOT NULL, message BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_instance_active ON procession_instance (tenant, definition, key) WHERE state = 0;
CREATE INDEX procession_instance_business ON procession_instance (tenant, business_key) WHERE business_key <> '';
CREATE INDEX procession_instance_parent ON procession_instance (tenant, parent) WHERE parent <> 0;

-- One row a step: the facts, packed. The history, the audit and the replay source. Partitioned by the 30 days in which
-- the instance was made, which its key tells: what is read together lies together, and an old partition whose rows are
-- all forgotten is dropped (docs/design/0014). `period` is procession_period(instance).
CREATE TABLE procession_fact (
    tenant BIGINT NOT NULL, instance BIGINT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, data BYTEA NOT NULL,
    period BIGINT NOT NULL,
    PRIMARY KEY (tenant, instance, seq, period)
) PARTITION BY RANGE (period);
-- For keys of times that nobody expected: nothing is ever refused for want of a partition.
CREATE TABLE procession_fact_other PARTITION OF procession_fact DEFAULT;

CREATE TABLE procession_snapshot (
    tenant BIGINT NOT NULL, instance BIGINT NOT NULL, seq BIGINT NOT NULL, data BYTEA NOT NULL,
    PRIMARY KEY (tenant, instance)
);

-- Work on offer. `due` is when it may next be given out: after a back-off, or when the lease `token` of an outside
-- worker runs out. A job without retries is held: its due time is the largest integer.
CREATE TABLE procession_job (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, instance BIGINT NOT NULL, element BIGINT NOT NULL,
    node BIGINT NOT NULL, type TEXT COLLATE "C" NOT NULL, retries BIGINT NOT NULL, attempt BIGINT NOT NULL,
    due BIGINT NOT NULL, priority BIGINT NOT NULL, listener BIGINT NOT NULL, idempotency_key TEXT COLLATE "C" NOT NULL,
    token BIGINT NOT NULL, worker TEXT COLLATE "C" NOT NULL, error TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_job_ready ON procession_job (tenant, type, due, key);

CREATE TABLE procession_task (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, instance BIGINT NOT NULL, node BIGINT NOT NULL,
    element_id TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL, assignee TEXT COLLATE "C" NOT NULL,
    attributes BYTEA NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_task_instance ON procession_task (tenant, instance);
CREATE INDEX procession_task_assignee ON procession_task (tenant, assignee, key) WHERE assignee <> '';

-- A start timer has instance 0, and its definition in `element`; the cycle's text and the firings left are its own.
CREATE TABLE procession_timer (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, due BIGINT NOT NULL, instance BIGINT NOT NULL,
    element BIGINT NOT NULL, node BIGINT NOT NULL, cycle TEXT COLLATE "C" NOT NULL, remaining BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_timer_due ON procession_timer (tenant, due, key);
-- A deployment ends the start timers of the versions before, however many timers instances have.
CREATE INDEX procession_timer_start ON procession_timer (tenant, instance, element) WHERE instance = 0;

-- Open message (signal 0) and signal (1) subscriptions of instances, by correlation partition.
CREATE TABLE procession_subscription (
    tenant BIGINT NOT NULL, signal BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL,
    correlation TEXT COLLATE "C" NOT NULL,
    key BIGINT NOT NULL, instance BIGINT NOT NULL, process_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, signal, name, correlation, key)
);

-- Start events with a message or a signal, of the latest version of each process only.
CREATE TABLE procession_start_subscription (
    tenant BIGINT NOT NULL, signal BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL,
    process_id TEXT COLLATE "C" NOT NULL,
    node BIGINT NOT NULL, definition BIGINT NOT NULL,
    PRIMARY KEY (tenant, signal, name, process_id, node)
);
CREATE INDEX procession_start_subscription_process ON procession_start_subscription (tenant, process_id);

-- The living instance that a message with this correlation key started: it holds back the next start.
CREATE TABLE procession_start_lock (
    tenant BIGINT NOT NULL, process_id TEXT COLLATE "C" NOT NULL, correlation TEXT COLLATE "C" NOT NULL,
    instance BIGINT NOT NULL,
    PRIMARY KEY (tenant, process_id, correlation)
);
CREATE INDEX procession_start_lock_instance ON procession_start_lock (tenant, instance);

-- Buffered messages. `taken`: the process ids that had it, and the offers under way.
CREATE TABLE procession_message (
    tenant BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, correlation TEXT COLLATE "C" NOT NULL, key BIGINT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL, expires BIGINT NOT NULL, taken BYTEA NOT NULL, variables BYTEA NOT NULL,
    PRIMARY KEY (tenant, name, correlation, key)
);
CREATE INDEX procession_message_expires ON procession_message (expires);

CREATE TABLE procession_incident (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, instance BIGINT NOT NULL, element BIGINT NOT NULL,
    element_id TEXT COLLATE "C" NOT NULL, code TEXT COLLATE "C" NOT NULL, message TEXT COLLATE "C" NOT NULL,
    job BIGINT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_incident_instance ON procession_incident (tenant, instance);

-- What is addressed to the shard by other processes and by instances of other transactions. `state`: 0 waiting,
-- 1 answered, 2 failed by a bug and kept. A number of a source is accepted once. The tenant is a name here: a request
-- may come from a process that does not know the number, or be the deployment that makes the tenant.
CREATE TABLE procession_inbox (
    tenant TEXT COLLATE "C" NOT NULL, number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    shard BIGINT NOT NULL, source TEXT COLLATE "C" NOT NULL, source_number BIGINT NOT NULL, at BIGINT NOT NULL,
    state BIGINT NOT NULL, body BYTEA NOT NULL, result BYTEA,
    UNIQUE (tenant, source, source_number)
);
CREATE INDEX procession_inbox_open ON procession_inbox (shard, tenant, number) WHERE state = 0;

-- The highest number that was taken from each source for a tenant: what comes again is dropped. One tenant's requests
-- are taken in order, those of several in turns; so the number counts for each of them.
CREATE TABLE procession_source (
    tenant TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, last BIGINT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Instances that a fault of the engine itself left where they were.
CREATE TABLE procession_failure (
    tenant BIGINT NOT NULL, instance BIGINT NOT NULL, at BIGINT NOT NULL, text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, instance)
);

-- Changes of instances under way: what is suspended, and batch operations.

-- Keys of instances and of definitions that stand still.
CREATE TABLE procession_suspended (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);

-- One row a batch. `state`: 0 running, 1 paused, 2 finished, 3 cancelled. It goes on behind the instance `after`;
-- instances with a key above its own are younger than it. `body` holds the filter and the action.
CREATE TABLE procession_batch (
    tenant BIGINT NOT NULL, key BIGINT NOT NULL, at BIGINT NOT NULL, state BIGINT NOT NULL,
    after BIGINT NOT NULL, seen BIGINT NOT NULL, done BIGINT NOT NULL, failed BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_batch_running ON procession_batch (tenant, key) WHERE state = 0;

-- What a batch could not do.
CREATE TABLE procession_batch_error (
    tenant BIGINT NOT NULL, batch BIGINT NOT NULL, instance BIGINT NOT NULL, text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, batch, instance)
);

-- Data stores of BPMN (10.4.1): a value for each tenant and data store, beyond any instance. `at`: when it was written.
CREATE TABLE procession_data_store (
    tenant BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, value BYTEA NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Instances that another host runs, a Temporal cluster: what is stored of them here is what they reported. `home` is
-- the
-- key of the instance in whose workflow this one lives, 0 where it is this store's own.
ALTER TABLE procession_instance ADD COLUMN host TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN home BIGINT NOT NULL DEFAULT 0;

-- How many messages may be on their way to it at once.
ALTER TABLE procession_subscription ADD COLUMN room BIGINT NOT NULL DEFAULT 1;

-- What has to reach them, in order; a row goes when it has arrived. `due`: not before this time of the machine, because
-- whoever made it takes it there himself.
CREATE TABLE procession_outbox (
    tenant BIGINT NOT NULL, number BIGINT NOT NULL, home BIGINT NOT NULL, due BIGINT NOT NULL, body BYTEA NOT NULL,
    PRIMARY KEY (tenant, number)
);

-- A row of the inbox in state 3 is held: it counts when the task that wrote it is known to be committed.
CREATE INDEX procession_inbox_held ON procession_inbox (at) WHERE state = 3;

-- Of how many instances a batch waits for what became of them there, and which: a row goes with the answer. A batch is
-- in state 4 when nothing else is left of it.
ALTER TABLE procession_batch ADD COLUMN awaited BIGINT NOT NULL DEFAULT 0;
CREATE TABLE procession_batch_sent (
    tenant BIGINT NOT NULL, batch BIGINT NOT NULL, instance BIGINT NOT NULL,
    PRIMARY KEY (tenant, batch, instance)
);

-- What a server keeps beside instances: its own documents, what it answered, who asked for what, what happened when.

-- Documents of the server by kind: keys, roles, webhooks, settings of a tenant. `version` rises with every change.
CREATE TABLE procession_record (
    tenant BIGINT NOT NULL, kind TEXT COLLATE "C" NOT NULL, id TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

-- What a request with an idempotency key was answered, in the commit of what it did. `digest` is that of the request.
CREATE TABLE procession_answered (
    tenant BIGINT NOT NULL, key TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, digest BYTEA NOT NULL,
    result BYTEA NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_answered_at ON procession_answered (at);

-- Who asked for what, from where; a chain a shard: `chain` is the hash of the row before and of this one as it is
-- stored.
CREATE TABLE procession_audit (
    tenant BIGINT NOT NULL, shard BIGINT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL,
    chain BYTEA NOT NULL,
    PRIMARY KEY (tenant, shard, number)
);
CREATE UNIQUE INDEX procession_audit_chain ON procession_audit (shard, number);

-- One row a commit and tenant: which steps of which instances it stored. Followed by webhooks and streams of events.
CREATE TABLE procession_feed (
    tenant BIGINT NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE INDEX procession_feed_at ON procession_feed (at);

-- --- functions

-- The number of the 30 days in which a key was made (base.keys: 12 bits of a counter, 41 of milliseconds, the shard).
CREATE FUNCTION procession_period(key BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT (key >> 12 & 2199023255551) / 2592000000';

-- The fence of a commit: nothing of it is stored unless the epoch is still the shard's, and the turn the one expected.
-- It fails instead of changing no row, so that a whole commit is sent without waiting for its answer.
CREATE FUNCTION procession_fence(key BIGINT, until BIGINT, which BIGINT, era BIGINT, expected BIGINT) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE procession_shard SET last_key = greatest(last_key, key), expires = until, turn = turn + 1
    WHERE shard = which AND epoch = era AND turn = expected;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process took over shard %', which USING ERRCODE = 'PF001';
    END IF;
END $$;

-- Fails when fewer rows than expected were written.
CREATE FUNCTION procession_expect(written BIGINT, expected BIGINT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF written <> expected THEN
        RAISE EXCEPTION 'an instance is not where its owner left it' USING ERRCODE = 'PF002';
    END IF;
END $$;

-- What a session may see (roles.sql): its shards, all for those that only look, and the tenant of a transaction.
CREATE FUNCTION procession_shards() RETURNS BIGINT[] LANGUAGE sql STABLE PARALLEL SAFE AS
    $$SELECT nullif(nullif(current_setting('procession.shards', true), ''), '*')::BIGINT[]$$;
CREATE FUNCTION procession_sees_all() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE AS
    $$SELECT coalesce(current_setting('procession.shards', true) = '*', false)$$;
CREATE FUNCTION procession_tenant_seen() RETURNS BIGINT LANGUAGE sql STABLE AS
    $$SELECT number FROM procession_tenant WHERE name = current_setting('procession.tenant', true)$$;

-- Makes the partitions of history up to a period, as the owner of the tables; who calls it owns none. A period of which
-- there are rows in the partition for the unexpected stays there.
CREATE FUNCTION procession_make_partitions(oldest BIGINT, newest BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE made BIGINT := 0;
BEGIN
    FOR number IN oldest .. newest LOOP
        CONTINUE WHEN to_regclass('procession_fact_' || number) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT 1 FROM procession_fact_other WHERE period = number);
        EXECUTE format('CREATE TABLE procession_fact_%s (LIKE procession_fact INCLUDING ALL)', number);
        EXECUTE format('ALTER TABLE procession_fact ATTACH PARTITION procession_fact_%s FOR VALUES FROM (%s) TO (%s)',
            number, number, number + 1);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions before a period in which nothing is left.
CREATE FUNCTION procession_drop_partitions(before BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE part TEXT; left_over BOOLEAN; dropped BIGINT := 0;
BEGIN
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'procession_fact'::regclass AND c.relname ~ '^procession_fact_[0-9]+$'
        AND substr(c.relname, 17)::BIGINT < before
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', part) INTO left_over;
        CONTINUE WHEN left_over;
        -- Nobody waits for a lock behind this: it is tried again another time.
        BEGIN
            SET LOCAL lock_timeout = '100ms';
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part);
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', part) INTO left_over;
            IF NOT left_over THEN
                EXECUTE format('ALTER TABLE procession_fact DETACH PARTITION %I', part);
                EXECUTE format('DROP TABLE %I', part);
                dropped := dropped + 1;
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            CONTINUE;
        END;
    END LOOP;
    RETURN dropped;
END $$;
