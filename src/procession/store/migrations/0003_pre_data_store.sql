-- Data stores of BPMN (10.4.1): a value for each tenant and data store, beyond any instance. `at`: when it was written.
CREATE TABLE procession_data_store (
    tenant INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (tenant, name)
);
