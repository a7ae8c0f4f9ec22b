-- Tables that begin with `durable_` are ours; the others are DBOS's own, in the
-- form that dbos 3.4 gives them (tests/engine/test_canary.py watches it). All are in
-- one schema, which is the connection's search path.

-- session_settings --
WITH settings AS MATERIALIZED (SELECT
    set_config('search_path', %(search_path)s, false),
    set_config('lock_timeout', %(lock_timeout)s, false),
    -- A client that is gone without a word is noticed, and what it had locked is free.
    -- No transaction of ours pauses.
    set_config('idle_in_transaction_session_timeout', '5s', false),
    set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config(
        'synchronous_commit',
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit')
        END,
        false
    )
)
SELECT pid, backend_start FROM settings, pg_stat_get_activity(pg_backend_pid())

-- end_backend --
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %(pid)s AND backend_start = %(since)s AND usename = current_user

-- wait_briefly --
SELECT set_config('lock_timeout', '50ms', true)

-- has_database --
SELECT 1 FROM pg_database WHERE datname = %(name)s

-- migration_lock --
SELECT pg_advisory_xact_lock(%(lock)s)

-- has_schema --
SELECT 1 WHERE to_regnamespace(%(search_path)s) IS NOT NULL

-- has_migrations --
SELECT 1 WHERE to_regclass('durable_migration') IS NOT NULL

-- migration_table --
CREATE TABLE IF NOT EXISTS durable_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL,
    applied_at DOUBLE PRECISION NOT NULL
)

-- applied_migration --
SELECT coalesce(max(version), 0) FROM durable_migration

-- record_migration --
INSERT INTO durable_migration (version, name, applied_at)
VALUES (%(version)s, %(name)s, %(now)s)

-- has_dbos --
SELECT 1 WHERE to_regclass('operation_outputs') IS NOT NULL
AND to_regclass('workflow_input') IS NOT NULL

-- dbos_columns --
SELECT t.relname, c.attname,
    c.attnotnull AND NOT c.atthasdef AND c.attidentity = ''
FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
WHERE t.relnamespace = to_regnamespace(%(search_path)s)
AND t.relname = ANY(%(tables)s::text[]) AND c.attnum > 0 AND NOT c.attisdropped

-- hold --
SELECT pg_try_advisory_lock(%(lock)s)

-- let_go --
SELECT pg_advisory_unlock(%(lock)s)

-- is_held --
SELECT 1 FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND (classid::bigint << 32) | objid::bigint = %(lock)s
UNION ALL
SELECT 1 FROM durable_lease
WHERE executor_id = %(executor_id)s AND holder IS NOT NULL
AND expires_at > extract(epoch FROM clock_timestamp())

-- lease_has_expired --
-- No row if nobody holds it.
SELECT expires_at <= extract(epoch FROM clock_timestamp()) FROM durable_lease
WHERE executor_id = %(executor_id)s AND holder IS NOT NULL

-- end_expired_lease --
-- Its holder can no longer renew it.
UPDATE durable_lease SET holder = NULL
WHERE executor_id = %(executor_id)s AND holder IS NOT NULL
AND expires_at <= extract(epoch FROM clock_timestamp())

-- leases --
SELECT executor_id, host, pid, taken_at,
    extract(epoch FROM clock_timestamp()) - renewed_at
FROM durable_lease
WHERE executor_id = ANY(%(executor_ids)s::text[]) AND holder IS NOT NULL
AND expires_at > extract(epoch FROM clock_timestamp())

-- executors_with_runs --
SELECT DISTINCT executor_id FROM workflow_status
WHERE status IN ('PENDING', 'ENQUEUED')
AND executor_id = ANY(%(executor_ids)s::text[])

-- take_lease --
-- Nobody is this executor by the other kind of lock, or becomes it meanwhile. A row
-- that is locked, by an entry on its way or by who takes it, is not waited for: another
-- executor may be free.
WITH free AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(%(lock)s) AS is_free,
        extract(epoch FROM clock_timestamp()) AS now
),
over AS MATERIALIZED (
    SELECT 1 FROM durable_lease
    WHERE executor_id = %(executor_id)s AND (holder IS NULL
        OR expires_at <= extract(epoch FROM clock_timestamp()))
    FOR UPDATE SKIP LOCKED
)
INSERT INTO durable_lease AS l
    (executor_id, holder, host, pid, taken_at, renewed_at, expires_at)
