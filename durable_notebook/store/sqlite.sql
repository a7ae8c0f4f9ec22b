-- Tables that begin with `durable_` are ours; the others are DBOS's own, in the
-- form that dbos 3.4 gives them (tests/engine/test_canary.py watches it).

-- migration_table --
CREATE TABLE IF NOT EXISTS durable_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL
)

-- applied_migration --
SELECT coalesce(max(version), 0) FROM durable_migration

-- record_migration --
INSERT INTO durable_migration (version, name, applied_at) VALUES (?, ?, ?)

-- has_migrations --
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'durable_migration'

-- has_dbos --
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'operation_outputs'

-- dbos_columns --
SELECT m.name, p.name, p."notnull" AND p.dflt_value IS NULL
FROM sqlite_master m JOIN pragma_table_info(m.name) p
WHERE m.type = 'table' AND m.name IN (SELECT value FROM json_each(?))

-- executors --
SELECT executor_id, notebook FROM durable_executor ORDER BY created_at DESC

-- add_executor --
INSERT INTO durable_executor (executor_id, notebook, created_at) VALUES (?, ?, ?)
ON CONFLICT (executor_id) DO UPDATE SET notebook = excluded.notebook

-- begin_session --
INSERT INTO durable_session (executor_id, pid, started_at) VALUES (?, ?, ?)
RETURNING session

-- lives --
SELECT s.executor_id, s.session, s.pid, s.started_at, e.notebook
FROM durable_session s LEFT JOIN durable_executor e ON e.executor_id = s.executor_id
WHERE s.session IN (SELECT max(session) FROM durable_session GROUP BY executor_id)

-- owner --
SELECT owner_xid FROM workflow_status WHERE workflow_uuid = ?

-- append_entry --
INSERT INTO operation_outputs (
    workflow_uuid, function_id, function_name, output, serialization,
    started_at_epoch_ms, completed_at_epoch_ms, application_name, retention_timestamp
)
SELECT
    workflow_uuid, :position + 1, :name, :body, 'portable_json', :started_ms,
    :finished_ms, application_name, :finished_ms
FROM workflow_status WHERE workflow_uuid = :run_id AND owner_xid = :owner

-- entries --
SELECT function_id - 1, function_name, output FROM operation_outputs
WHERE workflow_uuid = ? AND function_id - 1 > ?
ORDER BY function_id

-- last_entry --
SELECT function_id - 1, function_name, output FROM operation_outputs
WHERE workflow_uuid = ? ORDER BY function_id DESC LIMIT 1

-- snapshot --
SELECT body FROM durable_snapshot WHERE run_id = ?

-- put_snapshot --
INSERT INTO durable_snapshot (run_id, body, written_at) VALUES (?, ?, ?)
ON CONFLICT (run_id) DO UPDATE
SET body = excluded.body, written_at = excluded.written_at

-- code --
SELECT body FROM durable_code WHERE digest = ?

-- put_code --
INSERT INTO durable_code (digest, body, recorded_at) VALUES (?, ?, ?)
ON CONFLICT (digest) DO NOTHING

-- use_code --
INSERT INTO durable_code_use (digest, run_id) VALUES (?, ?)
ON CONFLICT (digest, run_id) DO NOTHING

-- consume --
INSERT INTO durable_run (run_id, consumed) VALUES (?, ?)
ON CONFLICT (run_id) DO UPDATE SET consumed = excluded.consumed

-- past --
SELECT consumed, set_going_at, paused_at FROM durable_run WHERE run_id = ?

-- pause --
INSERT INTO durable_run (run_id, paused_at)
SELECT workflow_uuid, :now FROM workflow_status
WHERE workflow_uuid = :run_id AND status IN ('ENQUEUED', 'PENDING', 'DELAYED')
ON CONFLICT (run_id) DO UPDATE
SET paused_at = coalesce(durable_run.paused_at, excluded.paused_at)

-- go_on --
-- Its open waits begin anew.
UPDATE durable_run SET paused_at = NULL, set_going_at = :now
WHERE run_id = :run_id AND paused_at IS NOT NULL
AND EXISTS (SELECT 1 FROM workflow_status
    WHERE workflow_uuid = :run_id AND status IN ('ENQUEUED', 'PENDING', 'DELAYED'))

-- paused --
SELECT run_id FROM durable_run WHERE paused_at IS NOT NULL

-- take_back_mail --
DELETE FROM durable_mail
WHERE run_id = :run_id AND sequence > :until
    AND sequence <= (SELECT consumed FROM durable_run WHERE run_id = :run_id)

-- post --
INSERT INTO durable_mail (run_id, key, tick, sent_at, sent_by) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (run_id, key) DO NOTHING
RETURNING sequence

-- mail --
SELECT sequence, tick FROM durable_mail
WHERE run_id = ? AND sequence > ? ORDER BY sequence

-- keyed_mail --
SELECT sequence, tick, sent_at, sent_by FROM durable_mail WHERE run_id = ? AND key = ?

-- forget_mail --
UPDATE durable_mail SET tick = '' WHERE run_id = ? AND sequence <= ? AND tick <> ''

