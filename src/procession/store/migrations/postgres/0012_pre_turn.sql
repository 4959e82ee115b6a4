-- SQLite's step of this number adds what has been here from the first migration on.

COMMENT ON COLUMN procession_shard.turn IS 'how many commits the shard had';
