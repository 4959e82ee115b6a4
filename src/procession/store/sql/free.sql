-- What any process may write, without owning a shard: rows that no instance depends on. See Store.write.

-- name: record_seen
UPDATE procession_record SET at = ? WHERE tenant = ? AND kind = ? AND id = ? AND at < ?;

-- Keys are made by whoever seals something first; where two do, one pair counts.
-- name: tenant_key_add
INSERT INTO procession_tenant_key VALUES (?, ?, ?, ?) ON CONFLICT (tenant, generation) DO NOTHING;
-- name: tenant_key_set
UPDATE procession_tenant_key SET at = ?, wrapped = ? WHERE tenant = ? AND generation = ?;
