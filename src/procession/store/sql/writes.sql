-- Every statement that a commit may contain. Parameters are positional, without numbers (Python's sqlite3 takes those
-- for names); the order of columns is that of the schema.
-- A batch runs, table by table, its inserts, then its changes, then its deletes (runtime.ports.Batch).

-- name: meta_insert
INSERT OR REPLACE INTO procession_meta VALUES (?, ?);

-- name: tenant_insert
INSERT INTO procession_tenant VALUES (?, ?);

-- name: deployment_insert
INSERT INTO procession_deployment VALUES (?, ?, ?, ?);
-- name: resource_insert
INSERT OR REPLACE INTO procession_resource VALUES (?, ?, ?, ?, ?);
-- name: program_insert
INSERT OR IGNORE INTO procession_program VALUES (?, ?, ?);
-- name: definition_insert
INSERT INTO procession_definition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- name: decision_insert
INSERT INTO procession_decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- name: form_insert
INSERT INTO procession_form VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: instance_insert
INSERT INTO procession_instance
    (tenant, key, definition, state, started, ended, business_key, parent, root, message, host, home)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- name: instance_end
UPDATE procession_instance SET state = ?, ended = ? WHERE tenant = ? AND key = ?;
-- name: instance_moved
UPDATE procession_instance SET definition = ? WHERE tenant = ? AND key = ?;
-- name: instance_placed
UPDATE procession_instance SET host = ?, home = ? WHERE tenant = ? AND key = ?;
-- name: instance_handed
UPDATE procession_instance SET handed = ? WHERE tenant = ? AND key = ?;
-- name: instance_delete
DELETE FROM procession_instance WHERE tenant = ? AND key = ?;

-- name: fact_insert
INSERT INTO procession_fact VALUES (?, ?, ?, ?, ?);
-- name: fact_append
INSERT INTO procession_fact
WITH last AS (SELECT tenant, instance, seq FROM procession_fact WHERE tenant = ? AND instance = ? AND seq = ? - 1)
SELECT tenant, instance, seq + 1, ?, ? FROM last;

-- The step that an active instance goes on from stays: the next one is appended behind it.
-- name: facts_forget
DELETE FROM procession_fact WHERE tenant = ? AND instance = ? AND seq < ? AND at < ?;

-- name: snapshot_insert
INSERT OR REPLACE INTO procession_snapshot VALUES (?, ?, ?, ?);
-- name: snapshot_delete
DELETE FROM procession_snapshot WHERE tenant = ? AND instance = ?;

-- name: job_insert
INSERT OR REPLACE INTO procession_job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- name: job_failed
UPDATE procession_job SET retries = ?, attempt = ?, due = ?, token = 0, error = ? WHERE tenant = ? AND key = ?;
-- name: job_leased
UPDATE procession_job SET due = ?, token = ?, worker = ?, attempt = ? WHERE tenant = ? AND key = ?;
-- name: job_due
UPDATE procession_job SET due = ?, token = 0 WHERE tenant = ? AND key = ?;
-- name: job_extended
UPDATE procession_job SET due = ? WHERE tenant = ? AND key = ?;
-- name: job_returned
UPDATE procession_job SET due = ?, token = 0, attempt = ? WHERE tenant = ? AND key = ?;
-- name: job_retries
UPDATE procession_job SET retries = ? WHERE tenant = ? AND key = ?;
-- name: job_moved
UPDATE procession_job SET node = ? WHERE tenant = ? AND key = ?;
-- name: job_delete
DELETE FROM procession_job WHERE tenant = ? AND key = ?;

-- name: task_insert
INSERT OR REPLACE INTO procession_task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- Candidates are written anew with their task: this runs before their inserts.
-- name: task_candidates_clear
DELETE FROM procession_task_candidate WHERE tenant = ? AND task = ?;
-- name: task_candidate_insert
INSERT INTO procession_task_candidate VALUES (?, ?, ?, ?) ON CONFLICT (tenant, kind, name, task) DO NOTHING;
-- name: task_delete
DELETE FROM procession_task WHERE tenant = ? AND key = ?;

-- name: timer_insert
INSERT OR REPLACE INTO procession_timer VALUES (?, ?, ?, ?, ?, ?, ?, ?);
-- name: timer_delay
UPDATE procession_timer SET due = ? WHERE tenant = ? AND key = ?;
-- name: timer_delete
DELETE FROM procession_timer WHERE tenant = ? AND key = ?;
-- name: timer_starts_delete
DELETE FROM procession_timer WHERE (tenant, key) IN
    (SELECT start.tenant, start.key FROM procession_definition AS old
    JOIN procession_timer AS start ON start.tenant = old.tenant AND start.element = old.key AND start.instance = 0
    WHERE old.tenant = ? AND old.process_id = ? AND old.version < ?);

