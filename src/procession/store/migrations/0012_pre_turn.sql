-- How many commits a shard had: where several processes write under one epoch, each proves that it saw the last one.

ALTER TABLE procession_shard ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
