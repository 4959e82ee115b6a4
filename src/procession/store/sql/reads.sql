-- Every question that is put to the store, by name. The columns are those of the row structs in runtime.rows.

-- name: flags
SELECT value FROM procession_meta WHERE name = 'flags';
-- name: flags_of_tenants
SELECT tenant, number, state FROM procession_flag WHERE tenant >= ? AND tenant < ? ORDER BY tenant, number;

-- name: tenants
SELECT name, number FROM procession_tenant WHERE number >= ? AND number < ? ORDER BY number;
-- name: tenant_number
SELECT number FROM procession_tenant WHERE name = ?;
-- name: tenant_page
SELECT name, number FROM procession_tenant WHERE name > ? ORDER BY name LIMIT ?;

-- name: definition_latest
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND process_id = ? ORDER BY version DESC LIMIT 1;
-- name: definition_version
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND process_id = ? AND version = ?;
-- name: definition_tagged
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND process_id = ? AND version_tag = ? ORDER BY version DESC LIMIT 1;
-- name: definition_deployed
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND process_id = ? AND deployment = ? ORDER BY version DESC LIMIT 1;
-- name: definition
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND key = ?;
-- name: definitions
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? ORDER BY process_id, version;

-- name: decision_latest
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND decision_id = ? ORDER BY version DESC LIMIT 1;
-- name: decision_tagged
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND decision_id = ? AND version_tag = ? ORDER BY version DESC LIMIT 1;
-- name: decision_deployed
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND decision_id = ? AND deployment = ? ORDER BY version DESC LIMIT 1;
-- name: decisions
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? ORDER BY decision_id, version;
-- name: form_latest
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND form_id = ? ORDER BY version DESC LIMIT 1;
-- name: form_tagged
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND form_id = ? AND version_tag = ? ORDER BY version DESC LIMIT 1;
-- name: form_deployed
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND form_id = ? AND deployment = ? ORDER BY version DESC LIMIT 1;
-- name: form_version
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND form_id = ? AND version = ?;
-- name: form
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND key = ?;
-- name: forms
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? ORDER BY form_id, version;
-- name: forms_in
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND deployment = ? ORDER BY form_id;
-- name: forms_page
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND (form_id, version) > (?, ?) ORDER BY form_id, version LIMIT ?;
-- name: forms_newest
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form d
WHERE tenant = ? AND (form_id, version) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM procession_form n WHERE n.tenant = d.tenant AND n.form_id = d.form_id AND n.version > d.version
) ORDER BY form_id, version LIMIT ?;
-- name: forms_of
SELECT key, form_id, version, digest, deployment, name, version_tag, at FROM procession_form
WHERE tenant = ? AND form_id = ? AND version > ? ORDER BY version LIMIT ?;

-- name: program
SELECT data FROM procession_program WHERE tenant = ? AND hash = ?;
-- name: resource
SELECT data FROM procession_resource WHERE tenant = ? AND deployment = ? AND digest = ?;

-- name: instance
SELECT key, definition, state, started, ended, business_key, parent, root, message, host, home, handed FROM procession_instance
WHERE tenant = ? AND key = ?;
-- name: instances
SELECT i.key, i.definition, i.state, i.started, i.ended, i.business_key, i.parent, i.root, i.message, i.host, i.home, i.handed FROM procession_instance i
WHERE i.tenant = ? AND i.key > ? ORDER BY i.key LIMIT ?;
-- name: instances_active
SELECT key, definition, state, started, ended, business_key, parent, root, message, host, home, handed FROM procession_instance
WHERE tenant = ? AND definition = ? AND state = 0 AND key > ? ORDER BY key LIMIT ?;
-- name: instances_lately
SELECT key, definition, state, started, ended, business_key, parent, root, message, host, home, handed FROM procession_instance
WHERE tenant = ? AND definition = ? AND state = ? AND started >= ? ORDER BY started DESC, key DESC LIMIT ?;
-- name: instances_business
SELECT key, definition, state, started, ended, business_key, parent, root, message, host, home, handed FROM procession_instance
WHERE tenant = ? AND business_key = ? AND business_key <> '' AND key > ? ORDER BY key LIMIT ?;
-- name: instances_called
SELECT key, definition, state, started, ended, business_key, parent, root, message, host, home, handed FROM procession_instance
WHERE tenant = ? AND parent = ? AND parent <> 0 AND key > ? ORDER BY key LIMIT ?;
-- name: instance_counts
SELECT state, count(*) FROM procession_instance WHERE tenant = ? GROUP BY state;