SELECT %(executor_id)s, %(holder)s::uuid, %(host)s, %(pid)s::integer,
    now, now, now + %(timeout_s)s::float8
FROM free WHERE is_free AND (EXISTS (SELECT 1 FROM over) OR NOT EXISTS (
    SELECT 1 FROM durable_lease WHERE executor_id = %(executor_id)s))
ON CONFLICT (executor_id) DO UPDATE SET
    holder = excluded.holder, host = excluded.host, pid = excluded.pid,
    taken_at = excluded.taken_at, renewed_at = excluded.renewed_at,
    expires_at = excluded.expires_at
WHERE l.holder IS NULL OR l.expires_at <= extract(epoch FROM clock_timestamp())

-- renew_lease --
-- Also one that has run out, as long as nobody has taken it.
UPDATE durable_lease
SET renewed_at = extract(epoch FROM clock_timestamp()),
    expires_at = extract(epoch FROM clock_timestamp()) + %(timeout_s)s::float8
WHERE holder = %(holder)s::uuid

-- release_lease --
UPDATE durable_lease SET holder = NULL WHERE holder = %(holder)s::uuid

-- listen --
LISTEN durable_mail

-- executors --
SELECT executor_id, notebook FROM durable_executor ORDER BY created_at DESC

-- add_executor --
INSERT INTO durable_executor (executor_id, notebook, created_at)
VALUES (%(executor_id)s, %(notebook)s, %(now)s)
ON CONFLICT (executor_id) DO UPDATE SET notebook = excluded.notebook

-- begin_session --
INSERT INTO durable_session (executor_id, pid, started_at)
VALUES (%(executor_id)s, %(pid)s, %(now)s)
RETURNING session

-- lives --
SELECT s.executor_id, s.session, s.pid, s.started_at, e.notebook
FROM durable_session s LEFT JOIN durable_executor e ON e.executor_id = s.executor_id
WHERE s.session IN (SELECT max(session) FROM durable_session GROUP BY executor_id)

-- append_entry --
-- The owner cannot change before the commit: its row is locked. Nor can a lease, which
-- is renewed under that lock, but not taken: who takes it sees all that was written
-- under it, and may leave a run alone that waits without claiming it.
WITH held AS MATERIALIZED (
    SELECT 1 FROM durable_lease WHERE holder = %(lease)s::uuid FOR KEY SHARE
),
mine AS (
    SELECT application_name FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND owner_xid = %(owner)s
    AND (%(lease)s::uuid IS NULL OR EXISTS (SELECT 1 FROM held))
    FOR SHARE
)
INSERT INTO operation_outputs (
    workflow_uuid, function_id, function_name, output, serialization,
    started_at_epoch_ms, completed_at_epoch_ms, application_name, retention_timestamp
)
SELECT
    %(run_id)s::text, %(position)s::integer + 1, %(name)s::text, %(body)s::text,
    'portable_json', %(started_ms)s::bigint, %(finished_ms)s::bigint,
    application_name, %(finished_ms)s::bigint
FROM mine

-- append_barrier --
-- Waits for the end of a transaction that holds the row as above.
SELECT 1 FROM workflow_status WHERE workflow_uuid = %(run_id)s FOR UPDATE

-- is_appended --
SELECT 1 FROM operation_outputs
WHERE workflow_uuid = %(run_id)s AND function_id = %(position)s::integer + 1
AND output = %(body)s

-- entries --
SELECT function_id - 1, function_name, output FROM operation_outputs
WHERE workflow_uuid = %(run_id)s AND function_id - 1 > %(after)s
ORDER BY function_id

-- last_entry --
SELECT function_id - 1, function_name, output FROM operation_outputs
WHERE workflow_uuid = %(run_id)s ORDER BY function_id DESC LIMIT 1

-- snapshot --
SELECT body FROM durable_snapshot WHERE run_id = %(run_id)s

-- put_snapshot --
WITH mine AS (
    SELECT 1 FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND owner_xid = %(owner)s
    FOR SHARE
)
INSERT INTO durable_snapshot (run_id, body, written_at)
SELECT %(run_id)s, %(body)s, %(now)s FROM mine
ON CONFLICT (run_id) DO UPDATE
SET body = excluded.body, written_at = excluded.written_at

