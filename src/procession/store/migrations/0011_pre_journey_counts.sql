-- What happened on pages of journeys, as numbers: how often a day, and how long it took in all. No values, no persons.
CREATE TABLE procession_journey_count (
    tenant INTEGER NOT NULL, process_id TEXT NOT NULL, day INTEGER NOT NULL, version INTEGER NOT NULL,
    variant TEXT NOT NULL, form TEXT NOT NULL, page TEXT NOT NULL, field TEXT NOT NULL, what TEXT NOT NULL,
    rule TEXT NOT NULL, n INTEGER NOT NULL, ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, process_id, day, version, variant, form, page, field, what, rule)
) WITHOUT ROWID;