-- name: suspended
SELECT 1 FROM procession_suspended WHERE tenant = ? AND key = ?;
-- Instances are suspended too; a definition is one that is also in its own table. Key 0: the tenant is being deleted.
-- name: suspended_definitions
SELECT s.tenant, s.key FROM procession_suspended s WHERE s.tenant >= ? AND s.tenant < ? AND (s.key = 0 OR EXISTS
    (SELECT 1 FROM procession_definition d WHERE d.tenant = s.tenant AND d.key = s.key));

-- name: batch
SELECT tenant, key, at, state, after, seen, done, failed, body, awaited FROM procession_batch
WHERE tenant = ? AND key = ?;
-- name: batches
SELECT tenant, key, at, state, after, seen, done, failed, body, awaited FROM procession_batch
WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;
-- name: batches_running
SELECT tenant, key FROM procession_batch WHERE state = 0 AND tenant >= ? AND tenant < ? ORDER BY tenant, key;
-- name: batch_errors
SELECT instance, text FROM procession_batch_error WHERE tenant = ? AND batch = ? AND instance > ?
ORDER BY instance LIMIT ?;
-- name: batch_sent
SELECT 1 FROM procession_batch_sent WHERE tenant = ? AND batch = ? AND instance = ? AND moved = 0;
-- name: batch_moves
SELECT instance FROM procession_batch_sent WHERE tenant = ? AND batch = ? AND moved = 1 AND instance > ?
ORDER BY instance LIMIT ?;

-- name: snapshot
SELECT seq, data FROM procession_snapshot WHERE tenant = ? AND instance = ?;
-- name: facts
SELECT seq, at, data FROM procession_fact WHERE tenant = ? AND instance = ? AND seq > ? ORDER BY seq;
-- name: facts_between
SELECT seq, at, data FROM procession_fact WHERE tenant = ? AND instance = ? AND seq > ? AND seq <= ? ORDER BY seq;

-- name: job
SELECT tenant, key, instance, element, node, type, retries, attempt, due, priority, listener, idempotency_key,
    token, worker, error FROM procession_job WHERE tenant = ? AND key = ?;
-- name: jobs_ready
SELECT tenant, key, instance, element, node, type, retries, attempt, due, priority, listener, idempotency_key,
    token, worker, error FROM procession_job WHERE tenant = ? AND type = ? AND due <= ? AND (due, key) > (?, ?) ORDER BY due, key LIMIT ?;
-- name: job_next_due
SELECT min(due) FROM procession_job WHERE tenant = ? AND type = ? AND due > ?;
-- name: jobs_awaited
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM procession_job WHERE tenant = ? AND type = ? AND due <= ? LIMIT ?) AS ready),
    (SELECT min(due) FROM procession_job WHERE tenant = ? AND type = ? AND due > ?);
