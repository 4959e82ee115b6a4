-- What a commit writes, where PostgreSQL's words differ or where all rows of a table are written at once: a statement
-- over arrays takes the columns of its rows (`?::bigint[]`), and is planned once whatever their number.

-- name: meta_insert
INSERT INTO procession_meta SELECT * FROM unnest(
    ?::text[], ?::bigint[])
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: deployment_insert
INSERT INTO procession_deployment SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[]);

-- name: resource_insert
INSERT INTO procession_resource SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bytea[])
ON CONFLICT (tenant, deployment, digest) DO UPDATE SET name = excluded.name, data = excluded.data;

-- name: program_insert
INSERT INTO procession_program SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::bytea[])
ON CONFLICT (tenant, hash) DO NOTHING;

-- name: definition_insert
INSERT INTO procession_definition SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::text[],
    ?::bigint[]);

-- name: decision_insert
INSERT INTO procession_decision SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::text[],
    ?::bigint[]);

-- name: form_insert
INSERT INTO procession_form SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::text[], ?::bigint[]);

-- name: instance_insert
INSERT INTO procession_instance
    (tenant, key, definition, state, started, ended, business_key, parent, root, message, host, home)
SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[],
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[]);

-- name: snapshot_insert
INSERT INTO procession_snapshot SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[])
ON CONFLICT (tenant, instance) DO UPDATE SET seq = excluded.seq, data = excluded.data;

-- name: job_insert
INSERT INTO procession_job SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[],
    ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::text[])
ON CONFLICT (tenant, key) DO UPDATE SET instance = excluded.instance, element = excluded.element,
    node = excluded.node, type = excluded.type, retries = excluded.retries, attempt = excluded.attempt,
    due = excluded.due, priority = excluded.priority, listener = excluded.listener,
    idempotency_key = excluded.idempotency_key, token = excluded.token, worker = excluded.worker,
    error = excluded.error;

-- name: task_insert
INSERT INTO procession_task SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::text[], ?::bytea[],
    ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
ON CONFLICT (tenant, key) DO UPDATE SET instance = excluded.instance, node = excluded.node,
    element_id = excluded.element_id, created = excluded.created, assignee = excluded.assignee,
    attributes = excluded.attributes, process_id = excluded.process_id, priority = excluded.priority,
    due = excluded.due, follow_up = excluded.follow_up, for_all = excluded.for_all;
-- name: task_candidates_clear
DELETE FROM procession_task_candidate t USING unnest(?::bigint[], ?::bigint[])
    AS anew(tenant, task)
WHERE t.tenant = anew.tenant AND t.task = anew.task;
-- name: task_candidate_insert
INSERT INTO procession_task_candidate SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::bigint[])
ON CONFLICT (tenant, kind, name, task) DO NOTHING;

-- name: timer_insert
INSERT INTO procession_timer SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[])
ON CONFLICT (tenant, key) DO UPDATE SET due = excluded.due, instance = excluded.instance,
    element = excluded.element, node = excluded.node, cycle = excluded.cycle, remaining = excluded.remaining;

-- name: subscription_insert
INSERT INTO procession_subscription SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[])
ON CONFLICT (tenant, signal, name, correlation, key) DO UPDATE SET instance = excluded.instance,
    process_id = excluded.process_id, room = excluded.room;

-- name: start_subscription_insert
INSERT INTO procession_start_subscription SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[])
ON CONFLICT (tenant, signal, name, process_id, node) DO UPDATE SET definition = excluded.definition;

-- name: start_lock_insert
INSERT INTO procession_start_lock SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::text[], ?::bigint[])
ON CONFLICT (tenant, process_id, correlation) DO UPDATE SET instance = excluded.instance;

-- name: message_insert
INSERT INTO procession_message SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bytea[], ?::bytea[])
ON CONFLICT (tenant, name, correlation, key) DO UPDATE SET message_id = excluded.message_id,
    expires = excluded.expires, taken = excluded.taken, variables = excluded.variables;