-- code --
SELECT body FROM durable_code WHERE digest = %(digest)s

-- put_code --
INSERT INTO durable_code (digest, body, recorded_at)
VALUES (%(digest)s, %(code)s, %(now)s)
-- Not DO NOTHING: that would not wait for somebody who is deleting it.
ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest

-- use_code --
INSERT INTO durable_code_use (digest, run_id) VALUES (%(digest)s, %(run_id)s)
ON CONFLICT DO NOTHING

-- consume --
-- Of an entry that is refused nothing is consumed: the locks last up to its commit.
WITH held AS MATERIALIZED (
    SELECT 1 FROM durable_lease WHERE holder = %(lease)s::uuid FOR KEY SHARE
)
INSERT INTO durable_run (run_id, consumed)
SELECT workflow_uuid, %(consumed)s FROM workflow_status
WHERE workflow_uuid = %(run_id)s AND owner_xid = %(owner)s
AND (%(lease)s::uuid IS NULL OR EXISTS (SELECT 1 FROM held))
FOR SHARE
ON CONFLICT (run_id) DO UPDATE SET consumed = excluded.consumed

-- past --
SELECT consumed, set_going_at, paused_at FROM durable_run WHERE run_id = %(run_id)s

-- pause --
INSERT INTO durable_run (run_id, paused_at)
SELECT workflow_uuid, %(now)s::float8 FROM workflow_status
WHERE workflow_uuid = %(run_id)s AND status IN ('ENQUEUED', 'PENDING', 'DELAYED')
ON CONFLICT (run_id) DO UPDATE
SET paused_at = coalesce(durable_run.paused_at, excluded.paused_at)

-- go_on --
-- Its open waits begin anew.
UPDATE durable_run SET paused_at = NULL, set_going_at = %(now)s::float8
WHERE run_id = %(run_id)s AND paused_at IS NOT NULL
AND EXISTS (SELECT 1 FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND status IN ('ENQUEUED', 'PENDING', 'DELAYED'))

-- paused --
SELECT run_id FROM durable_run WHERE paused_at IS NOT NULL

-- take_back_mail --
WITH mine AS (
    SELECT 1 FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND owner_xid = %(owner)s
    FOR SHARE
),
gone AS (
    DELETE FROM durable_mail
    WHERE run_id = %(run_id)s AND sequence > %(until)s
    AND sequence <= (SELECT consumed FROM durable_run WHERE run_id = %(run_id)s)
    AND EXISTS (SELECT 1 FROM mine)
),
taken_back AS (
    UPDATE durable_run SET consumed = %(until)s
    WHERE run_id = %(run_id)s AND EXISTS (SELECT 1 FROM mine)
)
SELECT 1 FROM mine

-- post --
-- One post at a time, up to its commit: a message with a lower sequence must not be
-- seen after one with a higher, or whoever reads behind a sequence would miss it.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(lock)s)),
added AS (
    INSERT INTO durable_mail (run_id, key, tick, sent_at, sent_by, token)
    SELECT %(run_id)s, %(key)s, %(tick)s, %(now)s, %(by)s, %(token)s::uuid FROM turn
    ON CONFLICT DO NOTHING
    RETURNING sequence
)
SELECT sequence, pg_notify('durable_mail', '') FROM added

-- post_barrier --
SELECT pg_advisory_xact_lock(%(lock)s)

-- is_posted --
SELECT sequence FROM durable_mail WHERE token = %(token)s::uuid

-- mail --
SELECT sequence, tick FROM durable_mail
WHERE run_id = %(run_id)s AND sequence > %(after)s ORDER BY sequence

-- keyed_mail --
SELECT sequence, tick, sent_at, sent_by FROM durable_mail
WHERE run_id = %(run_id)s AND key = %(key)s

-- forget_mail --
UPDATE durable_mail SET tick = ''
WHERE run_id = %(run_id)s AND sequence <= %(until)s AND tick <> ''

-- refuse_mail --
WITH held AS MATERIALIZED (
    SELECT 1 FROM durable_lease WHERE holder = %(lease)s::uuid FOR KEY SHARE
),
mine AS (
    SELECT 1 FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND owner_xid = %(owner)s
    AND (%(lease)s::uuid IS NULL OR EXISTS (SELECT 1 FROM held))
    FOR SHARE
),
refused AS (
    UPDATE durable_mail SET tick = '', key = NULL
    WHERE run_id = %(run_id)s AND sequence = %(sequence)s
    AND EXISTS (SELECT 1 FROM mine)
)
SELECT 1 FROM mine