-- name: job_tenants
WITH RECURSIVE span(low, high) AS (SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)), t(tenant) AS (
    SELECT (SELECT min(tenant) FROM procession_job WHERE tenant >= span.low AND tenant < span.high) FROM span
    UNION ALL
    SELECT (SELECT min(tenant) FROM procession_job WHERE tenant > t.tenant AND tenant < span.high) FROM t, span
    WHERE t.tenant IS NOT NULL
), first(tenant, due) AS (
    SELECT tenant, (SELECT min(due) FROM procession_job x WHERE x.tenant = t.tenant AND x.type = ?) FROM t
    WHERE tenant IS NOT NULL
)
SELECT tenant, due FROM first WHERE due IS NOT NULL;
-- Which types of jobs each tenant has, and when the first of them is due: from one to the next by the index.
-- name: job_types
WITH RECURSIVE span(low, high) AS (SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)), t(tenant, type) AS (
    SELECT
        (SELECT j.tenant FROM procession_job j WHERE j.tenant >= span.low AND j.tenant < span.high
            ORDER BY j.tenant, j.type LIMIT 1),
        (SELECT j.type FROM procession_job j WHERE j.tenant >= span.low AND j.tenant < span.high
            ORDER BY j.tenant, j.type LIMIT 1)
    FROM span
    UNION ALL
    SELECT
        (SELECT j.tenant FROM procession_job j WHERE (j.tenant, j.type) > (t.tenant, t.type) AND j.tenant < span.high
            ORDER BY j.tenant, j.type LIMIT 1),
        (SELECT j.type FROM procession_job j WHERE (j.tenant, j.type) > (t.tenant, t.type) AND j.tenant < span.high
            ORDER BY j.tenant, j.type LIMIT 1)
    FROM t, span WHERE t.tenant IS NOT NULL
), first(tenant, type, due) AS (
    SELECT tenant, type, (SELECT min(due) FROM procession_job x WHERE x.tenant = t.tenant AND x.type = t.type) FROM t
    WHERE tenant IS NOT NULL
)
SELECT tenant, type, due FROM first WHERE due IS NOT NULL;
-- name: jobs
SELECT tenant, key, instance, element, node, type, retries, attempt, due, priority, listener, idempotency_key,
    token, worker, error FROM procession_job WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;

-- name: jobs_type
SELECT tenant, key, instance, element, node, type, retries, attempt, due, priority, listener, idempotency_key,
    token, worker, error FROM procession_job WHERE tenant = ? AND type = ? AND key > ? ORDER BY key LIMIT ?;

-- name: task
SELECT key, instance, node, element_id, created, assignee, attributes FROM procession_task WHERE tenant = ? AND key = ?;
-- name: tasks
SELECT key, instance, node, element_id, created, assignee, attributes FROM procession_task
WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;
-- name: tasks_instance
SELECT key, instance, node, element_id, created, assignee, attributes FROM procession_task
WHERE tenant = ? AND instance = ? AND key > ? ORDER BY key LIMIT ?;
-- name: tasks_assignee
SELECT key, instance, node, element_id, created, assignee, attributes FROM procession_task
WHERE tenant = ? AND assignee = ? AND assignee <> '' AND key > ? ORDER BY key LIMIT ?;

-- How many tasks somebody is a candidate for, counted up to a limit.
-- name: task_candidates_counted
SELECT count(*) FROM (SELECT 1 FROM procession_task_candidate WHERE tenant = ? AND kind = ? AND name = ? LIMIT ?) AS c;

-- name: timer
SELECT tenant, key, due, instance, element, node, cycle, remaining FROM procession_timer WHERE tenant = ? AND key = ?;
-- name: timers_due
SELECT tenant, key, due, instance, element, node, cycle, remaining FROM procession_timer
WHERE tenant = ? AND due <= ? ORDER BY due, key LIMIT ?;
-- name: timer_next
SELECT min(due) FROM procession_timer WHERE tenant = ?;
-- From tenant to tenant by the index: the cost is the number of tenants that have timers, not that of timers.
-- name: timer_tenants
WITH RECURSIVE span(low, high) AS (SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)), t(tenant) AS (
    SELECT (SELECT min(tenant) FROM procession_timer WHERE tenant >= span.low AND tenant < span.high) FROM span
    UNION ALL
    SELECT (SELECT min(tenant) FROM procession_timer WHERE tenant > t.tenant AND tenant < span.high) FROM t, span
    WHERE t.tenant IS NOT NULL
)
SELECT tenant, (SELECT min(due) FROM procession_timer x WHERE x.tenant = t.tenant) FROM t WHERE tenant IS NOT NULL;