-- name: incident_insert
INSERT INTO procession_incident SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[])
ON CONFLICT (tenant, key) DO UPDATE SET instance = excluded.instance, element = excluded.element,
    element_id = excluded.element_id, code = excluded.code, message = excluded.message, job = excluded.job,
    at = excluded.at;

-- name: outbox_insert
INSERT INTO procession_outbox SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]);

-- name: failure_insert
INSERT INTO procession_failure SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::text[])
ON CONFLICT (tenant, instance) DO UPDATE SET at = excluded.at, text = excluded.text;

-- name: suspended_insert
INSERT INTO procession_suspended SELECT * FROM unnest(
    ?::bigint[], ?::bigint[])
ON CONFLICT (tenant, key) DO NOTHING;

-- name: batch_error_insert
INSERT INTO procession_batch_error SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::text[])
ON CONFLICT (tenant, batch, instance) DO UPDATE SET text = excluded.text;

-- name: batch_sent_insert
INSERT INTO procession_batch_sent (tenant, batch, instance) SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[])
ON CONFLICT (tenant, batch, instance) DO NOTHING;

-- name: data_store_insert
INSERT INTO procession_data_store SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::bigint[], ?::bytea[])
ON CONFLICT (tenant, name) DO UPDATE SET at = excluded.at, value = excluded.value;

-- name: record_insert
INSERT INTO procession_record SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
ON CONFLICT (tenant, kind, id) DO UPDATE SET version = excluded.version, at = excluded.at, body = excluded.body;

-- name: answered_insert
INSERT INTO procession_answered SELECT * FROM unnest(
    ?::bigint[], ?::text[], ?::bigint[], ?::bytea[], ?::bytea[]);

-- name: audit_insert
INSERT INTO procession_audit SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[]);

-- name: feed_insert
INSERT INTO procession_feed SELECT * FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]);

-- name: instance_delete
DELETE FROM procession_instance t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: snapshot_delete
DELETE FROM procession_snapshot t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, instance)
WHERE t.tenant = gone.tenant AND t.instance = gone.instance;

-- name: job_delete
DELETE FROM procession_job t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: task_delete
DELETE FROM procession_task t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: timer_delete
DELETE FROM procession_timer t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: subscription_delete
DELETE FROM procession_subscription t USING unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[])
    AS gone(tenant, signal, name, correlation, key)
WHERE t.tenant = gone.tenant AND t.signal = gone.signal AND t.name = gone.name AND t.correlation = gone.correlation
    AND t.key = gone.key;

-- name: start_lock_delete
DELETE FROM procession_start_lock t USING unnest(?::bigint[], ?::text[], ?::text[])
    AS gone(tenant, process_id, correlation)
WHERE t.tenant = gone.tenant AND t.process_id = gone.process_id AND t.correlation = gone.correlation;

-- name: message_delete
DELETE FROM procession_message t USING unnest(?::bigint[], ?::text[], ?::text[], ?::bigint[])
    AS gone(tenant, name, correlation, key)
WHERE t.tenant = gone.tenant AND t.name = gone.name AND t.correlation = gone.correlation AND t.key = gone.key;

-- name: incident_delete
DELETE FROM procession_incident t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: inbox_delete
DELETE FROM procession_inbox t USING unnest(?::bigint[])
    AS gone(number)
WHERE t.number = gone.number;

-- name: outbox_delete
DELETE FROM procession_outbox t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, number)
WHERE t.tenant = gone.tenant AND t.number = gone.number;

-- name: failure_delete
DELETE FROM procession_failure t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, instance)
WHERE t.tenant = gone.tenant AND t.instance = gone.instance;

-- name: suspended_delete
DELETE FROM procession_suspended t USING unnest(?::bigint[], ?::bigint[])
    AS gone(tenant, key)
WHERE t.tenant = gone.tenant AND t.key = gone.key;

-- name: fact_insert
INSERT INTO procession_fact SELECT n.*, procession_period(n.instance) FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]) AS n(tenant, instance, seq, at, data);
-- Each row follows one that is stored, or nothing is.
-- name: fact_append
WITH added AS (INSERT INTO procession_fact SELECT n.*, last.period FROM unnest(
    ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bytea[]) AS n(tenant, instance, seq, at, data)
    JOIN procession_fact last ON last.tenant = n.tenant AND last.instance = n.instance AND last.seq = n.seq - 1
    AND last.period = procession_period(n.instance)
    RETURNING 1)
