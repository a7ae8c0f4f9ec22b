-- What of a run outlives its entries, which DBOS's tools can take back: how far its
-- messages were consumed, and when it was last set going again.
CREATE TABLE durable_run (
    run_id TEXT PRIMARY KEY,
    consumed INTEGER NOT NULL DEFAULT 0,
    set_going_at REAL
);
-- Which runs name a code: without one it goes.
CREATE TABLE durable_code_use (
    digest TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (digest, run_id)
) WITHOUT ROWID;

CREATE INDEX durable_code_use_by_run ON durable_code_use (run_id);

-- Nothing is known of who uses what was recorded before: it stays.
INSERT INTO durable_code_use (digest, run_id) SELECT digest, '' FROM durable_code;
