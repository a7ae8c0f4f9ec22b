-- Who sent a message, in words. Not in its text: that is emptied where it holds what
-- must not stay, and who answered is asked for afterwards.
ALTER TABLE durable_mail ADD COLUMN sent_by TEXT;