-- newest_mail --
SELECT coalesce(max(sequence), 0) FROM durable_mail

-- mailed --
SELECT run_id, max(sequence) FROM durable_mail WHERE sequence > %(after)s GROUP BY run_id

-- put_handler --
INSERT INTO durable_handler (run_id, handler_id, recorded_at)
VALUES (%(run_id)s, %(handler_id)s, %(now)s)
ON CONFLICT (run_id) DO NOTHING

-- handler_runs --
SELECT run_id FROM durable_handler WHERE handler_id = %(handler_id)s
ORDER BY sequence DESC

-- handlers --
SELECT run_id, handler_id FROM durable_handler ORDER BY sequence

-- runs --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE i.inputs LIKE %(ours)s
ORDER BY w.created_at DESC, w.workflow_uuid DESC
LIMIT %(limit)s

-- sizes --
SELECT r.run_id,
    (SELECT coalesce(sum(octet_length(i.inputs)), 0)
     FROM workflow_input i WHERE i.workflow_uuid = r.run_id)
    + (SELECT coalesce(sum(octet_length(o.output)), 0)
       FROM operation_outputs o WHERE o.workflow_uuid = r.run_id)
    + (SELECT coalesce(sum(octet_length(m.tick)), 0)
       FROM durable_mail m WHERE m.run_id = r.run_id)
    + (SELECT coalesce(sum(octet_length(s.body)), 0)
       FROM durable_snapshot s WHERE s.run_id = r.run_id)
FROM unnest(%(run_ids)s::text[]) AS r (run_id)

-- run --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.workflow_uuid = %(run_id)s AND i.inputs LIKE %(ours)s

-- heads --
SELECT w.workflow_uuid,
    coalesce((SELECT max(o.function_id) FROM operation_outputs o
     WHERE o.workflow_uuid = w.workflow_uuid), 0),
    w.updated_at
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status IN ('PENDING', 'ENQUEUED', 'DELAYED') AND i.inputs LIKE %(ours)s

-- numbered --
SELECT workflow_uuid FROM workflow_status
WHERE workflow_uuid = %(run_id)s OR starts_with(workflow_uuid, %(run_id)s || '-')

-- marks --
SELECT
    w.workflow_uuid, w.status, w.executor_id, w.updated_at, w.owner_xid, w.queue_name,
    (SELECT max(o.function_id) FROM operation_outputs o
     WHERE o.workflow_uuid = w.workflow_uuid),
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE i.inputs LIKE %(ours)s
ORDER BY w.created_at DESC, w.workflow_uuid DESC

-- rows --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.workflow_uuid = ANY(%(run_ids)s::text[]) AND i.inputs LIKE %(ours)s

-- children --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.parent_workflow_id = %(run_id)s AND i.inputs LIKE %(ours)s
ORDER BY w.created_at, w.workflow_uuid

-- unfinished --
SELECT w.workflow_uuid, w.name
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status = 'PENDING' AND w.executor_id = %(executor_id)s
AND i.inputs LIKE %(ours)s
ORDER BY w.created_at, w.workflow_uuid

-- tally --
SELECT w.name, w.status,
    w.status = 'ERROR' AND EXISTS (
        SELECT 1 FROM workflow_output o
        WHERE o.workflow_uuid = w.workflow_uuid AND o.error LIKE %(cancelled)s),
    count(*)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE i.inputs LIKE %(ours)s
GROUP BY 1, 2, 3

-- unread --
SELECT count(*), min(m.sent_at)
FROM workflow_status w LEFT JOIN durable_run r ON r.run_id = w.workflow_uuid
JOIN durable_mail m ON m.run_id = w.workflow_uuid
WHERE w.status IN ('ENQUEUED', 'PENDING') AND m.tick <> ''
AND m.sequence > coalesce(r.consumed, 0)

-- pending --
SELECT w.workflow_uuid,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    (SELECT coalesce(max(m.sequence), 0) FROM durable_mail m
     WHERE m.run_id = w.workflow_uuid AND m.tick <> '')
