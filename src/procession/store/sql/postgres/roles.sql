-- Who may do what on PostgreSQL. Run after every change of the schema, by the owner of the tables; it may run again and
-- again. Neither role owns anything, and the owner himself is held to the policies (docs/design/0014).
--
-- procession_engine: writes the shards that its session names in `procession.shards` ({0,3}); '*' sees all, and writes
--     what belongs to no shard. procession_api: sees one tenant, that of its transaction (`procession.tenant`).

-- name: roles_missing
SELECT 2 - count(*) FROM pg_roles WHERE rolname IN ('procession_engine', 'procession_api');

-- name: roles_create
DO $$
DECLARE wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['procession_engine', 'procession_api'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;

-- name: roles_grant
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'procession_engine', 'USAGE')
        OR NOT pg_has_role(current_user, 'procession_api', 'USAGE')
        OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    THEN
        GRANT procession_engine, procession_api TO CURRENT_USER;
    END IF;
END $$;

-- name: roles_unforced
DO $$
DECLARE t regclass;
BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relname LIKE 'procession\_%' AND relkind IN ('r', 'p')
        AND relnamespace = current_schema()::regnamespace AND relforcerowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

-- name: roles_apply
DO $$
DECLARE
    t TEXT;
    mine CONSTANT TEXT := '(tenant >> 32) = ANY ((SELECT procession_shards())::BIGINT[])';
    own CONSTANT TEXT := 'shard = ANY ((SELECT procession_shards())::BIGINT[])';
    sees CONSTANT TEXT := '(SELECT procession_sees_all())';
    named CONSTANT TEXT := $q$current_setting('procession.tenant', true)$q$;
    p RECORD;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO procession_engine, procession_api', current_schema());
    FOR p IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = current_schema()
        AND tablename LIKE 'procession\_%'
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename);
    END LOOP;
    -- Not the partitions: what nobody was granted nobody reaches, but through their parent.
    FOR t IN SELECT relname FROM pg_class WHERE relname LIKE 'procession\_%' AND relkind IN ('r', 'p')
        AND relnamespace = current_schema()::regnamespace AND NOT relispartition
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO procession_engine', t);
        CONTINUE WHEN t IN ('procession_meta', 'procession_shard', 'procession_process');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT ON %I TO procession_api', t);
        CONTINUE WHEN t IN ('procession_tenant', 'procession_inbox', 'procession_source', 'procession_tenant_key');
        EXECUTE format('CREATE POLICY api_sees ON %I FOR SELECT TO procession_api '
            'USING (tenant = (SELECT procession_tenant_seen()))', t);
        -- What no shard has to own (free.sql) is written by sessions of all shards, too.
        IF t IN ('procession_document', 'procession_document_part', 'procession_follower', 'procession_delivery',
            'procession_journey_count')
        THEN
            EXECUTE format('CREATE POLICY engine_does ON %I FOR ALL TO procession_engine USING (%s OR %s)',
                t, sees, mine);
            CONTINUE;
        END IF;
        EXECUTE format('CREATE POLICY engine_sees ON %I FOR SELECT TO procession_engine USING (%s OR %s)',
            t, sees, mine);
        EXECUTE format('CREATE POLICY engine_adds ON %I FOR INSERT TO procession_engine WITH CHECK (%s)', t, mine);
        EXECUTE format('CREATE POLICY engine_changes ON %I FOR UPDATE TO procession_engine USING (%s)', t, mine);
        EXECUTE format('CREATE POLICY engine_deletes ON %I FOR DELETE TO procession_engine USING (%s)', t, mine);
    END LOOP;
    -- A session of all shards marks when a document was used, and changes nothing else of it.
    EXECUTE format('CREATE POLICY engine_marks ON procession_record FOR UPDATE TO procession_engine USING (%s)', sees);
    CREATE POLICY engine_sees ON procession_tenant FOR SELECT TO procession_engine USING (true);
    CREATE POLICY engine_adds ON procession_tenant FOR INSERT TO procession_engine
        WITH CHECK ((number >> 32) = ANY ((SELECT procession_shards())::BIGINT[]));
    CREATE POLICY engine_changes ON procession_tenant FOR UPDATE TO procession_engine
        USING ((number >> 32) = ANY ((SELECT procession_shards())::BIGINT[]));
    CREATE POLICY engine_deletes ON procession_tenant FOR DELETE TO procession_engine
        USING ((number >> 32) = ANY ((SELECT procession_shards())::BIGINT[]));
    EXECUTE format('CREATE POLICY api_sees ON procession_tenant FOR SELECT TO procession_api USING (name = %s)', named);
    -- Anybody may ask any shard; what has an answer is the shard's.
    EXECUTE format('CREATE POLICY engine_sees ON procession_inbox FOR SELECT TO procession_engine USING (%s OR %s)',
        sees, own);
    CREATE POLICY engine_adds ON procession_inbox FOR INSERT TO procession_engine WITH CHECK (state IN (0, 3));
    EXECUTE format('CREATE POLICY engine_changes ON procession_inbox FOR UPDATE TO procession_engine '
        'USING (%s OR (state = 3 AND %s)) WITH CHECK (%s OR state IN (0, 3))', own, sees, own);
    EXECUTE format('CREATE POLICY engine_deletes ON procession_inbox FOR DELETE TO procession_engine '
        'USING (%s OR (state = 3 AND %s))', own, sees);
    EXECUTE format('CREATE POLICY api_sees ON procession_inbox FOR SELECT TO procession_api USING (tenant = %s)',
        named);
    EXECUTE format('CREATE POLICY api_asks ON procession_inbox FOR INSERT TO procession_api '
        'WITH CHECK (tenant = %s AND state = 0 AND result IS NULL)', named);
    GRANT INSERT ON procession_inbox TO procession_api;
    -- By the tenant's name, which tells no shard: numbers that were taken, nothing that a process holds.
    CREATE POLICY engine_does ON procession_source FOR ALL TO procession_engine USING (true);
    EXECUTE format('CREATE POLICY api_sees ON procession_source FOR SELECT TO procession_api USING (tenant = %s)',
        named);
    -- Keys are made by whoever seals first, for tenants of any shard and for none; they are wrapped. No caller sees them.
    CREATE POLICY engine_does ON procession_tenant_key FOR ALL TO procession_engine USING (true);
    -- What was done stays: history is added to and forgotten, the log of who asked is only added to.
    REVOKE UPDATE ON procession_fact FROM procession_engine;
    REVOKE UPDATE, DELETE ON procession_audit FROM procession_engine;
    EXECUTE format('ALTER FUNCTION procession_make_partitions(BIGINT, BIGINT) SET search_path = %I, pg_temp',
        current_schema());
    EXECUTE format('ALTER FUNCTION procession_drop_partitions(BIGINT) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION procession_redact(BIGINT, BIGINT, BIGINT) SET search_path = %I, pg_temp',
        current_schema());
    REVOKE EXECUTE ON FUNCTION procession_redact(BIGINT, BIGINT, BIGINT) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION procession_redact(BIGINT, BIGINT, BIGINT) TO procession_engine;
    REVOKE EXECUTE ON FUNCTION procession_make_partitions(BIGINT, BIGINT), procession_drop_partitions(BIGINT)
        FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION procession_make_partitions(BIGINT, BIGINT), procession_drop_partitions(BIGINT)
        TO procession_engine;
END $$;
