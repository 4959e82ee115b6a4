-- Tenants: the keys that seal what they store, and the shares that they have of a process.

-- Data keys of a tenant, each wrapped by a master key or a key service: the newest seals, all of them open. An empty
-- `wrapped` is a key that was destroyed. Tenant -1: of the store itself.
CREATE TABLE procession_tenant_key (
    tenant INTEGER NOT NULL, generation INTEGER NOT NULL, at INTEGER NOT NULL, wrapped BLOB NOT NULL,
    PRIMARY KEY (tenant, generation)
) WITHOUT ROWID;

-- The weight of a tenant's turns, where it is another than 1: what a process reads of all tenants when it takes a shard.
CREATE TABLE procession_weight (tenant INTEGER PRIMARY KEY NOT NULL, weight INTEGER NOT NULL);
