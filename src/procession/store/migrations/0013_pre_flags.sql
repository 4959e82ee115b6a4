-- Behaviour flags of tenants, where they are not as in their cell: `state` 1 is on, 0 off. A version that does not read
-- them starts instances with the flags of the cell.

CREATE TABLE procession_flag (
    tenant INTEGER NOT NULL, number INTEGER NOT NULL, state INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
) WITHOUT ROWID;
