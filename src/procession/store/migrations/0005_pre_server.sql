-- What a server keeps beside instances: its own documents, what it answered, who asked for what, what happened when.

-- The processes that take shards of this store, and when each said so last.
CREATE TABLE procession_process (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

-- Documents of the server by kind: keys, roles, webhooks, settings of a tenant. `version` rises with every change.
CREATE TABLE procession_record (
    tenant INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID;

-- What a request with an idempotency key was answered, in the commit of what it did. `digest` is that of the request.
CREATE TABLE procession_answered (
    tenant INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL, result BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_answered_at ON procession_answered (at);

-- Who asked for what, from where; a chain a shard: `chain` is the hash of the row before and of this one as it is stored.
CREATE TABLE procession_audit (
    tenant INTEGER NOT NULL, shard INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (tenant, shard, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX procession_audit_chain ON procession_audit (shard, number);

-- One row a commit and tenant: which steps of which instances it stored. Followed by webhooks and streams of events.
CREATE TABLE procession_feed (
    tenant INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE INDEX procession_feed_at ON procession_feed (at);
