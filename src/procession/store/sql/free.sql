-- What any process may write, without owning a shard: rows that no instance depends on. See Store.write.

-- name: record_seen
UPDATE procession_record SET at = ? WHERE tenant = ? AND kind = ? AND id = ? AND at < ?;
