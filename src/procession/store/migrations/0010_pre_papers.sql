-- Bytes of documents may be kept elsewhere: then only how many they are stands here, for the tenant's quota.
ALTER TABLE procession_document ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
