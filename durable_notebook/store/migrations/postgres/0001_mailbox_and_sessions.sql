CREATE TABLE durable_executor (
    executor_id TEXT PRIMARY KEY,
    notebook TEXT,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE durable_session (
    session BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    executor_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at DOUBLE PRECISION NOT NULL
);

-- A message stays after it was consumed: its key keeps a second answer out. Its token
-- tells whether a post whose connection was cut has arrived.
CREATE TABLE durable_mail (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id TEXT NOT NULL,
    key TEXT,
    tick TEXT NOT NULL,
    sent_at DOUBLE PRECISION NOT NULL,
    token UUID NOT NULL UNIQUE,
    UNIQUE (run_id, key)
);

CREATE INDEX durable_mail_by_run ON durable_mail (run_id, sequence);
