-- When somebody has paused the run: nobody begins a step of it until it is taken back.
ALTER TABLE durable_run ADD COLUMN paused_at DOUBLE PRECISION;

CREATE INDEX durable_run_paused ON durable_run (run_id) WHERE paused_at IS NOT NULL;
