BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('0de8ddfb-6ec0-435e-8c3d-4a2b2c103368','durable_notebook-durable-notebook',1795397202000,1795397202000,'durable-notebook');
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE durable_code (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    recorded_at REAL NOT NULL
);
INSERT INTO "durable_code" VALUES('840c0d6d4ca2c480','{"graph":{"events":{"tests.crash.events.Done":{"id":"str"},"tests.crash.events.Item":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"ask":{"gives":["tests.crash.events.Done"],"takes":["tests.crash.events.Item"],"workers":3},"deal":{"gives":["tests.crash.events.Item"],"takes":["workflows.events.StartEvent"],"workers":4},"join":{"gives":["workflows.events.StopEvent"],"takes":["tests.crash.events.Done"],"workers":4}}},"sources":{"ask":"    @step(num_workers=PANEL)\n    async def ask(self, ctx: Context, ev: Item) -> Done:\n        began(\"ask\", ev.id)\n        answer = await ctx.wait_for_event(\n            Answer,\n            waiter_event=Question(about=ev.id),\n            waiter_id=ev.id,\n            requirements={\"about\": ev.id},\n        )\n        heard(ev.id)\n        async with ctx.store.edit_state() as state:\n            state.heard = state.get(\"heard\", 0) + 1\n        ctx.write_event_to_stream(Seen(what=f\"{ev.id} heard {answer.text}\"))\n        return Done(id=ev.id)\n","deal":"    @step\n    async def deal(self, ctx: Context, ev: StartEvent) -> list[Item]:\n        began(\"deal\", \"start\")\n        return [Item(id=str(number)) for number in range(PANEL)]\n","join":"    @step\n    async def join(self, ctx: Context, ev: list[Done]) -> StopEvent:\n        began(\"join\", \"all\")\n        return StopEvent(result=sorted(one.id for one in ev))\n"}}',1795397207.011);
CREATE TABLE durable_executor (
    executor_id TEXT PRIMARY KEY,
    notebook TEXT,
    created_at REAL NOT NULL
);
CREATE TABLE durable_mail (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    key TEXT,
    tick TEXT NOT NULL,
    sent_at REAL NOT NULL,
    UNIQUE (run_id, key)
);
INSERT INTO "durable_mail" VALUES(1,'r1','answer:0','{"type": "add_event", "event": {"__is_pydantic": true, "value": {"about": "0", "text": "my 0"}, "qualified_name": "tests.crash.events.Answer"}}',1.79539720703823089597e+09);
INSERT INTO "durable_mail" VALUES(2,'r1','answer:1','{"type": "add_event", "event": {"__is_pydantic": true, "value": {"about": "1", "text": "my 1"}, "qualified_name": "tests.crash.events.Answer"}}',1.79539720704114103312e+09);
INSERT INTO "durable_mail" VALUES(3,'r1','answer:2','{"type": "add_event", "event": {"__is_pydantic": true, "value": {"about": "2", "text": "my 2"}, "qualified_name": "tests.crash.events.Answer"}}',1.79539720704627203942e+09);
CREATE TABLE durable_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL
);
INSERT INTO "durable_migration" VALUES(1,'0001_mailbox_and_sessions',1.79539720184135460859e+09);
INSERT INTO "durable_migration" VALUES(2,'0002_snapshot',1.79539720184542894365e+09);
INSERT INTO "durable_migration" VALUES(3,'0003_code',1.7953972018493549824e+09);
CREATE TABLE durable_session (
    session INTEGER PRIMARY KEY AUTOINCREMENT,
    executor_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL
);
INSERT INTO "durable_session" VALUES(1,'local',10025,1.79539720186278057103e+09);
INSERT INTO "durable_session" VALUES(2,'local',10786,1.79539720682937717442e+09);
INSERT INTO "durable_session" VALUES(3,'local',10826,1.79539720707577323908e+09);
CREATE TABLE durable_snapshot (
    run_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    written_at REAL NOT NULL
);
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795397207.0133,"code":"840c0d6d4ca2c480","position":0,"ticks":[{"type":"session_start","at":-9},{"type":"add_event","event":{"@0":{}},"at":-6}],"stream":[["deal","running","0","StartEvent",null]],"events":1,"starts":["deal:0"],"names":["workflows.events.StartEvent"]}',NULL,NULL,1795397207013,1795397207013,'portable_json','durable-notebook',1795397207013);
INSERT INTO "operation_outputs" VALUES('r1',2,'deal','{"v":1,"session":2,"at":1795397207.0237,"position":1,"ticks":[{"type":"step_result","step":"deal","event":{"@0":{}},"result":[{"type":"result","result":{"@1":{"id":"0"}},"fanned_out":true},{"type":"result","result":{"@1":{"id":"1"}},"fanned_out":true},{"type":"result","result":{"@1":{"id":"2"}},"fanned_out":true}],"at":-32,"by":"invocation_1","ran":[-57,-41]},{"type":"add_event","event":{"@1":{"id":"0"}},"scope_path":["stream-082435cbc5c890ee"],"at":-7,"from":["invocation_1",0]},{"type":"add_event","event":{"@1":{"id":"1"}},"scope_path":["stream-082435cbc5c890ee"],"at":-4,"from":["invocation_1",1]},{"type":"add_event","event":{"@1":{"id":"2"}},"scope_path":["stream-082435cbc5c890ee"],"at":-2,"from":["invocation_1",2]}],"stream":[["deal","not_running","0","<0","<1"],["ask","running","0","Item",null],["ask","running","1","Item",null],["ask","running","2","Item",null]],"steps":1,"events":5,"starts":["ask:0","ask:1","ask:2"],"names":["workflows.events.StartEvent","tests.crash.events.Item"]}',NULL,NULL,1795397207018,1795397207023,'portable_json','durable-notebook',1795397207023);
INSERT INTO "operation_outputs" VALUES('r1',3,'ask','{"v":1,"session":2,"at":1795397207.0344,"position":2,"ticks":[{"type":"step_result","step":"ask","event":{"@0":{"id":"0"}},"result":[{"type":"add_waiter","waiter_id":"0","waiter_event":{"@1":{"about":"0"}},"requirements":{"about":"0"},"timeout":2000.0,"event_type":"tests.crash.events.Answer","has_requirements":true}],"at":-16,"by":"invocation_2","ran":[-87,-29]},{"type":"step_result","step":"ask","worker_id":1,"event":{"@0":{"id":"1"}},"result":[{"type":"add_waiter","waiter_id":"1","waiter_event":{"@1":{"about":"1"}},"requirements":{"about":"1"},"timeout":2000.0,"event_type":"tests.crash.events.Answer","has_requirements":true}],"at":-8,"by":"invocation_3","ran":[-79,-25]},{"type":"step_result","step":"ask","worker_id":2,"event":{"@0":{"id":"2"}},"result":[{"type":"add_waiter","waiter_id":"2","waiter_event":{"@1":{"about":"2"}},"requirements":{"about":"2"},"timeout":2000.0,"event_type":"tests.crash.events.Answer","has_requirements":true}],"at":-3,"by":"invocation_4","ran":[-35,-24]},{"type":"idle_check"}],"stream":[["ask","not_running","0","<0",null],{"@1":{"about":"0"}},["ask","not_running","1","<0",null],{"@1":{"about":"1"}},["ask","not_running","2","<0",null],{"@1":{"about":"2"}},{"@2":{}}],"steps":4,"events":12,"prompts":[{"number":0,"asked":{"@1":{"about":"0"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"0"},"at":1795397207.0333,"waiter":"0"},{"number":1,"asked":{"@1":{"about":"1"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"1"},"at":1795397207.0339,"waiter":"1"},{"number":2,"asked":{"@1":{"about":"2"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"2"},"at":1795397207.0343,"waiter":"2"}],"names":["tests.crash.events.Item","tests.crash.events.Question","workflows.events.WorkflowIdleEvent"]}',NULL,NULL,1795397207025,1795397207034,'portable_json','durable-notebook',1795397207034);
INSERT INTO "operation_outputs" VALUES('r1',4,'Answer','{"v":1,"session":2,"at":1795397207.0433,"position":3,"ticks":[{"type":"add_event","event":{"@0":{"about":"0","text":"my 0"}},"at":-27}],"stream":[["ask","running","0","Item",null]],"cursor":1,"steps":4,"events":13,"starts":["ask:0"],"prompts":[{"number":1,"asked":{"@1":{"about":"1"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"1"},"at":1795397207.0339,"waiter":"1"},{"number":2,"asked":{"@1":{"about":"2"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"2"},"at":1795397207.0343,"waiter":"2"}],"names":["tests.crash.events.Answer","tests.crash.events.Question"]}',NULL,NULL,1795397207043,1795397207043,'portable_json','durable-notebook',1795397207043);
INSERT INTO "operation_outputs" VALUES('r1',5,'session_start','{"v":1,"session":3,"at":1795397207.1733,"position":4,"ticks":[{"type":"session_start","at":-22}],"stream":[["ask","running","0","Item",null]],"cursor":1,"steps":4,"events":14,"starts":["ask:0"],"flight":{"ask|work_item_2|0":[[1,0,0,[],"invocation_5"]]},"interrupted":[{"step":"ask","event":{"@0":{"id":"0"}},"attempt":1,"started":1795397207.0433,"session":2}],"prompts":[{"number":1,"asked":{"@1":{"about":"1"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"1"},"at":1795397207.0339,"waiter":"1"},{"number":2,"asked":{"@1":{"about":"2"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"2"},"at":1795397207.0343,"waiter":"2"}],"names":["tests.crash.events.Item","tests.crash.events.Question"]}',NULL,NULL,1795397207173,1795397207173,'portable_json','durable-notebook',1795397207173);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795397206000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.asking.Panel',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795397206000,1795397207125,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'eafd5e11-4507-43ff-ab42-156128d2178d',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','988abdd6-48d4-4a22-ab73-9b0975b6a3bd');
CREATE INDEX durable_mail_by_run ON durable_mail (run_id, sequence);
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('durable_session',3);
INSERT INTO "sqlite_sequence" VALUES('durable_mail',5);
COMMIT;
