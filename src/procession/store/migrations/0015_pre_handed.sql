-- The row of the outbox by which an instance was handed over last: whoever takes it back has to know of that one.

ALTER TABLE procession_instance ADD COLUMN handed INTEGER NOT NULL DEFAULT 0;