SELECT procession_expect((SELECT count(*) FROM added), ?);
-- name: facts_forget
DELETE FROM procession_fact t USING unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
    AS old(tenant, instance, seq, at)
WHERE t.tenant = old.tenant AND t.instance = old.instance AND t.period = procession_period(old.instance)
    AND t.seq < old.seq AND t.at < old.at;

-- name: instance_end
UPDATE procession_instance t SET state = n.state, ended = n.ended
FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[]) AS n(state, ended, tenant, key)
WHERE t.tenant = n.tenant AND t.key = n.key;
-- name: job_leased
UPDATE procession_job t SET due = n.due, token = n.token, worker = n.worker, attempt = n.attempt
FROM unnest(?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[])
    AS n(due, token, worker, attempt, tenant, key)
WHERE t.tenant = n.tenant AND t.key = n.key;

-- name: inbox_insert
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body)
SELECT n.tenant, n.shard, n.source, n.source_number, n.at, 0, n.body FROM unnest(
    ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
    AS n(tenant, shard, source, source_number, at, body);
-- From processes that do not own the shard: a number that was sent before is ignored. They are numbered in this order.
-- name: inbox_post
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body)
SELECT n.tenant, n.shard, n.source, n.source_number, n.at, 0, n.body FROM unnest(
    ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
    WITH ORDINALITY AS n(tenant, shard, source, source_number, at, body, place) ORDER BY n.place
ON CONFLICT (tenant, source, source_number) DO NOTHING;
-- name: inbox_hold
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body)
SELECT n.tenant, n.shard, n.source, n.source_number, n.at, 3, n.body FROM unnest(
    ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bytea[])
    WITH ORDINALITY AS n(tenant, shard, source, source_number, at, body, place) ORDER BY n.place
ON CONFLICT (tenant, source, source_number) DO NOTHING;
-- On a connection of the application, in its transaction. It may add to the inbox but sees nothing of it: whoever names
-- what the conflict is about has to.
-- name: inbox_post_one
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) VALUES (?, ?, ?, ?, ?, 0, ?)
ON CONFLICT DO NOTHING;
-- It goes behind what was posted meanwhile, for that came before it.
-- name: inbox_confirm
WITH counts AS (UPDATE procession_inbox SET state = 0, number = DEFAULT
    WHERE tenant = ? AND source = ? AND source_number = ? AND state = 3 RETURNING shard)
SELECT pg_notify('procession_inbox', shard::text) FROM counts;
-- name: inbox_answer
UPDATE procession_inbox t SET state = 1, result = n.result, body = ''
FROM unnest(?::bytea[], ?::bigint[]) AS n(result, number) WHERE t.number = n.number;
-- name: inbox_retry
UPDATE procession_inbox SET state = 0, result = NULL WHERE shard = ? AND state = 2 AND source NOT LIKE 'c:%';
-- name: inbox_sweep
DELETE FROM procession_inbox WHERE shard = ? AND at < ? AND (state = 1 OR (state = 2 AND source LIKE 'c:%'));
-- Several numbers of a source may be taken in one commit.
-- name: source_insert
INSERT INTO procession_source SELECT n.tenant, n.name, max(n.last), max(n.at)
FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[]) AS n(tenant, name, last, at) GROUP BY n.tenant, n.name
ON CONFLICT (tenant, name) DO UPDATE SET last = greatest(procession_source.last, excluded.last), at = excluded.at;

-- Only the function may change the log, and makes the hash itself.
-- name: audit_redact
SELECT CASE WHEN ?::bytea IS NOT NULL THEN procession_redact(?::bigint, ?::bigint, ?::bigint) END;
-- The period is part of the key: each partition is asked for its own.
-- name: fact_erase
DELETE FROM procession_fact WHERE tenant = ? AND (instance, seq, period) IN
    (SELECT instance, seq, period FROM procession_fact WHERE tenant = ? LIMIT ?);