-- refuse_mail --
UPDATE durable_mail SET tick = '', key = NULL WHERE run_id = ? AND sequence = ?

-- newest_mail --
SELECT coalesce(max(sequence), 0) FROM durable_mail

-- mailed --
SELECT run_id, max(sequence) FROM durable_mail WHERE sequence > ? GROUP BY run_id

-- put_handler --
INSERT INTO durable_handler (run_id, handler_id, recorded_at) VALUES (?, ?, ?)
ON CONFLICT (run_id) DO NOTHING

-- handler_runs --
SELECT run_id FROM durable_handler WHERE handler_id = ? ORDER BY sequence DESC

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
WHERE i.inputs LIKE :ours
ORDER BY w.created_at DESC, w.rowid DESC
LIMIT :limit

-- sizes --
SELECT r.value,
    (SELECT coalesce(sum(length(CAST(i.inputs AS BLOB))), 0)
     FROM workflow_input i WHERE i.workflow_uuid = r.value)
    + (SELECT coalesce(sum(length(CAST(o.output AS BLOB))), 0)
       FROM operation_outputs o WHERE o.workflow_uuid = r.value)
    + (SELECT coalesce(sum(length(CAST(m.tick AS BLOB))), 0)
       FROM durable_mail m WHERE m.run_id = r.value)
    + (SELECT coalesce(sum(length(CAST(s.body AS BLOB))), 0)
       FROM durable_snapshot s WHERE s.run_id = r.value)
FROM json_each(?) r

-- run --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.workflow_uuid = :run_id AND i.inputs LIKE :ours

-- heads --
SELECT w.workflow_uuid,
    coalesce((SELECT max(o.function_id) FROM operation_outputs o
     WHERE o.workflow_uuid = w.workflow_uuid), 0),
    w.updated_at
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status IN ('PENDING', 'ENQUEUED', 'DELAYED') AND i.inputs LIKE :ours

-- numbered --
SELECT workflow_uuid FROM workflow_status
WHERE workflow_uuid = :run_id
    -- '.' is the character behind '-'.
    OR (workflow_uuid > :run_id || '-' AND workflow_uuid < :run_id || '.')

-- marks --
SELECT
    w.workflow_uuid, w.status, w.executor_id, w.updated_at, w.owner_xid, w.queue_name,
    (SELECT max(o.function_id) FROM operation_outputs o
     WHERE o.workflow_uuid = w.workflow_uuid),
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE i.inputs LIKE :ours
ORDER BY w.created_at DESC, w.rowid DESC

-- rows --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.workflow_uuid IN (SELECT value FROM json_each(:run_ids))
    AND i.inputs LIKE :ours

-- children --
SELECT
    w.workflow_uuid, w.name, w.status, w.executor_id, w.created_at, w.updated_at,
    i.inputs,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    w.owner_xid, coalesce(w.recovery_attempts, 0), w.parent_workflow_id, w.queue_name,
    (SELECT d.paused_at FROM durable_run d WHERE d.run_id = w.workflow_uuid)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.parent_workflow_id = :run_id AND i.inputs LIKE :ours
ORDER BY w.created_at, w.rowid

-- unfinished --
SELECT w.workflow_uuid, w.name
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status = 'PENDING' AND w.executor_id = :executor_id AND i.inputs LIKE :ours
ORDER BY w.created_at, w.rowid

-- tally --
SELECT w.name, w.status,
    w.status = 'ERROR' AND EXISTS (
        SELECT 1 FROM workflow_output o
        WHERE o.workflow_uuid = w.workflow_uuid AND o.error LIKE :cancelled),
    count(*)
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE i.inputs LIKE :ours
GROUP BY 1, 2, 3

-- unread --
-- Not the other way round, over all messages that ever were: hence the CROSS JOIN.
SELECT count(*), min(m.sent_at)
FROM workflow_status w LEFT JOIN durable_run r ON r.run_id = w.workflow_uuid
CROSS JOIN durable_mail m
WHERE w.status IN ('ENQUEUED', 'PENDING') AND m.tick <> ''
AND m.sequence > coalesce(r.consumed, 0)
AND m.run_id = w.workflow_uuid

-- pending --
SELECT w.workflow_uuid,
    (SELECT o.output FROM operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid
     ORDER BY o.function_id DESC LIMIT 1),
    (SELECT coalesce(max(m.sequence), 0) FROM durable_mail m
     WHERE m.run_id = w.workflow_uuid AND m.tick <> '')
FROM workflow_status w
WHERE w.status = 'PENDING' AND w.executor_id = ?
AND w.workflow_uuid IN (SELECT value FROM json_each(?))

-- claim --
UPDATE workflow_status
SET status = 'PENDING', executor_id = :executor_id, owner_xid = :owner,
    queue_name = NULL, recovery_attempts = coalesce(recovery_attempts, 0) + :counted,
    updated_at = :now_ms
WHERE workflow_uuid = :run_id AND (
    (status = 'PENDING' AND executor_id = :executor_id)
    OR (status = 'ENQUEUED' AND queue_name = '_dbos_internal_queue' AND (
        executor_id IS NULL OR executor_id IN (:executor_id, :instead_of)))
    OR (status = 'ENQUEUED' AND queue_name = name AND executor_id = :executor_id))

