BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('d5335e74-e791-4353-97da-190115f39598','durable_notebook-durable-notebook',1795392672000,1795392672000,'durable-notebook');
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE durable_code (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    recorded_at REAL NOT NULL
);
INSERT INTO "durable_code" VALUES('f4a128521bd1aa16','{"graph":{"events":{"tests.crash.workflows.Count":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"count":{"gives":["tests.crash.workflows.Count","workflows.events.StopEvent"],"takes":["tests.crash.workflows.Count"],"workers":4},"first":{"gives":["tests.crash.workflows.Count"],"takes":["workflows.events.StartEvent"],"workers":4}}},"sources":{"count":"    @step\n    async def count(self, ctx: Context, ev: Count) -> Count | StopEvent:\n        number = int(ev.id)\n        before = (\"first\", \"start\") if number == 1 else (\"count\", str(number - 1))\n        began(\"count\", ev.id, before)\n        total = await ctx.store.get(\"total\") + 1\n        await ctx.store.set(\"total\", total)\n        ctx.write_event_to_stream(Seen(what=f\"{number} makes {total}\"))\n        if number == STEPS:\n            return StopEvent(result=total)\n        return Count(id=str(number + 1))\n","first":"    @step\n    async def first(self, ctx: Context, ev: StartEvent) -> Count:\n        began(\"first\", \"start\")\n        await ctx.store.set(\"total\", 0)\n        return Count(id=\"1\")\n"}}',1795392674.6478);
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
INSERT INTO "durable_migration" VALUES(1,'0001_mailbox_and_sessions',1.79539267250891971584e+09);
INSERT INTO "durable_migration" VALUES(2,'0002_snapshot',1.79539267251201033592e+09);
INSERT INTO "durable_migration" VALUES(3,'0003_code',1.79539267251768803598e+09);
CREATE TABLE durable_session (
    session INTEGER PRIMARY KEY AUTOINCREMENT,
    executor_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL
);
INSERT INTO "durable_session" VALUES(1,'local',3184,1.79539267252509188652e+09);
INSERT INTO "durable_session" VALUES(2,'local',3322,1.79539267438665652272e+09);
INSERT INTO "durable_session" VALUES(3,'local',3358,1.79539267477223753923e+09);
CREATE TABLE durable_snapshot (
    run_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    written_at REAL NOT NULL
);
INSERT INTO "durable_snapshot" VALUES('r1','{"v":1,"position":5,"at":1795392674.7088,"code":"f4a128521bd1aa16","context":{"is_running":true,"workers":{"count":{"in_progress":[{"event":"{\"__is_pydantic\": true, \"value\": {\"id\": \"5\"}, \"qualified_name\": \"tests.crash.workflows.Count\"}","first_attempt_at":1795392674.7085,"work_item_id":"work_item_6","worker_id":0,"invocation_id":"invocation_6"}]},"first":{}},"work_item_seq":6,"invocation_seq":6,"elapsed_alive":0.0577998161315918,"last_alive_stamp":1795392674.7085,"journal_seq":12},"waiters":[],"store":{"store_type":"in_memory","state_type":"DictState","state_module":"workflows.context.state_store","state_data":{"_tree":"dict","_data":{"total":4}}},"waits":[],"begun":{"count:0":[1795392674.7088,2]},"asked":0}',1.79539267472212123871e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795392674.6517,"code":"f4a128521bd1aa16","ticks":[{"type":"session_start","at":-10},{"type":"add_event","event":{"@workflows.events.StartEvent":{}},"at":-6}],"stream":[["first","running","0","StartEvent",null]],"events":1,"starts":["first:0"]}',NULL,NULL,1795392674651,1795392674651,'portable_json','durable-notebook',1795392674651);
INSERT INTO "operation_outputs" VALUES('r1',2,'first','{"v":1,"session":2,"at":1795392674.6571,"ticks":[{"type":"step_result","step":"first","event":{"@workflows.events.StartEvent":{}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"1"}}}],"at":-9,"by":"invocation_1","ran":[-32,-14]},{"type":"add_event","at":-4,"from":["invocation_1",0]}],"store":[{"op":"add","path":"/state_data/_data/total","value":0}],"stream":[["first","not_running","0","<workflows.events.StartEvent","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":1,"events":3,"starts":["count:0"]}',NULL,NULL,1795392674653,1795392674657,'portable_json','durable-notebook',1795392674657);
INSERT INTO "operation_outputs" VALUES('r1',3,'count','{"v":1,"session":2,"at":1795392674.6618,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"1"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"2"}}}],"at":-7,"by":"invocation_2","ran":[-23,-8]},{"type":"add_event","at":-3,"from":["invocation_2",0]}],"store":[["/state_data/_data/total",1]],"stream":[{"@tests.crash.events.Seen":{"what":"1 makes 1"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":2,"events":6,"starts":["count:0"]}',NULL,NULL,1795392674659,1795392674661,'portable_json','durable-notebook',1795392674661);
INSERT INTO "operation_outputs" VALUES('r1',4,'count','{"v":1,"session":2,"at":1795392674.6752,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"2"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"3"}}}],"at":-8,"by":"invocation_3","ran":[-93,-10]},{"type":"add_event","at":-5,"from":["invocation_3",0]}],"store":[["/state_data/_data/total",2]],"stream":[{"@tests.crash.events.Seen":{"what":"2 makes 2"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":3,"events":9,"starts":["count:0"]}',NULL,NULL,1795392674665,1795392674675,'portable_json','durable-notebook',1795392674675);
INSERT INTO "operation_outputs" VALUES('r1',5,'count','{"v":1,"session":2,"at":1795392674.7039,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"3"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"4"}}}],"at":-6,"by":"invocation_4","ran":[-23,-8]},{"type":"add_event","at":-3,"from":["invocation_4",0]}],"store":[["/state_data/_data/total",3]],"stream":[{"@tests.crash.events.Seen":{"what":"3 makes 3"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":4,"events":12,"starts":["count:0"]}',NULL,NULL,1795392674701,1795392674703,'portable_json','durable-notebook',1795392674703);
INSERT INTO "operation_outputs" VALUES('r1',6,'count','{"v":1,"session":2,"at":1795392674.7088,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"4"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"5"}}}],"at":-6,"by":"invocation_5","ran":[-23,-9]},{"type":"add_event","at":-3,"from":["invocation_5",0]}],"store":[["/state_data/_data/total",4]],"stream":[{"@tests.crash.events.Seen":{"what":"4 makes 4"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":5,"events":15,"starts":["count:0"]}',NULL,NULL,1795392674706,1795392674708,'portable_json','durable-notebook',1795392674708);
INSERT INTO "operation_outputs" VALUES('r1',7,'count','{"v":1,"session":2,"at":1795392674.7132,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"5"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"6"}}}],"at":-6,"by":"invocation_6","ran":[-23,-8]},{"type":"add_event","at":-3,"from":["invocation_6",0]}],"store":[["/state_data/_data/total",5]],"stream":[{"@tests.crash.events.Seen":{"what":"5 makes 5"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":6,"events":18,"starts":["count:0"]}',NULL,NULL,1795392674710,1795392674713,'portable_json','durable-notebook',1795392674713);
INSERT INTO "operation_outputs" VALUES('r1',8,'count','{"v":1,"session":2,"at":1795392674.7211,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"6"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"7"}}}],"at":-5,"by":"invocation_7","ran":[-20,-7]},{"type":"add_event","at":-2,"from":["invocation_7",0]}],"store":[["/state_data/_data/total",6]],"stream":[{"@tests.crash.events.Seen":{"what":"6 makes 6"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":7,"events":21,"starts":["count:0"]}',NULL,NULL,1795392674719,1795392674721,'portable_json','durable-notebook',1795392674721);
INSERT INTO "operation_outputs" VALUES('r1',9,'session_start','{"v":1,"session":3,"at":1795392674.9106,"ticks":[{"type":"session_start","at":-27}],"stream":[["count","running","0","Count",null]],"steps":7,"events":22,"starts":["count:0"],"flight":{"count|work_item_8|0":[[1,0,0,[]]]},"interrupted":[{"step":"count","event":{"@tests.crash.workflows.Count":{"id":"7"}},"attempt":1,"started":1795392674.7211,"session":2}]}',NULL,NULL,1795392674910,1795392674910,'portable_json','durable-notebook',1795392674910);
INSERT INTO "operation_outputs" VALUES('r1',10,'count','{"v":1,"session":3,"at":1795392674.9299,"ticks":[{"type":"step_result","step":"count","event":{"@tests.crash.workflows.Count":{"id":"7"}},"result":[{"result":{"@tests.crash.workflows.Count":{"id":"8"}}}],"at":-13,"by":"invocation_9","ran":[-149,-112,2]},{"type":"add_event","at":-10,"from":["invocation_9",0]}],"store":[["/state_data/_data/total",7]],"stream":[{"@tests.crash.events.Seen":{"what":"7 makes 7"}},["count","not_running","0","<tests.crash.workflows.Count","<tests.crash.workflows.Count"],["count","running","0","Count",null]],"steps":8,"events":25,"starts":["count:0"]}',NULL,NULL,1795392674915,1795392674929,'portable_json','durable-notebook',1795392674929);
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
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795392674000);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.workflows.Counter',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795392674000,1795392674870,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'670f17d4-c5b8-4f38-b8c0-c13b92dbcd7a',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','ae573c4c-009e-4e2c-95d7-8ab819f72f93');
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