FROM workflow_status w
WHERE w.status = 'PENDING' AND w.executor_id = %(executor_id)s
AND w.workflow_uuid = ANY(%(run_ids)s::text[])

-- claim --
-- The end that a fork has copied goes in the same commit. Who has lost its lease claims
-- nothing: it is locked, or the claim of who takes it could be undone.
WITH held AS MATERIALIZED (
    SELECT 1 FROM durable_lease WHERE holder = %(lease)s::uuid FOR KEY SHARE
),
enqueued AS (
    SELECT forked_from FROM workflow_status
    WHERE workflow_uuid = %(run_id)s AND status = 'ENQUEUED'
    AND queue_name = '_dbos_internal_queue'
),
given AS (
    UPDATE workflow_status
    SET status = 'PENDING', executor_id = %(executor_id)s, owner_xid = %(owner)s,
        queue_name = NULL, updated_at = %(now_ms)s,
        recovery_attempts = coalesce(recovery_attempts, 0) + %(counted)s
    WHERE workflow_uuid = %(run_id)s AND (
        (status = 'PENDING' AND executor_id = %(executor_id)s)
        OR (status = 'ENQUEUED' AND queue_name = '_dbos_internal_queue' AND (
            executor_id IS NULL
            OR executor_id IN (%(executor_id)s::text, %(instead_of)s::text)))
        OR (status = 'ENQUEUED' AND queue_name = name
            AND executor_id = %(executor_id)s))
    AND (%(lease)s::uuid IS NULL OR EXISTS (SELECT 1 FROM held))
    RETURNING workflow_uuid
),
dropped AS (
    DELETE FROM operation_outputs
    WHERE workflow_uuid IN (SELECT workflow_uuid FROM given)
    AND EXISTS (SELECT 1 FROM enqueued WHERE forked_from IS NOT NULL)
    AND durable_is_end(output)
),
set_going AS (
    INSERT INTO durable_run (run_id, set_going_at)
    SELECT workflow_uuid, %(now_ms)s / 1000.0::double precision FROM given, enqueued
    ON CONFLICT (run_id) DO UPDATE
    SET set_going_at = excluded.set_going_at, paused_at = NULL
),
code_copied AS (
    INSERT INTO durable_code_use (digest, run_id)
    SELECT u.digest, given.workflow_uuid
    FROM given, enqueued JOIN durable_code_use u ON u.run_id = enqueued.forked_from
    ON CONFLICT DO NOTHING
)
SELECT 1 FROM given

-- executed_by --
SELECT w.workflow_uuid
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status IN ('ENQUEUED', 'PENDING', 'DELAYED')
AND w.executor_id = %(executor_id)s AND i.inputs LIKE %(ours)s
ORDER BY w.created_at, w.workflow_uuid

-- reassign --
-- Those that have the new token already are given again: a broken connection may have
-- left open whether they were.
UPDATE workflow_status
SET executor_id = %(to)s, owner_xid = %(owner)s, updated_at = %(now_ms)s,
    queue_name = CASE status WHEN 'PENDING' THEN %(reassigned)s ELSE queue_name END
WHERE workflow_uuid = ANY(%(run_ids)s::text[])
AND status IN ('ENQUEUED', 'PENDING', 'DELAYED')
AND (executor_id = %(from)s OR owner_xid = %(owner)s)
RETURNING workflow_uuid

-- tell --
-- Every process looks: told with the commit.
SELECT pg_notify('durable_mail', '')

-- take_reassigned --
UPDATE workflow_status SET queue_name = NULL
WHERE workflow_uuid = ANY(%(run_ids)s::text[])
AND status = 'PENDING' AND queue_name = %(reassigned)s
AND executor_id = %(executor_id)s

-- enqueued --
SELECT w.workflow_uuid, w.name, w.executor_id, w.queue_name
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE (
    (w.status = 'ENQUEUED' AND w.queue_name IN ('_dbos_internal_queue', w.name))
    OR (w.status = 'PENDING' AND w.queue_name = %(reassigned)s))
AND i.inputs LIKE %(ours)s
ORDER BY w.created_at, w.workflow_uuid

-- owners --
SELECT workflow_uuid, owner_xid FROM workflow_status
WHERE workflow_uuid = ANY(%(run_ids)s::text[]) AND (
    %(lease)s::uuid IS NULL
    OR EXISTS (SELECT 1 FROM durable_lease WHERE holder = %(lease)s::uuid))

