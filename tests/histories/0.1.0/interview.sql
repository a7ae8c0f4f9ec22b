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
INSERT INTO "durable_code" VALUES('32fb9fd2e4bee4aa','{"graph":{"events":{"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"interview":{"gives":["workflows.events.StopEvent"],"takes":["workflows.events.StartEvent"],"workers":4}}},"sources":{"interview":"    @step\n    async def interview(self, ctx: Context, ev: StartEvent) -> StopEvent:\n        began(\"ask\", \"both\")\n        await ctx.store.set(\"asked\", await ctx.store.get(\"asked\", default=0) + 1)\n        texts = []\n        for about in (\"name\", \"town\"):\n            answer = await ctx.wait_for_event(\n                Answer,\n                waiter_event=Question(about=about),\n                waiter_id=about,\n                requirements={\"about\": about},\n            )\n            heard(\"both\")\n            texts.append(answer.text)\n            ctx.write_event_to_stream(Seen(what=f\"{about} is {answer.text}\"))\n        await ctx.store.set(\"heard\", texts)\n        return StopEvent(result=texts)\n"}}',1795397206.1473);
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
INSERT INTO "durable_mail" VALUES(1,'r1','answer:0','{"type": "add_event", "event": {"__is_pydantic": true, "value": {"about": "name", "text": "my name"}, "qualified_name": "tests.crash.events.Answer"}}',1.79539720616183114056e+09);
INSERT INTO "durable_mail" VALUES(2,'r1','answer:1','{"type": "add_event", "event": {"__is_pydantic": true, "value": {"about": "town", "text": "my town"}, "qualified_name": "tests.crash.events.Answer"}}',1.79539720636747908598e+09);
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
INSERT INTO "durable_session" VALUES(2,'local',10686,1.79539720607018399235e+09);
INSERT INTO "durable_session" VALUES(3,'local',10712,1.7953972062648227214e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795397206.1498,"code":"32fb9fd2e4bee4aa","position":0,"ticks":[{"type":"session_start","at":-7},{"type":"add_event","event":{"@0":{}},"at":-4}],"stream":[["interview","running","0","StartEvent",null]],"events":1,"starts":["interview:0"],"names":["workflows.events.StartEvent"]}',NULL,NULL,1795397206149,1795397206149,'portable_json','durable-notebook',1795397206149);
INSERT INTO "operation_outputs" VALUES('r1',2,'interview','{"v":1,"session":2,"at":1795397206.1585,"position":1,"ticks":[{"type":"step_result","step":"interview","event":{"@0":{}},"result":[{"type":"add_waiter","waiter_id":"name","waiter_event":{"@1":{"about":"name"}},"requirements":{"about":"name"},"timeout":2000.0,"event_type":"tests.crash.events.Answer","has_requirements":true}],"at":-6,"by":"invocation_1","ran":[-21,-9]},{"type":"idle_check"}],"store":[{"op":"add","path":"/state_data/_data/asked","value":1}],"stream":[["interview","not_running","0","<0",null],{"@1":{"about":"name"}},{"@2":{}}],"steps":1,"events":4,"prompts":[{"number":0,"asked":{"@1":{"about":"name"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"name"},"at":1795397206.1583,"waiter":"name"}],"names":["workflows.events.StartEvent","tests.crash.events.Question","workflows.events.WorkflowIdleEvent"]}',NULL,NULL,1795397206156,1795397206158,'portable_json','durable-notebook',1795397206158);
INSERT INTO "operation_outputs" VALUES('r1',3,'Answer','{"v":1,"session":2,"at":1795397206.1663,"position":2,"ticks":[{"type":"add_event","event":{"@0":{"about":"name","text":"my name"}},"at":-4}],"stream":[["interview","running","0","StartEvent",null]],"cursor":1,"steps":1,"events":5,"starts":["interview:0"],"names":["tests.crash.events.Answer"]}',NULL,NULL,1795397206166,1795397206166,'portable_json','durable-notebook',1795397206166);
INSERT INTO "operation_outputs" VALUES('r1',4,'interview','{"v":1,"session":2,"at":1795397206.1734,"position":3,"ticks":[{"type":"step_result","step":"interview","event":{"@0":{}},"result":[{"type":"delete_waiter","waiter_id":"name"},{"type":"add_waiter","waiter_id":"town","waiter_event":{"@1":{"about":"town"}},"requirements":{"about":"town"},"timeout":2000.0,"event_type":"tests.crash.events.Answer","has_requirements":true}],"at":-27,"by":"invocation_2","ran":[-38,-29]},{"type":"idle_check"}],"store":[["/state_data/_data/asked",2]],"stream":[{"@2":{"what":"name is my name"}},["interview","not_running","0","<0",null],{"@1":{"about":"town"}},{"@3":{}}],"cursor":1,"steps":2,"events":9,"prompts":[{"number":1,"asked":{"@1":{"about":"town"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"town"},"at":1795397206.1732,"waiter":"town"}],"names":["workflows.events.StartEvent","tests.crash.events.Question","tests.crash.events.Seen","workflows.events.WorkflowIdleEvent"]}',NULL,NULL,1795397206169,1795397206173,'portable_json','durable-notebook',1795397206173);
INSERT INTO "operation_outputs" VALUES('r1',5,'session_start','{"v":1,"session":3,"at":1795397206.3681,"position":4,"ticks":[{"type":"session_start","at":-12}],"cursor":1,"steps":2,"events":9,"prompts":[{"number":1,"asked":{"@0":{"about":"town"}},"expects":["tests.crash.events.Answer"],"requirements":{"about":"town"},"at":1795397206.1732,"waiter":"town"}],"names":["tests.crash.events.Question"]}',NULL,NULL,1795397206368,1795397206368,'portable_json','durable-notebook',1795397206368);
INSERT INTO "operation_outputs" VALUES('r1',6,'Answer','{"v":1,"session":3,"at":1795397206.3742,"position":5,"ticks":[{"type":"add_event","event":{"@0":{"about":"town","text":"my town"}},"at":-9}],"stream":[["interview","running","0","StartEvent",null]],"cursor":2,"steps":2,"events":10,"starts":["interview:0"],"names":["tests.crash.events.Answer"]}',NULL,NULL,1795397206374,1795397206374,'portable_json','durable-notebook',1795397206374);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.asking.Interview',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795397206000,1795397206347,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'1670eafc-fc77-4a34-aa64-81395a0db14b',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','0d8fdc04-6f2f-48b8-8a45-a50e1ae0d990');
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
INSERT INTO "sqlite_sequence" VALUES('durable_mail',3);
COMMIT;
