-- Documents that people upload, and what is on its way to webhooks.

-- What a document is stands in a record. `due`: when somebody has to look after it: an upload that was not finished by
-- then, or one that is no longer kept.
CREATE TABLE procession_document (
    tenant INTEGER NOT NULL, id TEXT NOT NULL, due INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX procession_document_due ON procession_document (tenant, due);

CREATE TABLE procession_document_part (
    tenant INTEGER NOT NULL, document TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (tenant, document, number)
);

-- Who follows the feed of a tenant for a purpose, until when that holds, and the number of the feed up to which it is
-- done.
CREATE TABLE procession_follower (
    tenant INTEGER NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- What a webhook is told, or was. `state`: 0 waiting, 1 delivered, 2 given up. `number` is that of the feed.
CREATE TABLE procession_delivery (
    tenant INTEGER NOT NULL, webhook TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, number INTEGER NOT NULL,
    at INTEGER NOT NULL, state INTEGER NOT NULL, attempt INTEGER NOT NULL, due INTEGER NOT NULL,
    status INTEGER NOT NULL, error TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (tenant, webhook, id)
);
CREATE INDEX procession_delivery_due ON procession_delivery (tenant, webhook, due) WHERE state = 0;
CREATE INDEX procession_delivery_log ON procession_delivery (tenant, webhook, number, id);
CREATE INDEX procession_delivery_at ON procession_delivery (tenant, at);
