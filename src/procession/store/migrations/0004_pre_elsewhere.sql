-- Instances that another host runs, a Temporal cluster: what is stored of them here is what they reported. `home` is the
-- key of the instance in whose workflow this one lives, 0 where it is this store's own.
ALTER TABLE procession_instance ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE procession_instance ADD COLUMN home INTEGER NOT NULL DEFAULT 0;

-- How many messages may be on their way to it at once.
ALTER TABLE procession_subscription ADD COLUMN room INTEGER NOT NULL DEFAULT 1;

-- What has to reach them, in order; a row goes when it has arrived. `due`: not before this time of the machine, because
-- whoever made it takes it there himself.
CREATE TABLE procession_outbox (
    tenant INTEGER NOT NULL, number INTEGER NOT NULL, home INTEGER NOT NULL, due INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (tenant, number)
) WITHOUT ROWID;

-- A row of the inbox in state 3 is held: it counts when the task that wrote it is known to be committed.
CREATE INDEX procession_inbox_held ON procession_inbox (at) WHERE state = 3;

-- Of how many instances a batch waits for what became of them there, and which: a row goes with the answer. A batch is
-- in state 4 when nothing else is left of it.
ALTER TABLE procession_batch ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
CREATE TABLE procession_batch_sent (
    tenant INTEGER NOT NULL, batch INTEGER NOT NULL, instance INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch, instance)
) WITHOUT ROWID;