-- name: subscription_insert
INSERT OR REPLACE INTO procession_subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?);
-- name: subscription_delete
DELETE FROM procession_subscription WHERE tenant = ? AND signal = ? AND name = ? AND correlation = ? AND key = ?;

-- name: start_subscription_insert
INSERT OR REPLACE INTO procession_start_subscription VALUES (?, ?, ?, ?, ?, ?);
-- name: start_subscription_clear
DELETE FROM procession_start_subscription WHERE tenant = ? AND process_id = ? AND definition <> ?;

-- name: start_lock_insert
INSERT OR REPLACE INTO procession_start_lock VALUES (?, ?, ?, ?);
-- name: start_lock_delete
DELETE FROM procession_start_lock WHERE tenant = ? AND process_id = ? AND correlation = ?;

-- name: message_insert
INSERT OR REPLACE INTO procession_message VALUES (?, ?, ?, ?, ?, ?, ?, ?);
-- name: message_delete
DELETE FROM procession_message WHERE tenant = ? AND name = ? AND correlation = ? AND key = ?;

-- name: incident_insert
INSERT OR REPLACE INTO procession_incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
-- name: incident_moved
UPDATE procession_incident SET element_id = ? WHERE tenant = ? AND key = ?;
-- name: incident_delete
DELETE FROM procession_incident WHERE tenant = ? AND key = ?;

-- name: inbox_insert
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) VALUES (?, ?, ?, ?, ?, 0, ?);
-- name: inbox_hold
INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) VALUES (?, ?, ?, ?, ?, 3, ?);
-- name: inbox_confirm
-- It goes behind what was posted meanwhile, for that came before it.
UPDATE procession_inbox SET state = 0, number = 1 + max((SELECT max(number) FROM procession_inbox),
    (SELECT seq FROM sqlite_sequence WHERE name = 'procession_inbox')) WHERE tenant = ? AND source = ? AND source_number = ? AND state = 3;
-- name: inbox_withdraw
DELETE FROM procession_inbox WHERE tenant = ? AND source = ? AND source_number = ? AND state = 3;
-- name: outbox_insert
INSERT INTO procession_outbox VALUES (?, ?, ?, ?, ?);
-- name: outbox_due
UPDATE procession_outbox SET due = ? WHERE tenant = ? AND number = ?;
-- name: outbox_delete
DELETE FROM procession_outbox WHERE tenant = ? AND number = ?;
-- name: inbox_answer
UPDATE procession_inbox SET state = 1, result = ?, body = x'' WHERE number = ?;
-- name: inbox_fail
UPDATE procession_inbox SET state = 2, result = ? WHERE number = ?;
-- What a client asked was answered to him with the fault; only what nobody waits for is tried again.
-- name: inbox_retry
UPDATE procession_inbox SET state = 0, result = NULL WHERE shard = ? AND state = 2 AND source NOT GLOB 'c:*';
-- name: inbox_delete
DELETE FROM procession_inbox WHERE number = ?;
-- name: inbox_sweep
DELETE FROM procession_inbox WHERE shard = ? AND at < ? AND (state = 1 OR (state = 2 AND source GLOB 'c:*'));
-- name: source_insert
INSERT INTO procession_source VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, name) DO UPDATE SET last = max(last, excluded.last), at = excluded.at;

-- name: failure_insert
INSERT OR REPLACE INTO procession_failure VALUES (?, ?, ?, ?);
-- name: failure_delete
DELETE FROM procession_failure WHERE tenant = ? AND instance = ?;
-- name: source_sweep
DELETE FROM procession_source WHERE at < ?;

-- name: suspended_insert
INSERT OR REPLACE INTO procession_suspended VALUES (?, ?);
-- name: suspended_delete
DELETE FROM procession_suspended WHERE tenant = ? AND key = ?;

-- name: batch_insert
INSERT INTO procession_batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0);
-- name: batch_state
UPDATE procession_batch SET state = ? WHERE tenant = ? AND key = ?;
-- Counted up, not set: outcomes from other hosts may be counted in the same commit.
-- name: batch_moved
UPDATE procession_batch SET after = ?, seen = seen + ?, done = done + ?, failed = failed + ?, awaited = awaited + ?
WHERE tenant = ? AND key = ?;
-- name: batch_walked
UPDATE procession_batch SET state = CASE WHEN awaited > 0 THEN 4 ELSE 2 END WHERE tenant = ? AND key = ?;
-- name: batch_heard
UPDATE procession_batch SET done = done + ?, failed = failed + ?, awaited = awaited - 1,
    state = CASE WHEN state = 4 AND awaited = 1 THEN 2 ELSE state END
