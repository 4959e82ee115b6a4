-- Ownership of a shard: the lease, and the fence that every commit passes.

-- name: shard_read
SELECT owner, epoch, expires, last_key, reserved, turn FROM procession_shard WHERE shard = ?;

-- The condition on epoch makes the taking atomic between two processes that read the same row.
-- name: shard_take
UPDATE procession_shard SET owner = ?, epoch = epoch + 1, expires = ? WHERE shard = ? AND epoch = ?;

-- name: shard_leased
SELECT 1 FROM procession_shard WHERE owner <> '' AND expires > ?;

-- name: shard_release
UPDATE procession_shard SET owner = '', expires = 0 WHERE shard = ? AND epoch = ?;

-- name: shard_unowned
UPDATE procession_shard SET owner = '', expires = 0;

-- The fence: no row is changed when another owner has taken over, or, where the turn matters, another one committed.
-- name: shard_fence
UPDATE procession_shard SET last_key = max(last_key, ?), expires = ?, turn = turn + 1
WHERE shard = ? AND epoch = ? AND turn = ifnull(?, turn);

-- name: shard_reserve
UPDATE procession_shard SET reserved = max(reserved + 1, ?) WHERE shard = ? RETURNING reserved;

-- Every shard, for whoever looks which ones are free.
-- name: shards
SELECT shard, owner, epoch, expires FROM procession_shard ORDER BY shard;

-- One statement for all shards of a process that has nothing to commit in them.
-- name: shards_renew
UPDATE procession_shard SET expires = ? WHERE owner = ?;

-- What time it is where the store is, in Unix ms.
-- name: store_now
SELECT CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER);

-- A part more of a store that is just made.
-- name: shard_add
INSERT INTO procession_shard (shard, owner, epoch, expires, last_key, reserved) VALUES (?, '', 0, 0, 0, 0);
