-- Which instances a batch of moves has moved: their rows stay, so that they can be moved back.

ALTER TABLE procession_batch_sent ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