-- name: subscriptions
SELECT key, instance, process_id, room FROM procession_subscription
WHERE tenant = ? AND signal = ? AND name = ? AND correlation = ? ORDER BY key;
-- name: start_subscriptions
SELECT process_id, node, definition FROM procession_start_subscription WHERE tenant = ? AND signal = ? AND name = ?
ORDER BY process_id, node;
-- name: start_names
SELECT DISTINCT name FROM procession_start_subscription WHERE tenant = ? AND process_id = ? AND signal = 0;
-- name: start_lock
SELECT instance FROM procession_start_lock WHERE tenant = ? AND process_id = ? AND correlation = ?;
-- name: start_lock_of
SELECT process_id, correlation FROM procession_start_lock WHERE tenant = ? AND instance = ?;
-- name: messages
SELECT key, message_id, expires, taken, variables FROM procession_message
WHERE tenant = ? AND name = ? AND correlation = ? ORDER BY key;
-- name: messages_named
SELECT tenant, name, correlation, key FROM procession_message WHERE tenant = ? AND name = ? ORDER BY key LIMIT ?;
-- name: message_any
SELECT 1 FROM procession_message WHERE tenant >= ? AND tenant < ? LIMIT 1;
-- name: messages_expired
SELECT tenant, name, correlation, key FROM procession_message
WHERE tenant >= ? AND tenant < ? AND expires <= ? ORDER BY expires LIMIT ?;
-- name: message_next_expiry
SELECT expires FROM procession_message WHERE tenant >= ? AND tenant < ? ORDER BY expires LIMIT 1;

-- name: incident
SELECT key, instance, element, element_id, code, message, job, at FROM procession_incident WHERE tenant = ? AND key = ?;
-- name: incidents
SELECT key, instance, element, element_id, code, message, job, at FROM procession_incident
WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;
-- name: incidents_instance
SELECT key, instance, element, element_id, code, message, job, at FROM procession_incident
WHERE tenant = ? AND instance = ? AND key > ? ORDER BY key LIMIT ?;

-- name: inbox_tenants
WITH RECURSIVE asked(shard) AS (SELECT ?), t(tenant) AS (
    SELECT min(i.tenant) FROM procession_inbox i, asked WHERE i.shard = asked.shard AND i.state = 0
    UNION ALL
    SELECT (SELECT min(i.tenant) FROM procession_inbox i, asked
        WHERE i.shard = asked.shard AND i.state = 0 AND i.tenant > t.tenant)
    FROM t WHERE t.tenant IS NOT NULL
)
SELECT tenant FROM t WHERE tenant IS NOT NULL;
-- name: inbox_open
SELECT tenant, number, source, source_number, body FROM procession_inbox
WHERE shard = ? AND tenant = ? AND state = 0 ORDER BY number LIMIT ?;
-- name: inbox_result
SELECT state, result FROM procession_inbox WHERE tenant = ? AND source = ? AND source_number = ?;
-- name: inbox_answers
SELECT source_number, result FROM procession_inbox
WHERE tenant = ? AND source = ? AND source_number >= ? AND source_number <= ? AND result IS NOT NULL
ORDER BY source_number;
-- name: inbox_failed
SELECT number, at, body, result FROM procession_inbox WHERE tenant = ? AND state = 2 ORDER BY number;
-- name: source_last
SELECT last FROM procession_source WHERE tenant = ? AND name = ?;

-- name: failure
SELECT tenant, instance, at, text FROM procession_failure WHERE tenant = ? AND instance = ?;
-- name: failures
SELECT tenant, instance, at, text FROM procession_failure WHERE tenant >= ? AND tenant < ? ORDER BY tenant, instance;

