-- The runs that a server's handler went on with. Its first run has the handler's id and
-- needs no row.
CREATE TABLE durable_handler (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    handler_id TEXT NOT NULL,
    recorded_at REAL NOT NULL
);

CREATE INDEX durable_handler_by_id ON durable_handler (handler_id, sequence);
