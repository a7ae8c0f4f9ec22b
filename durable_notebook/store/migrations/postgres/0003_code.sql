-- The workflows that runs were executed with: their graphs and sources.
CREATE TABLE durable_code (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    recorded_at DOUBLE PRECISION NOT NULL
);
