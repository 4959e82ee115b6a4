-- What any process may write, without owning a shard: rows that no instance depends on. See Store.write.

-- name: record_seen
UPDATE procession_record SET at = ? WHERE tenant = ? AND kind = ? AND id = ? AND at < ?;

-- name: process_alive
INSERT INTO procession_process VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at;
-- name: process_gone
DELETE FROM procession_process WHERE name = ? OR at < ?;
-- Who follows the feed of a tenant: taken when nobody holds it any more, and kept by who does.
-- name: follower_begin
INSERT INTO procession_follower VALUES (?, ?, '', 0, ?) ON CONFLICT (tenant, name) DO NOTHING;
-- name: follower_take
INSERT INTO procession_follower VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, name)
DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE procession_follower.owner = excluded.owner OR procession_follower.until < ?;
-- name: follower_moved
UPDATE procession_follower SET number = ? WHERE tenant = ? AND name = ? AND owner = ?;
-- name: follower_drop
DELETE FROM procession_follower WHERE tenant = ? AND name = ?;
-- name: follower_leave
UPDATE procession_follower SET owner = '', until = 0 WHERE tenant = ? AND name = ? AND owner = ?;

-- What is told once is not told anew because it was derived anew.
-- name: delivery_insert
INSERT INTO procession_delivery VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, 0, '', ?)
ON CONFLICT (tenant, webhook, id) DO NOTHING;
-- name: delivery_again
INSERT INTO procession_delivery VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, 0, '', ?)
ON CONFLICT (tenant, webhook, id) DO UPDATE SET state = 0, attempt = 0, due = excluded.due, status = 0, error = '';
-- name: delivery_tried
UPDATE procession_delivery SET state = ?, attempt = ?, due = ?, status = ?, error = ?
WHERE tenant = ? AND webhook = ? AND id = ? AND state = 0;
-- name: delivery_retry
UPDATE procession_delivery SET state = 0, attempt = 0, due = ? WHERE tenant = ? AND webhook = ? AND id = ?;
-- name: deliveries_give_up
UPDATE procession_delivery SET state = 2, error = ? WHERE tenant = ? AND webhook = ? AND state = 0;
-- name: deliveries_drop
DELETE FROM procession_delivery WHERE tenant = ? AND webhook = ?;
-- name: deliveries_sweep
DELETE FROM procession_delivery WHERE tenant = ? AND at < ?;

-- Documents: what is uploaded is looked after from its first part on.
-- name: document_begin
INSERT INTO procession_document VALUES (?, ?, ?, ?);
-- name: document_due
UPDATE procession_document SET due = ? WHERE tenant = ? AND id = ?;
-- name: document_bytes
UPDATE procession_document SET bytes = ? WHERE tenant = ? AND id = ?;
-- A part that was not whole is written once more when the rest of it comes.
-- name: document_part
INSERT INTO procession_document_part VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, document, number) DO UPDATE SET data = excluded.data;
-- name: document_parts_drop
DELETE FROM procession_document_part WHERE tenant = ? AND document = ?;
-- name: document_drop
DELETE FROM procession_document WHERE tenant = ? AND id = ?;

-- What people did on pages of journeys is added up, by every process that showed them.
-- name: journey_count_add
INSERT INTO procession_journey_count VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, process_id, day, version, variant, form, page, field, what, rule)
DO UPDATE SET n = procession_journey_count.n + excluded.n, ms = procession_journey_count.ms + excluded.ms;
-- name: journey_counts_sweep
DELETE FROM procession_journey_count WHERE tenant = ? AND day < ?;

-- Keys are made by whoever seals something first; where two do, one pair counts.
-- name: tenant_key_add
INSERT INTO procession_tenant_key VALUES (?, ?, ?, ?) ON CONFLICT (tenant, generation) DO NOTHING;
-- name: tenant_key_set
UPDATE procession_tenant_key SET at = ?, wrapped = ? WHERE tenant = ? AND generation = ?;
