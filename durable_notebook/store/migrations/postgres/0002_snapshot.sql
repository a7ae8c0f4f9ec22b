-- The newest of each run only: the journal says it again from the beginning.
CREATE TABLE durable_snapshot (
    run_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    written_at DOUBLE PRECISION NOT NULL
);
