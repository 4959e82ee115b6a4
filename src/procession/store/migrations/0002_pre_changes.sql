-- Changes of instances under way: what is suspended, and batch operations.

-- Keys of instances and of definitions that stand still.
CREATE TABLE procession_suspended (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- One row a batch. `state`: 0 running, 1 paused, 2 finished, 3 cancelled. It goes on behind the instance `after`;
-- instances with a key above its own are younger than it. `body` holds the filter and the action.
CREATE TABLE procession_batch (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, at INTEGER NOT NULL, state INTEGER NOT NULL,
    after INTEGER NOT NULL, seen INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX procession_batch_running ON procession_batch (tenant, key) WHERE state = 0;

-- What a batch could not do.
CREATE TABLE procession_batch_error (
    tenant INTEGER NOT NULL, batch INTEGER NOT NULL, instance INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (tenant, batch, instance)
) WITHOUT ROWID;
