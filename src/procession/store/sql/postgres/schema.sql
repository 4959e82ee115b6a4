-- Bringing the schema to a version.

-- name: schema_there
SELECT to_regclass('procession_meta') IS NOT NULL;
-- name: schema_versions
SELECT name, value FROM procession_meta WHERE name IN ('schema', 'schema_needs');
-- name: schema_reached
INSERT INTO procession_meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
-- One at a time in the whole database. The number is "procession" as a hash, and means nothing.
-- name: schema_lock
SELECT pg_advisory_xact_lock(7881364019723);
-- name: schema_patience
SELECT set_config('lock_timeout', '5s', true);
-- name: partitions_make
SELECT procession_make_partitions(?, ?);
-- name: partitions_drop
SELECT procession_drop_partitions(?);
-- name: partition_there
SELECT to_regclass('procession_fact_' || ?::bigint) IS NOT NULL;
-- name: have_roles
SELECT count(*) FROM pg_roles WHERE rolname IN ('procession_engine', 'procession_api')
    AND pg_has_role(session_user, oid, 'MEMBER')
    AND has_table_privilege(oid, 'procession_tenant', 'SELECT');
