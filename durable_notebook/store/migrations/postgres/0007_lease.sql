-- Who is which executor of a pool, and until when unless there is a sign of life before.
-- Times are seconds since the epoch, by the clock of the database.
CREATE TABLE durable_lease (
    executor_id TEXT PRIMARY KEY,
    holder UUID UNIQUE,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    taken_at DOUBLE PRECISION NOT NULL,
    renewed_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);
