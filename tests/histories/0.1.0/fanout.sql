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
INSERT INTO "durable_code" VALUES('43431a2de9604918','{"graph":{"events":{"tests.crash.events.Done":{"id":"str"},"tests.crash.events.Item":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"deal":{"gives":["tests.crash.events.Item"],"takes":["workflows.events.StartEvent"],"workers":4},"join":{"gives":["workflows.events.StopEvent"],"takes":["tests.crash.events.Done"],"workers":1},"work":{"gives":["tests.crash.events.Done"],"takes":["tests.crash.events.Item"],"workers":3}}},"sources":{"deal":"    @step\n    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:\n        began(\"deal\", \"start\")\n        await ctx.store.set(\"items\", [])\n        for number in range(ITEMS):\n            ctx.send_event(Item(id=str(number)))\n        return None\n","join":"    @step(num_workers=1)\n    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:\n        began(\"join\", ev.id, (\"work\", ev.id))\n        joined = await ctx.store.get(\"joined\", default=[])\n        joined.append(ev.id)\n        await ctx.store.set(\"joined\", joined)\n        done = ctx.collect_events(ev, [Done] * ITEMS)\n        if done is None:\n            return None\n        return StopEvent(result=[one.id for one in done])\n","work":"    @step(num_workers=3)\n    async def work(self, ctx: Context, ev: Item) -> Done:\n        began(\"work\", ev.id, (\"deal\", \"start\"))\n        async with ctx.store.edit_state() as state:\n            state.made = state.get(\"made\", 0) + 1\n        items = await ctx.store.get(\"items\")\n        items.append(ev.id)\n        await ctx.store.set(\"items\", items)\n        ctx.write_event_to_stream(Seen(what=f\"{ev.id} is made\"))\n        return Done(id=ev.id)\n"}}',1795392675.3779);
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
INSERT INTO "durable_session" VALUES(2,'local',3422,1.79539267529402327538e+09);
INSERT INTO "durable_session" VALUES(3,'local',3446,1.79539267545222043986e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795392675.3825,"code":"43431a2de9604918","ticks":[{"type":"session_start","at":-7},{"type":"add_event","event":{"@workflows.events.StartEvent":{}},"at":-4}],"stream":[["deal","running","0","StartEvent",null]],"events":1,"starts":["deal:0"]}',NULL,NULL,1795392675382,1795392675382,'portable_json','durable-notebook',1795392675382);
INSERT INTO "operation_outputs" VALUES('r1',2,'deal','{"v":1,"session":2,"at":1795392675.3893,"ticks":[{"type":"step_result","step":"deal","event":{"@workflows.events.StartEvent":{}},"result":[{"result":null}],"at":-7,"by":"invocation_1","sends":[{"index":0,"event":{"@tests.crash.events.Item":{"id":"0"}},"step_id":null,"recovery_counts":{}},{"index":1,"event":{"@tests.crash.events.Item":{"id":"1"}},"step_id":null,"recovery_counts":{}},{"index":2,"event":{"@tests.crash.events.Item":{"id":"2"}},"step_id":null,"recovery_counts":{}},{"index":3,"event":{"@tests.crash.events.Item":{"id":"3"}},"step_id":null,"recovery_counts":{}},{"index":4,"event":{"@tests.crash.events.Item":{"id":"4"}},"step_id":null,"recovery_counts":{}},{"index":5,"event":{"@tests.crash.events.Item":{"id":"5"}},"step_id":null,"recovery_counts":{}}],"ran":[-26,-10]},{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"0"}},"at":-10,"from":["invocation_1",0]}],"store":[{"op":"add","path":"/state_data/_data/items","value":[]}],"stream":[["deal","not_running","0","<workflows.events.StartEvent","<NoneType"],["work","running","0","Item",null]],"steps":1,"events":3,"starts":["work:0"]}',NULL,NULL,1795392675386,1795392675389,'portable_json','durable-notebook',1795392675389);
INSERT INTO "operation_outputs" VALUES('r1',3,'Item','{"v":1,"session":2,"at":1795392675.3926,"ticks":[{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"1"}},"at":-5,"from":["invocation_1",1]}],"store":[{"op":"add","path":"/state_data/_data/items/0","value":"0"},{"op":"add","path":"/state_data/_data/made","value":1}],"stream":[{"@tests.crash.events.Seen":{"what":"0 is made"}},["work","running","1","Item",null]],"steps":1,"events":5,"starts":["work:1"],"flight":{"work|work_item_2|0":[[0,2,1,[]]]}}',NULL,NULL,1795392675392,1795392675392,'portable_json','durable-notebook',1795392675392);
INSERT INTO "operation_outputs" VALUES('r1',4,'work','{"v":1,"session":2,"at":1795392675.3966,"ticks":[{"type":"step_result","step":"work","event":{"@tests.crash.events.Item":{"id":"0"}},"result":[{"result":{"@tests.crash.events.Done":{"id":"0"}}}],"at":-5,"by":"invocation_2","ran":[-54,-44]},{"type":"add_event","at":-2,"from":["invocation_2",0]}],"store":[{"op":"add","path":"/state_data/_data/items/1","value":"1"},["/state_data/_data/made",2]],"stream":[{"@tests.crash.events.Seen":{"what":"1 is made"}},["work","not_running","0","<tests.crash.events.Item","<tests.crash.events.Done"],["join","running","0","Done",null]],"steps":2,"events":8,"starts":["join:0"],"flight":{"work|work_item_3|0":[[0,2,1,[]]]}}',NULL,NULL,1795392675391,1795392675396,'portable_json','durable-notebook',1795392675396);
INSERT INTO "operation_outputs" VALUES('r1',5,'Item','{"v":1,"session":2,"at":1795392675.4017,"ticks":[{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"2"}},"at":-58,"from":["invocation_1",2]}],"store":[{"op":"add","path":"/state_data/_data/joined","value":["0"]}],"stream":[["work","running","0","Item",null]],"steps":2,"events":9,"starts":["work:0"],"flight":{"work|work_item_3|0":[[0,2,1,[]]],"join|work_item_4|0":[[0,1,0,[]]]}}',NULL,NULL,1795392675401,1795392675401,'portable_json','durable-notebook',1795392675401);
INSERT INTO "operation_outputs" VALUES('r1',6,'work','{"v":1,"session":2,"at":1795392675.4127,"ticks":[{"type":"step_result","step":"work","worker_id":1,"event":{"@tests.crash.events.Item":{"id":"1"}},"result":[{"result":{"@tests.crash.events.Done":{"id":"1"}}}],"at":-10,"by":"invocation_3","ran":[-176,-155]},{"type":"add_event","at":-8,"from":["invocation_3",0]},{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"3"}},"at":-12,"from":["invocation_1",3]}],"store":[{"op":"add","path":"/state_data/_data/items/2","value":"2"},["/state_data/_data/made",3]],"stream":[{"@tests.crash.events.Seen":{"what":"2 is made"}},["work","not_running","1","<tests.crash.events.Item","<tests.crash.events.Done"],["join","preparing","<enqueued>","Done",null],["work","running","1","Item",null]],"steps":3,"events":13,"starts":["work:1"],"flight":{"join|work_item_4|0":[[0,1,0,[]]],"work|work_item_5|0":[[0,2,1,[]]]}}',NULL,NULL,1795392675395,1795392675412,'portable_json','durable-notebook',1795392675412);
INSERT INTO "operation_outputs" VALUES('r1',7,'join','{"v":1,"session":2,"at":1795392675.4186,"ticks":[{"type":"step_result","step":"join","event":{"@tests.crash.events.Done":{"id":"0"}},"result":[{"type":"add_collected","event_id":"default","event":{"@tests.crash.events.Done":{"id":"0"}}},{"result":null}],"at":-3,"by":"invocation_4","ran":[-182,-174]}],"store":[{"op":"add","path":"/state_data/_data/items/3","value":"3"},["/state_data/_data/made",4]],"stream":[{"@tests.crash.events.Seen":{"what":"3 is made"}},["join","not_running","0","<tests.crash.events.Done","<NoneType"],["join","running","0","Done",null]],"steps":4,"events":16,"starts":["join:0"],"flight":{"work|work_item_5|0":[[0,2,1,[]]],"work|work_item_7|0":[[0,2,1,[]]]}}',NULL,NULL,1795392675400,1795392675418,'portable_json','durable-notebook',1795392675418);
INSERT INTO "operation_outputs" VALUES('r1',8,'Item','{"v":1,"session":2,"at":1795392675.4262,"ticks":[{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"4"}},"at":-80,"from":["invocation_1",4]}],"store":[{"op":"add","path":"/state_data/_data/joined/1","value":"1"}],"stream":[["work","running","2","Item",null]],"steps":4,"events":17,"starts":["work:2"],"flight":{"work|work_item_5|0":[[0,2,1,[]]],"work|work_item_7|0":[[0,2,1,[]]],"join|work_item_6|0":[[0,1,0,[]]]}}',NULL,NULL,1795392675426,1795392675426,'portable_json','durable-notebook',1795392675426);
INSERT INTO "operation_outputs" VALUES('r1',9,'Item','{"v":1,"session":3,"at":1795392675.5775,"ticks":[{"type":"session_start","at":-8},{"type":"add_event","event":{"@tests.crash.events.Item":{"id":"5"}},"at":-3,"from":["invocation_1",5]}],"stream":[["join","running","0","Done",null],["work","running","0","Item",null],["work","running","1","Item",null],["work","running","2","Item",null],["work","preparing","<enqueued>","Item",null]],"steps":4,"events":22,"starts":["join:0","work:0","work:1","work:2"],"flight":{"join|work_item_6|0":[[1,1,0,[]]],"work|work_item_5|0":[[1,2,1,[]]],"work|work_item_7|0":[[1,2,1,[]]],"work|work_item_8|0":[[1,0,0,[]]]},"interrupted":[{"step":"join","event":{"@tests.crash.events.Done":{"id":"1"}},"attempt":1,"started":1795392675.4186,"session":2},{"step":"work","event":{"@tests.crash.events.Item":{"id":"2"}},"attempt":1,"started":1795392675.4017,"session":2},{"step":"work","event":{"@tests.crash.events.Item":{"id":"3"}},"attempt":1,"started":1795392675.4127,"session":2},{"step":"work","event":{"@tests.crash.events.Item":{"id":"4"}},"attempt":1,"started":1795392675.4262,"session":2}]}',NULL,NULL,1795392675577,1795392675577,'portable_json','durable-notebook',1795392675577);
INSERT INTO "operation_outputs" VALUES('r1',10,'join','{"v":1,"session":3,"at":1795392675.5854,"ticks":[{"type":"step_result","step":"join","event":{"@tests.crash.events.Done":{"id":"1"}},"result":[{"type":"add_collected","event_id":"default","event":{"@tests.crash.events.Done":{"id":"1"}}},{"result":null}],"at":-4,"by":"invocation_9","ran":[-60,-37,2]}],"store":[{"op":"add","path":"/state_data/_data/items/4","value":"4"},["/state_data/_data/made",5]],"stream":[{"@tests.crash.events.Seen":{"what":"4 is made"}},["join","not_running","0","<tests.crash.events.Done","<NoneType"]],"steps":5,"events":24,"flight":{"work|work_item_5|0":[[1,2,1,[]]],"work|work_item_7|0":[[1,2,1,[]]],"work|work_item_8|0":[[1,2,1,[]]]}}',NULL,NULL,1795392675579,1795392675585,'portable_json','durable-notebook',1795392675585);
INSERT INTO "operation_outputs" VALUES('r1',11,'work','{"v":1,"session":3,"at":1795392675.5902,"ticks":[{"type":"step_result","step":"work","event":{"@tests.crash.events.Item":{"id":"2"}},"result":[{"result":{"@tests.crash.events.Done":{"id":"2"}}}],"at":-6,"by":"invocation_10","ran":[-83,-35,2]},{"type":"add_event","at":-2,"from":["invocation_10",0]}],"stream":[["work","not_running","0","<tests.crash.events.Item","<tests.crash.events.Done"],["work","running","0","Item",null],["join","running","0","Done",null]],"steps":6,"events":27,"starts":["work:0","join:0"],"flight":{"work|work_item_7|0":[[1,2,1,[]]],"work|work_item_8|0":[[1,2,1,[]]]}}',NULL,NULL,1795392675581,1795392675590,'portable_json','durable-notebook',1795392675590);
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
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795392675000);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.workflows.FanOut',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795392675000,1795392675538,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'e326953c-524b-4749-a104-e27ea9ee5f58',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','586b65b5-a7fd-4c81-967d-764da20fa596');
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