-- lock_runs --
-- In one order, so that two who delete do not wait for each other.
SELECT 1 FROM workflow_status WHERE workflow_uuid = ANY(%(run_ids)s::text[])
ORDER BY workflow_uuid FOR UPDATE

-- lock_code --
-- Who begins to use it meanwhile is waited for, and is seen afterwards.
SELECT 1 FROM durable_code WHERE digest IN (
    SELECT digest FROM durable_code_use WHERE run_id = ANY(%(run_ids)s::text[])
)
ORDER BY digest FOR UPDATE

-- delete_runs --
WITH run AS (
    SELECT * FROM unnest(%(run_ids)s::text[], %(owners)s::text[]) AS r (id, owner)
),
lost AS (
    SELECT run.id FROM run JOIN workflow_status w ON w.workflow_uuid = run.id
    WHERE w.owner_xid IS DISTINCT FROM run.owner
),
gone AS (SELECT id FROM run WHERE NOT EXISTS (SELECT 1 FROM lost)),
workflow_input_gone AS (
    DELETE FROM workflow_input WHERE workflow_uuid IN (SELECT id FROM gone)
),
workflow_output_gone AS (
    DELETE FROM workflow_output WHERE workflow_uuid IN (SELECT id FROM gone)
),
operation_outputs_gone AS (
    DELETE FROM operation_outputs WHERE workflow_uuid IN (SELECT id FROM gone)
),
notifications_gone AS (
    DELETE FROM notifications WHERE destination_uuid IN (SELECT id FROM gone)
),
workflow_events_gone AS (
    DELETE FROM workflow_events WHERE workflow_uuid IN (SELECT id FROM gone)
),
workflow_events_history_gone AS (
    DELETE FROM workflow_events_history WHERE workflow_uuid IN (SELECT id FROM gone)
),
streams_gone AS (
    DELETE FROM streams WHERE workflow_uuid IN (SELECT id FROM gone)
),
mail_gone AS (DELETE FROM durable_mail WHERE run_id IN (SELECT id FROM gone)),
snapshot_gone AS (DELETE FROM durable_snapshot WHERE run_id IN (SELECT id FROM gone)),
handler_gone AS (DELETE FROM durable_handler WHERE run_id IN (SELECT id FROM gone)),
run_gone AS (DELETE FROM durable_run WHERE run_id IN (SELECT id FROM gone)),
use_gone AS (
    DELETE FROM durable_code_use WHERE run_id IN (SELECT id FROM gone)
    RETURNING digest
),
code_gone AS (
    DELETE FROM durable_code c
    WHERE c.digest IN (SELECT digest FROM use_gone) AND NOT EXISTS (
        SELECT 1 FROM durable_code_use u
        WHERE u.digest = c.digest AND u.run_id NOT IN (SELECT id FROM gone))
),
workflow_status_gone AS (
    DELETE FROM workflow_status WHERE workflow_uuid IN (SELECT id FROM gone)
)
SELECT id FROM lost LIMIT 1

-- lock_unused_code --
SELECT 1 FROM durable_code WHERE digest IN (
    SELECT u.digest FROM durable_code_use u
    WHERE u.run_id <> ''
    AND NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = u.run_id)
)
ORDER BY digest FOR UPDATE

-- sweep --
WITH mail_gone AS (
    DELETE FROM durable_mail m
    WHERE NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = m.run_id)
),
-- A run is recorded just after its row.
handlers_gone AS (
    DELETE FROM durable_handler h
    WHERE NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = h.run_id)
    AND recorded_at < extract(epoch FROM now()) - 60
),
run_gone AS (
    DELETE FROM durable_run r
    WHERE NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = r.run_id)
),
use_gone AS (
    DELETE FROM durable_code_use u
    WHERE u.run_id <> ''
    AND NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = u.run_id)
    RETURNING u.digest, u.run_id
),
code_gone AS (
    DELETE FROM durable_code c
    WHERE c.digest IN (SELECT digest FROM use_gone) AND NOT EXISTS (
        SELECT 1 FROM durable_code_use u
        WHERE u.digest = c.digest
        AND u.run_id NOT IN (SELECT run_id FROM use_gone))
)
DELETE FROM durable_snapshot s
WHERE NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = s.run_id)
