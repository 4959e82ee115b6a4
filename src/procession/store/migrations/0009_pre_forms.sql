-- Deployed versions of forms. The document is the row of the deployment in `procession_resource` with the same digest.
CREATE TABLE procession_form (
    tenant INTEGER NOT NULL, key INTEGER NOT NULL, form_id TEXT NOT NULL, version INTEGER NOT NULL,
    digest TEXT NOT NULL, deployment INTEGER NOT NULL, name TEXT NOT NULL, version_tag TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX procession_form_version ON procession_form (tenant, form_id, version);