-- name: data_store
SELECT value FROM procession_data_store WHERE tenant = ? AND name = ?;

-- name: fact_last
SELECT max(seq) FROM procession_fact WHERE tenant = ? AND instance = ?;
-- name: instances_elsewhere
SELECT value FROM procession_meta WHERE name = 'elsewhere';
-- name: unclaimed
SELECT value FROM procession_meta WHERE name = 'unclaimed' AND value > 0;
-- name: jobs_elsewhere
SELECT j.tenant, j.key FROM procession_job j JOIN procession_instance i ON i.tenant = j.tenant AND i.key = j.instance
WHERE i.host = ? AND i.state = 0 AND j.due = ?;
-- name: blocks
SELECT value FROM procession_meta WHERE name = 'blocks';
-- name: outbox_row
SELECT tenant, number, home, due, body FROM procession_outbox WHERE tenant = ? AND number = ?;
-- name: outbox
SELECT tenant, number, home, due, body FROM procession_outbox WHERE due <= ? ORDER BY number LIMIT ?;
-- name: outbox_tenants
SELECT DISTINCT tenant FROM procession_outbox WHERE due <= ? ORDER BY tenant;
-- name: outbox_tenant
SELECT tenant, number, home, due, body FROM procession_outbox WHERE tenant = ? AND due <= ? ORDER BY number LIMIT ?;
-- name: outbox_later
SELECT min(due) FROM procession_outbox WHERE due > ?;
-- name: outbox_home_all
SELECT tenant, number, home, due, body FROM procession_outbox WHERE tenant = ? AND home = ? ORDER BY number;
-- name: outbox_home
SELECT tenant, number, home, due, body FROM procession_outbox WHERE tenant = ? AND home = ? ORDER BY number LIMIT 1;
-- name: inbox_held
SELECT number, tenant, source, source_number, at, body FROM procession_inbox WHERE state = 3 AND at < ? ORDER BY at LIMIT ?;
-- name: instances_away
SELECT key FROM procession_instance WHERE tenant = ? AND host = ? AND home = key AND state = 0 ORDER BY key;
-- name: outbox_resting
SELECT count(*) FROM procession_outbox WHERE tenant = ? AND due > ?;
-- name: outbox_size
SELECT coalesce(min(number), 0), count(*) FROM procession_outbox;
-- name: inbox_size
SELECT coalesce(min(at), 0), count(*) FROM procession_inbox WHERE state = 0;
-- name: inbox_held_size
SELECT coalesce(min(at), 0), count(*) FROM procession_inbox WHERE state = 3;

-- name: record
SELECT id, version, at, body FROM procession_record WHERE tenant = ? AND kind = ? AND id = ?;
-- name: records
SELECT id, version, at, body FROM procession_record WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?;
-- name: answered
SELECT tenant, key, digest, result FROM procession_answered WHERE (tenant, key) IN
    (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?));
-- name: audit_last
SELECT number, chain FROM procession_audit WHERE shard = ? ORDER BY number DESC LIMIT 1;
-- name: audit_tenant
SELECT tenant, shard, number, at, body, chain FROM procession_audit WHERE tenant = ? AND shard = ? AND number > ?
ORDER BY number LIMIT ?;
-- name: audit_shards
WITH RECURSIVE t(shard) AS (
    SELECT min(shard) FROM procession_audit
    UNION ALL
    SELECT (SELECT min(shard) FROM procession_audit WHERE shard > t.shard) FROM t WHERE t.shard IS NOT NULL
)
SELECT shard FROM t WHERE shard IS NOT NULL;
-- name: audit_shard
SELECT tenant, shard, number, at, body, chain FROM procession_audit WHERE shard = ? AND number > ?
ORDER BY number LIMIT ?;
-- name: feed
SELECT number, at, body FROM procession_feed WHERE tenant = ? AND number > ? ORDER BY number LIMIT ?;
-- name: feed_last
SELECT max(number) FROM procession_feed WHERE tenant = ?;

