-- The runs that a server's handler went on with. Its first run has the handler's id and
-- needs no row.
CREATE TABLE durable_handler (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    handler_id TEXT NOT NULL,
    recorded_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX durable_handler_by_id ON durable_handler (handler_id, sequence);