WHERE tenant = ? AND key = ?;
-- What belongs to a batch goes first: it is found by it.
-- name: batch_errors_forget
DELETE FROM procession_batch_error WHERE (tenant, batch) IN
    (SELECT tenant, key FROM procession_batch WHERE tenant = ? AND state IN (2, 3) AND at < ?);
-- name: batches_sent_forget
DELETE FROM procession_batch_sent WHERE (tenant, batch) IN
    (SELECT tenant, key FROM procession_batch WHERE tenant = ? AND state IN (2, 3) AND at < ?);
-- name: batches_forget
DELETE FROM procession_batch WHERE tenant = ? AND state IN (2, 3) AND at < ?;
-- name: batch_error_insert
INSERT OR REPLACE INTO procession_batch_error VALUES (?, ?, ?, ?);
-- name: batch_sent_insert
INSERT OR REPLACE INTO procession_batch_sent (tenant, batch, instance) VALUES (?, ?, ?);
-- name: batch_sent_moved
UPDATE procession_batch_sent SET moved = 1 WHERE tenant = ? AND batch = ? AND instance = ?;
-- name: batch_sent_delete
DELETE FROM procession_batch_sent WHERE tenant = ? AND batch = ? AND instance = ?;
-- name: data_store_insert
INSERT OR REPLACE INTO procession_data_store VALUES (?, ?, ?, ?);

-- name: record_insert
INSERT INTO procession_record VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, kind, id) DO UPDATE SET version = excluded.version, at = excluded.at, body = excluded.body;
-- name: record_delete
DELETE FROM procession_record WHERE tenant = ? AND kind = ? AND id = ?;
-- name: answered_insert
INSERT INTO procession_answered VALUES (?, ?, ?, ?, ?);
-- name: answered_sweep
DELETE FROM procession_answered WHERE at < ?;
-- name: audit_insert
INSERT INTO procession_audit VALUES (?, ?, ?, ?, ?, ?);
-- name: feed_insert
INSERT INTO procession_feed VALUES (?, ?, ?, ?);
-- name: feed_sweep
DELETE FROM procession_feed WHERE at < ?;

-- name: weight_insert
INSERT INTO procession_weight VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET weight = excluded.weight;
-- name: weight_delete
DELETE FROM procession_weight WHERE tenant = ?;

-- name: flag_insert
INSERT INTO procession_flag VALUES (?, ?, ?) ON CONFLICT (tenant, number) DO UPDATE SET state = excluded.state;
-- name: flag_delete
DELETE FROM procession_flag WHERE tenant = ? AND number = ?;

-- A deleted tenant, table by table: so many rows in a commit where there may be many.
-- name: fact_erase
DELETE FROM procession_fact WHERE tenant = ? AND (instance, seq) IN
    (SELECT instance, seq FROM procession_fact WHERE tenant = ? LIMIT ?);
-- name: snapshot_erase
DELETE FROM procession_snapshot WHERE tenant = ? AND instance IN
    (SELECT instance FROM procession_snapshot WHERE tenant = ? LIMIT ?);
-- name: job_erase
DELETE FROM procession_job WHERE tenant = ? AND key IN
    (SELECT key FROM procession_job WHERE tenant = ? LIMIT ?);
-- name: task_erase
DELETE FROM procession_task WHERE tenant = ? AND key IN
    (SELECT key FROM procession_task WHERE tenant = ? LIMIT ?);
-- name: timer_erase
DELETE FROM procession_timer WHERE tenant = ? AND key IN
    (SELECT key FROM procession_timer WHERE tenant = ? LIMIT ?);
-- name: subscription_erase
DELETE FROM procession_subscription WHERE tenant = ? AND (signal, name, correlation, key) IN
    (SELECT signal, name, correlation, key FROM procession_subscription WHERE tenant = ? LIMIT ?);
-- name: start_lock_erase
DELETE FROM procession_start_lock WHERE tenant = ? AND (process_id, correlation) IN
    (SELECT process_id, correlation FROM procession_start_lock WHERE tenant = ? LIMIT ?);
-- name: message_erase
DELETE FROM procession_message WHERE tenant = ? AND (name, correlation, key) IN
    (SELECT name, correlation, key FROM procession_message WHERE tenant = ? LIMIT ?);
-- name: incident_erase
DELETE FROM procession_incident WHERE tenant = ? AND key IN
    (SELECT key FROM procession_incident WHERE tenant = ? LIMIT ?);
-- name: resource_erase
DELETE FROM procession_resource WHERE tenant = ? AND (deployment, digest) IN
    (SELECT deployment, digest FROM procession_resource WHERE tenant = ? LIMIT ?);