-- forked_from --
SELECT forked_from FROM workflow_status
WHERE workflow_uuid = ? AND status = 'ENQUEUED'
    AND queue_name = '_dbos_internal_queue'

-- set_going --
INSERT INTO durable_run (run_id, set_going_at) VALUES (:run_id, :now_ms / 1000.0)
ON CONFLICT (run_id) DO UPDATE
SET set_going_at = excluded.set_going_at, paused_at = NULL

-- copy_code_use --
INSERT INTO durable_code_use (digest, run_id)
SELECT digest, ? FROM durable_code_use WHERE run_id = ?
ON CONFLICT (digest, run_id) DO NOTHING

-- drop_end --
DELETE FROM operation_outputs
WHERE workflow_uuid = ? AND json_valid(output)
    AND json_extract(output, '$.end') IS NOT NULL

-- executed_by --
SELECT w.workflow_uuid
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
WHERE w.status IN ('ENQUEUED', 'PENDING', 'DELAYED') AND w.executor_id = :executor_id
    AND i.inputs LIKE :ours
ORDER BY w.created_at, w.rowid

-- reassign --
UPDATE workflow_status
SET executor_id = :to, owner_xid = :owner, updated_at = :now_ms,
    queue_name = CASE status WHEN 'PENDING' THEN :reassigned ELSE queue_name END
WHERE workflow_uuid IN (SELECT value FROM json_each(:run_ids))
    AND status IN ('ENQUEUED', 'PENDING', 'DELAYED') AND executor_id = :from
RETURNING workflow_uuid

-- take_reassigned --
UPDATE workflow_status SET queue_name = NULL
WHERE workflow_uuid IN (SELECT value FROM json_each(:run_ids))
    AND status = 'PENDING' AND queue_name = :reassigned AND executor_id = :executor_id

-- enqueued --
SELECT w.workflow_uuid, w.name, w.executor_id, w.queue_name
FROM workflow_status w JOIN workflow_input i ON i.workflow_uuid = w.workflow_uuid
-- The list of two, and the plus, lead to DBOS's index of the runs in flight: this is
-- asked often, however many runs have ended.
WHERE w.status IN ('ENQUEUED', 'PENDING') AND (
        (w.status = 'ENQUEUED' AND w.queue_name IN ('_dbos_internal_queue', w.name))
        OR (w.status = 'PENDING' AND w.queue_name = :reassigned))
    AND i.inputs LIKE :ours
ORDER BY +w.created_at, w.rowid

-- owners --
SELECT workflow_uuid, owner_xid FROM workflow_status
WHERE workflow_uuid IN (SELECT value FROM json_each(?))

-- delete_workflow_input --
DELETE FROM workflow_input WHERE workflow_uuid = ?

-- delete_workflow_output --
DELETE FROM workflow_output WHERE workflow_uuid = ?

-- delete_operation_outputs --
DELETE FROM operation_outputs WHERE workflow_uuid = ?

-- delete_notifications --
DELETE FROM notifications WHERE destination_uuid = ?

-- delete_workflow_events --
DELETE FROM workflow_events WHERE workflow_uuid = ?

-- delete_workflow_events_history --
DELETE FROM workflow_events_history WHERE workflow_uuid = ?

-- delete_streams --
DELETE FROM streams WHERE workflow_uuid = ?

-- delete_mail --
DELETE FROM durable_mail WHERE run_id = ?

-- delete_snapshot --
DELETE FROM durable_snapshot WHERE run_id = ?

-- delete_handler --
DELETE FROM durable_handler WHERE run_id = ?

-- delete_run --
DELETE FROM durable_run WHERE run_id = ?

-- delete_code --
DELETE FROM durable_code
WHERE digest IN (SELECT digest FROM durable_code_use WHERE run_id = :run_id)
    AND NOT EXISTS (
        SELECT 1 FROM durable_code_use u
        WHERE u.digest = durable_code.digest AND u.run_id <> :run_id)

-- delete_code_use --
DELETE FROM durable_code_use WHERE run_id = ?

-- delete_workflow_status --
DELETE FROM workflow_status WHERE workflow_uuid = ?

-- sweep_mail --
DELETE FROM durable_mail
WHERE run_id NOT IN (SELECT workflow_uuid FROM workflow_status)

-- sweep_snapshots --
DELETE FROM durable_snapshot
WHERE run_id NOT IN (SELECT workflow_uuid FROM workflow_status)

-- sweep_handlers --
-- A run is recorded just after its row.
DELETE FROM durable_handler
WHERE run_id NOT IN (SELECT workflow_uuid FROM workflow_status)
    AND recorded_at < strftime('%s', 'now') - 60

-- sweep_runs --
DELETE FROM durable_run
WHERE run_id NOT IN (SELECT workflow_uuid FROM workflow_status)

-- sweep_code_uses --
SELECT run_id FROM durable_code_use u INDEXED BY durable_code_use_by_run
WHERE run_id <> ''
    AND NOT EXISTS (SELECT 1 FROM workflow_status WHERE workflow_uuid = u.run_id)