-- name: processes
SELECT name, at FROM procession_process WHERE at >= ? ORDER BY name;
-- What is deployed, in pages.
-- name: deployments
SELECT key, name, at FROM procession_deployment WHERE tenant = ? AND key < ? ORDER BY key DESC LIMIT ?;
-- name: deployment
SELECT key, name, at FROM procession_deployment WHERE tenant = ? AND key = ?;
-- name: resources
SELECT deployment, digest, name FROM procession_resource WHERE tenant = ? AND deployment = ? ORDER BY name, digest;
-- name: modules
SELECT deployment, digest, name FROM procession_resource WHERE tenant = ? AND name IN (?, ?, ?) ORDER BY deployment, digest;
-- name: definitions_in
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND deployment = ? ORDER BY process_id;
-- name: definitions_page
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND (process_id, version) > (?, ?) ORDER BY process_id, version LIMIT ?;
-- name: definitions_newest
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition d
WHERE tenant = ? AND (process_id, version) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM procession_definition n WHERE n.tenant = d.tenant AND n.process_id = d.process_id AND n.version > d.version
) ORDER BY process_id, version LIMIT ?;
-- name: definitions_of
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND process_id = ? AND version > ? ORDER BY version LIMIT ?;
-- name: decision
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND key = ?;
-- name: decision_version
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND decision_id = ? AND version = ?;
-- name: decisions_in
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND deployment = ? ORDER BY decision_id;
-- name: decisions_page
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND (decision_id, version) > (?, ?) ORDER BY decision_id, version LIMIT ?;
-- name: decisions_newest
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision d
WHERE tenant = ? AND (decision_id, version) > (?, ?) AND NOT EXISTS (
    SELECT 1 FROM procession_decision n WHERE n.tenant = d.tenant AND n.decision_id = d.decision_id AND n.version > d.version
) ORDER BY decision_id, version LIMIT ?;
-- name: decisions_of
SELECT key, decision_id, version, hash, digest, deployment, name, version_tag, at FROM procession_decision
WHERE tenant = ? AND decision_id = ? AND version > ? ORDER BY version LIMIT ?;
-- name: follower
SELECT owner, until, number FROM procession_follower WHERE tenant = ? AND name = ?;
-- name: followed
SELECT t.name FROM procession_follower f JOIN procession_tenant t ON t.number = f.tenant WHERE f.name = ?;
-- name: deliveries_due
SELECT webhook, id, type, number, at, state, attempt, due, status, error, body FROM procession_delivery
WHERE tenant = ? AND webhook = ? AND state = 0 AND due <= ? ORDER BY due LIMIT ?;
-- name: deliveries_next
SELECT min(due) FROM procession_delivery WHERE tenant = ? AND webhook = ? AND state = 0 AND due > ?;
-- name: deliveries
SELECT webhook, id, type, number, at, state, attempt, due, status, error, body FROM procession_delivery
WHERE tenant = ? AND webhook = ? AND (number, id) < (?, ?) ORDER BY number DESC, id DESC LIMIT ?;
-- name: delivery
SELECT webhook, id, type, number, at, state, attempt, due, status, error, body FROM procession_delivery
WHERE tenant = ? AND webhook = ? AND id = ?;
-- name: deliveries_good
SELECT count(*) FROM procession_delivery WHERE tenant = ? AND webhook = ? AND state = 1 AND at >= ?;

-- name: journey_counts
SELECT variant, form, page, field, what, rule, CAST(sum(n) AS BIGINT), CAST(sum(ms) AS BIGINT)
FROM procession_journey_count WHERE tenant = ? AND process_id = ? AND day >= ? AND day <= ?
    AND version >= ? AND version <= ?
GROUP BY variant, form, page, field, what, rule ORDER BY variant, form, page, field, what, rule LIMIT ?;

