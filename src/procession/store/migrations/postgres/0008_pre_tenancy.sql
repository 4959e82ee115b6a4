-- Tenants: the keys that seal what they store, and the shares that they have of a process (see SQLite's of this number).

CREATE TABLE procession_tenant_key (
    tenant BIGINT NOT NULL, generation BIGINT NOT NULL, at BIGINT NOT NULL, wrapped BYTEA NOT NULL,
    PRIMARY KEY (tenant, generation)
);

CREATE TABLE procession_weight (tenant BIGINT PRIMARY KEY NOT NULL, weight BIGINT NOT NULL);

-- The log of who asked is only added to. What a deleted tenant said gives way to its hash, over which the chain goes;
-- nothing else can be put in its place.
CREATE FUNCTION procession_redact(whose BIGINT, part BIGINT, place BIGINT) RETURNS VOID LANGUAGE SQL SECURITY DEFINER AS $$
    UPDATE procession_audit SET body = '\xff'::bytea || sha256(body)
    WHERE tenant = whose AND shard = part AND number = place AND substring(body FROM 1 FOR 1) <> '\xff'::bytea
$$;
