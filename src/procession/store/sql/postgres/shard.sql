-- Ownership of a shard, and what is PostgreSQL's own about a commit.

-- name: shard_take
UPDATE procession_shard SET owner = ?, epoch = epoch + 1, expires = ? WHERE shard = ? AND epoch = ? RETURNING epoch;
-- name: shard_fence
SELECT procession_fence(?, ?, ?, ?, ?);
-- A lock of the session, that a shard's owners take turns by; the number is only this program's.
-- name: gate_enter
SELECT pg_advisory_lock(5796818141371695104 + ?);
-- name: gate_leave
SELECT pg_advisory_unlock(5796818141371695104 + ?);
-- name: shard_turn
SELECT turn, epoch FROM procession_shard WHERE shard = ?;
-- name: store_now
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT;
-- What became of a commit whose answer was lost: afterwards it can be stored no more, should it still be under way.
-- name: shard_settle
UPDATE procession_shard SET turn = turn + ? WHERE shard = ? AND epoch = ? RETURNING turn;
-- name: shard_reserve
UPDATE procession_shard SET reserved = greatest(reserved + 1, ?) WHERE shard = ? RETURNING reserved;
-- name: shard_there
SELECT 1 FROM procession_shard WHERE shard = ?;

-- Which shards have requests waiting: from shard to shard by the index.
-- name: inbox_shards
WITH RECURSIVE s(shard) AS (
    SELECT min(shard) FROM procession_inbox WHERE state = 0
    UNION ALL
    SELECT (SELECT min(shard) FROM procession_inbox WHERE state = 0 AND shard > s.shard) FROM s
    WHERE s.shard IS NOT NULL
)
SELECT shard FROM s WHERE shard IS NOT NULL;

-- name: notify
SELECT pg_notify('procession_inbox', ?);
-- name: listen
LISTEN procession_inbox;
-- name: listen_moved
LISTEN procession_moved;
-- Tells other processes that something was committed in shards; the words before the colon say who tells it.
-- name: tell
SELECT pg_notify('procession_moved', ?);

-- name: be
SELECT set_config('role', ?, false), set_config('procession.shards', ?, false);
-- name: settings
SELECT set_config('application_name', 'procession', false), set_config('synchronous_commit', 'on', false),
    set_config('jit', 'off', false), set_config('enable_seqscan', 'off', false),
    set_config('lock_timeout', ?, false), set_config('idle_in_transaction_session_timeout', '60s', false),
    set_config('timezone', 'UTC', false), set_config('client_min_messages', 'warning', false);
-- name: read_only
SELECT set_config('default_transaction_read_only', 'on', false);
-- name: seen_as
SELECT set_config('role', ?, true), set_config('procession.tenant', ?, true);
-- name: seen_tenant
SELECT set_config('procession.tenant', ?, true);