-- name: documents_due
SELECT id, due, bytes FROM procession_document WHERE tenant = ? AND due <= ? ORDER BY due LIMIT ?;
-- Whose documents have to be looked after.
-- name: documents_whose
WITH RECURSIVE t(tenant) AS (
    SELECT min(tenant) FROM procession_document
    UNION ALL
    SELECT (SELECT min(tenant) FROM procession_document WHERE tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL
)
SELECT n.name FROM t JOIN procession_tenant n ON n.number = t.tenant
WHERE EXISTS (SELECT 1 FROM procession_document d WHERE d.tenant = t.tenant AND d.due <= ?) LIMIT ?;
-- name: document_part
SELECT data FROM procession_document_part WHERE tenant = ? AND document = ? AND number = ?;
-- Tenants: their keys, their shares.
-- name: tenant_keys
SELECT generation, at, wrapped FROM procession_tenant_key WHERE tenant = ? ORDER BY generation;
-- name: tenants_with_keys
SELECT DISTINCT tenant FROM procession_tenant_key WHERE tenant > ? ORDER BY tenant LIMIT ?;
-- name: weights
SELECT tenant, weight FROM procession_weight WHERE tenant >= ? AND tenant < ? ORDER BY tenant;
-- name: inbox_tenant
SELECT tenant FROM procession_inbox WHERE number = ?;
-- Where types of jobs are sealed, each tenant is asked for its own: `job_tenants` in two steps.
-- name: job_owners
WITH RECURSIVE span(low, high) AS (SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)), t(tenant) AS (
    SELECT (SELECT min(tenant) FROM procession_job WHERE tenant >= span.low AND tenant < span.high) FROM span
    UNION ALL
    SELECT (SELECT min(tenant) FROM procession_job WHERE tenant > t.tenant AND tenant < span.high) FROM t, span
    WHERE t.tenant IS NOT NULL
)
SELECT tenant FROM t WHERE tenant IS NOT NULL;
-- name: job_first
SELECT tenant, due FROM procession_job WHERE tenant = ? AND type = ? ORDER BY due LIMIT 1;
-- name: instances_count_active
SELECT count(*) FROM procession_instance WHERE tenant = ? AND state = 0;
-- name: definitions_count
SELECT count(*) FROM procession_definition WHERE tenant = ?;
-- name: records_count
SELECT count(*) FROM procession_record WHERE tenant = ? AND kind = ?;
-- Which tables hold something of a tenant, and how many rows, up to a number.
-- name: tenant_left
WITH asked(tenant, most) AS (SELECT CAST(? AS BIGINT), CAST(? AS BIGINT))
SELECT 'fact', (SELECT count(*) FROM (SELECT 1 FROM procession_fact x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'snapshot', (SELECT count(*) FROM (SELECT 1 FROM procession_snapshot x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'job', (SELECT count(*) FROM (SELECT 1 FROM procession_job x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'task', (SELECT count(*) FROM (SELECT 1 FROM procession_task x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'timer', (SELECT count(*) FROM (SELECT 1 FROM procession_timer x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'subscription', (SELECT count(*) FROM (SELECT 1 FROM procession_subscription x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'start_lock', (SELECT count(*) FROM (SELECT 1 FROM procession_start_lock x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'message', (SELECT count(*) FROM (SELECT 1 FROM procession_message x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'incident', (SELECT count(*) FROM (SELECT 1 FROM procession_incident x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'resource', (SELECT count(*) FROM (SELECT 1 FROM procession_resource x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'program', (SELECT count(*) FROM (SELECT 1 FROM procession_program x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'record', (SELECT count(*) FROM (SELECT 1 FROM procession_record x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'answered', (SELECT count(*) FROM (SELECT 1 FROM procession_answered x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'feed', (SELECT count(*) FROM (SELECT 1 FROM procession_feed x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'batch_error', (SELECT count(*) FROM (SELECT 1 FROM procession_batch_error x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'batch_sent', (SELECT count(*) FROM (SELECT 1 FROM procession_batch_sent x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'outbox', (SELECT count(*) FROM (SELECT 1 FROM procession_outbox x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'data_store', (SELECT count(*) FROM (SELECT 1 FROM procession_data_store x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'definition', (SELECT count(*) FROM (SELECT 1 FROM procession_definition x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'decision', (SELECT count(*) FROM (SELECT 1 FROM procession_decision x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'form', (SELECT count(*) FROM (SELECT 1 FROM procession_form x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'deployment', (SELECT count(*) FROM (SELECT 1 FROM procession_deployment x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'task_candidate', (SELECT count(*) FROM (SELECT 1 FROM procession_task_candidate x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'document', (SELECT count(*) FROM (SELECT 1 FROM procession_document x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'document_part', (SELECT count(*) FROM (SELECT 1 FROM procession_document_part x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'follower', (SELECT count(*) FROM (SELECT 1 FROM procession_follower x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'journey_count', (SELECT count(*) FROM (SELECT 1 FROM procession_journey_count x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'delivery', (SELECT count(*) FROM (SELECT 1 FROM procession_delivery x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'start_subscription', (SELECT count(*) FROM (SELECT 1 FROM procession_start_subscription x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'failure', (SELECT count(*) FROM (SELECT 1 FROM procession_failure x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'batch', (SELECT count(*) FROM (SELECT 1 FROM procession_batch x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'weight', (SELECT count(*) FROM (SELECT 1 FROM procession_weight x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'flag', (SELECT count(*) FROM (SELECT 1 FROM procession_flag x WHERE x.tenant = asked.tenant LIMIT (SELECT most FROM asked)) n) FROM asked
UNION ALL SELECT 'suspended', (SELECT count(*) FROM procession_suspended x WHERE x.tenant = asked.tenant AND x.key <> 0) FROM asked;
-- The log as it is stored.
-- name: audit_stored_tenant
SELECT tenant, shard, number, at, body, chain FROM procession_audit WHERE tenant = ? AND number > ?
ORDER BY number LIMIT ?;
-- What a tenant stores, in bytes, by table.
-- name: tenant_bytes
WITH asked(tenant) AS (SELECT CAST(? AS BIGINT))
SELECT 'fact', (SELECT coalesce(sum(length(x.data)), 0) FROM procession_fact x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'snapshot', (SELECT coalesce(sum(length(x.data)), 0) FROM procession_snapshot x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'resource', (SELECT coalesce(sum(length(x.data)), 0) FROM procession_resource x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'document_part', (SELECT coalesce(sum(length(x.data)), 0) FROM procession_document_part x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'document', (SELECT CAST(coalesce(sum(x.bytes), 0) AS BIGINT) FROM procession_document x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'program', (SELECT coalesce(sum(length(x.data)), 0) FROM procession_program x WHERE x.tenant = asked.tenant) FROM asked
UNION ALL SELECT 'record', (SELECT coalesce(sum(length(x.body)), 0) FROM procession_record x WHERE x.tenant = asked.tenant) FROM asked;
-- name: contents
SELECT digest, name, data FROM procession_resource WHERE tenant = ? AND deployment = ? ORDER BY digest;
-- name: definitions_all
SELECT key, process_id, version, program, digest, deployment, name, version_tag, at FROM procession_definition
WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;
-- name: records_all
SELECT kind, id, version, at, body FROM procession_record WHERE tenant = ? AND (kind, id) > (?, ?)
ORDER BY kind, id LIMIT ?;
-- name: messages_all
SELECT tenant, name, correlation, key, message_id, expires, variables FROM procession_message
WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?;
-- name: data_stores
SELECT name, at, value FROM procession_data_store WHERE tenant = ? ORDER BY name;
-- name: facts_page
SELECT seq, at, data FROM procession_fact WHERE tenant = ? AND instance = ? AND seq > ? ORDER BY seq LIMIT ?;