-- name: program_erase
DELETE FROM procession_program WHERE tenant = ? AND hash IN
    (SELECT hash FROM procession_program WHERE tenant = ? LIMIT ?);
-- name: record_erase
DELETE FROM procession_record WHERE tenant = ? AND (kind, id) IN
    (SELECT kind, id FROM procession_record WHERE tenant = ? LIMIT ?);
-- name: answered_erase
DELETE FROM procession_answered WHERE tenant = ? AND key IN
    (SELECT key FROM procession_answered WHERE tenant = ? LIMIT ?);
-- name: feed_erase
DELETE FROM procession_feed WHERE tenant = ? AND number IN
    (SELECT number FROM procession_feed WHERE tenant = ? LIMIT ?);
-- name: batch_error_erase
DELETE FROM procession_batch_error WHERE tenant = ? AND (batch, instance) IN
    (SELECT batch, instance FROM procession_batch_error WHERE tenant = ? LIMIT ?);
-- name: batch_sent_erase
DELETE FROM procession_batch_sent WHERE tenant = ? AND (batch, instance) IN
    (SELECT batch, instance FROM procession_batch_sent WHERE tenant = ? LIMIT ?);
-- name: outbox_erase
DELETE FROM procession_outbox WHERE tenant = ? AND number IN
    (SELECT number FROM procession_outbox WHERE tenant = ? LIMIT ?);
-- name: data_store_erase
DELETE FROM procession_data_store WHERE tenant = ? AND name IN
    (SELECT name FROM procession_data_store WHERE tenant = ? LIMIT ?);
-- name: definition_erase
DELETE FROM procession_definition WHERE tenant = ? AND key IN
    (SELECT key FROM procession_definition WHERE tenant = ? LIMIT ?);
-- name: decision_erase
DELETE FROM procession_decision WHERE tenant = ? AND key IN
    (SELECT key FROM procession_decision WHERE tenant = ? LIMIT ?);
-- name: form_erase
DELETE FROM procession_form WHERE tenant = ? AND key IN
    (SELECT key FROM procession_form WHERE tenant = ? LIMIT ?);
-- name: deployment_erase
DELETE FROM procession_deployment WHERE tenant = ? AND key IN
    (SELECT key FROM procession_deployment WHERE tenant = ? LIMIT ?);
-- name: task_candidate_erase
DELETE FROM procession_task_candidate WHERE tenant = ? AND (kind, name, task) IN
    (SELECT kind, name, task FROM procession_task_candidate WHERE tenant = ? LIMIT ?);
-- name: document_erase
DELETE FROM procession_document WHERE tenant = ? AND id IN
    (SELECT id FROM procession_document WHERE tenant = ? LIMIT ?);
-- name: document_part_erase
DELETE FROM procession_document_part WHERE tenant = ? AND (document, number) IN
    (SELECT document, number FROM procession_document_part WHERE tenant = ? LIMIT ?);
-- name: follower_erase
DELETE FROM procession_follower WHERE tenant = ? AND name IN
    (SELECT name FROM procession_follower WHERE tenant = ? LIMIT ?);
-- name: journey_count_erase
DELETE FROM procession_journey_count
WHERE tenant = ? AND (process_id, day, version, variant, form, page, field, what, rule) IN
    (SELECT process_id, day, version, variant, form, page, field, what, rule
     FROM procession_journey_count WHERE tenant = ? LIMIT ?);
-- name: delivery_erase
DELETE FROM procession_delivery WHERE tenant = ? AND (webhook, id) IN
    (SELECT webhook, id FROM procession_delivery WHERE tenant = ? LIMIT ?);
-- name: start_subscription_erase
DELETE FROM procession_start_subscription WHERE tenant = ?;
-- name: failure_erase
DELETE FROM procession_failure WHERE tenant = ?;
-- name: batch_erase
DELETE FROM procession_batch WHERE tenant = ?;
-- name: weight_erase
DELETE FROM procession_weight WHERE tenant = ?;
-- name: flag_erase
DELETE FROM procession_flag WHERE tenant = ?;
-- The row with key 0 says that the tenant is being deleted.
-- name: suspended_erase
DELETE FROM procession_suspended WHERE tenant = ? AND key <> 0;
-- An answer that was given just now is still to be read; the sweep takes it soon.
-- name: inbox_erase
DELETE FROM procession_inbox WHERE tenant = ? AND state <> 0 AND at < ?;
-- name: source_erase
DELETE FROM procession_source WHERE tenant = ?;
-- name: audit_redact
UPDATE procession_audit SET body = ? WHERE tenant = ? AND shard = ? AND number = ?;
