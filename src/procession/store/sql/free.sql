-- What any process may write, without owning a shard: rows that no instance depends on. See Store.write.

-- name: record_seen
UPDATE procession_record SET at = ? WHERE tenant = ? AND kind = ? AND id = ? AND at < ?;

-- name: process_alive
INSERT INTO procession_process VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at;
-- name: process_gone
DELETE FROM procession_process WHERE name = ? OR at < ?;
