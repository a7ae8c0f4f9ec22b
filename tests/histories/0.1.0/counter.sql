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
INSERT INTO "durable_code" VALUES('f4a128521bd1aa16','{"graph":{"events":{"tests.crash.workflows.Count":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"count":{"gives":["tests.crash.workflows.Count","workflows.events.StopEvent"],"takes":["tests.crash.workflows.Count"],"workers":4},"first":{"gives":["tests.crash.workflows.Count"],"takes":["workflows.events.StartEvent"],"workers":4}}},"sources":{"count":"    @step\n    async def count(self, ctx: Context, ev: Count) -> Count | StopEvent:\n        number = int(ev.id)\n        before = (\"first\", \"start\") if number == 1 else (\"count\", str(number - 1))\n        began(\"count\", ev.id, before)\n        total = await ctx.store.get(\"total\") + 1\n        await ctx.store.set(\"total\", total)\n        ctx.write_event_to_stream(Seen(what=f\"{number} makes {total}\"))\n        if number == STEPS:\n            return StopEvent(result=total)\n        return Count(id=str(number + 1))\n","first":"    @step\n    async def first(self, ctx: Context, ev: StartEvent) -> Count:\n        began(\"first\", \"start\")\n        await ctx.store.set(\"total\", 0)\n        return Count(id=\"1\")\n"}}',1795397202.6464);
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
INSERT INTO "durable_session" VALUES(2,'local',10149,1.795397202529074192e+09);
INSERT INTO "durable_session" VALUES(3,'local',10184,1.79539720285748934745e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795397202.6534,"code":"f4a128521bd1aa16","position":0,"ticks":[{"type":"session_start","at":-44},{"type":"add_event","event":{"@0":{}},"at":-6}],"stream":[["first","running","0","StartEvent",null]],"events":1,"starts":["first:0"],"names":["workflows.events.StartEvent"]}',NULL,NULL,1795397202653,1795397202653,'portable_json','durable-notebook',1795397202653);
INSERT INTO "operation_outputs" VALUES('r1',2,'first','{"v":1,"session":2,"at":1795397202.6613,"position":1,"ticks":[{"type":"step_result","step":"first","event":{"@0":{}},"result":[{"result":{"@1":{"id":"1"}}}],"at":-23,"by":"invocation_1","ran":[-59,-48]},{"type":"add_event","at":-20,"from":["invocation_1",0]}],"store":[{"op":"add","path":"/state_data/_data/total","value":0}],"stream":[["first","not_running","0","<0","<1"],["count","running","0","Count",null]],"steps":1,"events":3,"starts":["count:0"],"names":["workflows.events.StartEvent","tests.crash.workflows.Count"]}',NULL,NULL,1795397202655,1795397202661,'portable_json','durable-notebook',1795397202661);
INSERT INTO "operation_outputs" VALUES('r1',3,'count','{"v":1,"session":2,"at":1795397202.6676,"position":2,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"1"}},"result":[{"result":{"@0":{"id":"2"}}}],"at":-4,"by":"invocation_2","ran":[-16,-5]},{"type":"add_event","at":-2,"from":["invocation_2",0]}],"store":[["/state_data/_data/total",1]],"stream":[{"@1":{"what":"1 makes 1"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":2,"events":6,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397202666,1795397202667,'portable_json','durable-notebook',1795397202667);
INSERT INTO "operation_outputs" VALUES('r1',4,'count','{"v":1,"session":2,"at":1795397202.6761,"position":3,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"2"}},"result":[{"result":{"@0":{"id":"3"}}}],"at":-7,"by":"invocation_3","ran":[-37,-9]},{"type":"add_event","at":-4,"from":["invocation_3",0]}],"store":[["/state_data/_data/total",2]],"stream":[{"@1":{"what":"2 makes 2"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":3,"events":9,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397202672,1795397202676,'portable_json','durable-notebook',1795397202676);
INSERT INTO "operation_outputs" VALUES('r1',5,'count','{"v":1,"session":2,"at":1795397202.6877,"position":4,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"3"}},"result":[{"result":{"@0":{"id":"4"}}}],"at":-25,"by":"invocation_4","ran":[-41,-26]},{"type":"add_event","at":-3,"from":["invocation_4",0]}],"store":[["/state_data/_data/total",3]],"stream":[{"@1":{"what":"3 makes 3"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":4,"events":12,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397202683,1795397202687,'portable_json','durable-notebook',1795397202687);
INSERT INTO "operation_outputs" VALUES('r1',6,'count','{"v":1,"session":2,"at":1795397202.6977,"position":5,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"4"}},"result":[{"result":{"@0":{"id":"5"}}}],"at":-4,"by":"invocation_5","ran":[-16,-6]},{"type":"add_event","at":-2,"from":["invocation_5",0]}],"store":[["/state_data/_data/total",4]],"stream":[{"@1":{"what":"4 makes 4"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":5,"events":15,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397202696,1795397202697,'portable_json','durable-notebook',1795397202697);
INSERT INTO "operation_outputs" VALUES('r1',7,'count','{"v":1,"session":2,"at":1795397202.7092,"position":6,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"5"}},"result":[{"result":{"@0":{"id":"6"}}}],"at":-4,"by":"invocation_6","ran":[-19,-5]},{"type":"add_event","at":-2,"from":["invocation_6",0]}],"store":[["/state_data/_data/total",5]],"stream":[{"@1":{"what":"5 makes 5"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":6,"events":18,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397202707,1795397202709,'portable_json','durable-notebook',1795397202709);
INSERT INTO "operation_outputs" VALUES('r1',8,'session_start','{"v":1,"session":3,"at":1795397203.1258,"position":7,"ticks":[{"type":"session_start","at":-33}],"stream":[["count","running","0","Count",null]],"steps":6,"events":19,"starts":["count:0"],"flight":{"count|work_item_7|0":[[1,0,0,[],"invocation_7"]]},"interrupted":[{"step":"count","event":{"@0":{"id":"6"}},"attempt":1,"started":1795397202.7092,"session":2}],"names":["tests.crash.workflows.Count"]}',NULL,NULL,1795397203125,1795397203125,'portable_json','durable-notebook',1795397203125);
INSERT INTO "operation_outputs" VALUES('r1',9,'count','{"v":1,"session":3,"at":1795397203.1382,"position":8,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"6"}},"result":[{"result":{"@0":{"id":"7"}}}],"at":-37,"by":"invocation_8","ran":[-61,-41,2]},{"type":"add_event","at":-4,"from":["invocation_8",0]}],"store":[["/state_data/_data/total",6]],"stream":[{"@1":{"what":"6 makes 6"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":7,"events":22,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397203132,1795397203138,'portable_json','durable-notebook',1795397203138);
INSERT INTO "operation_outputs" VALUES('r1',10,'count','{"v":1,"session":3,"at":1795397203.1496,"position":9,"ticks":[{"type":"step_result","step":"count","event":{"@0":{"id":"7"}},"result":[{"result":{"@0":{"id":"8"}}}],"at":-6,"by":"invocation_9","ran":[-21,-8]},{"type":"add_event","at":-3,"from":["invocation_9",0]}],"store":[["/state_data/_data/total",7]],"stream":[{"@1":{"what":"7 makes 7"}},["count","not_running","0","<0","<0"],["count","running","0","Count",null]],"steps":8,"events":25,"starts":["count:0"],"names":["tests.crash.workflows.Count","tests.crash.events.Seen"]}',NULL,NULL,1795397203147,1795397203149,'portable_json','durable-notebook',1795397203149);
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
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795397202000);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.workflows.Counter',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795397202000,1795397203012,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'66166e03-41b6-43f8-8cf3-292677100083',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','a79b248e-7fdb-4788-ad58-b9618c561e3f');
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
COMMIT;
