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
INSERT INTO "durable_code" VALUES('43431a2de9604918','{"graph":{"events":{"tests.crash.events.Done":{"id":"str"},"tests.crash.events.Item":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"deal":{"gives":["tests.crash.events.Item"],"takes":["workflows.events.StartEvent"],"workers":4},"join":{"gives":["workflows.events.StopEvent"],"takes":["tests.crash.events.Done"],"workers":1},"work":{"gives":["tests.crash.events.Done"],"takes":["tests.crash.events.Item"],"workers":3}}},"sources":{"deal":"    @step\n    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:\n        began(\"deal\", \"start\")\n        await ctx.store.set(\"items\", [])\n        for number in range(ITEMS):\n            ctx.send_event(Item(id=str(number)))\n        return None\n","join":"    @step(num_workers=1)\n    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:\n        began(\"join\", ev.id, (\"work\", ev.id))\n        joined = await ctx.store.get(\"joined\", default=[])\n        joined.append(ev.id)\n        await ctx.store.set(\"joined\", joined)\n        done = ctx.collect_events(ev, [Done] * ITEMS)\n        if done is None:\n            return None\n        return StopEvent(result=[one.id for one in done])\n","work":"    @step(num_workers=3)\n    async def work(self, ctx: Context, ev: Item) -> Done:\n        began(\"work\", ev.id, (\"deal\", \"start\"))\n        async with ctx.store.edit_state() as state:\n            state.made = state.get(\"made\", 0) + 1\n        items = await ctx.store.get(\"items\")\n        items.append(ev.id)\n        await ctx.store.set(\"items\", items)\n        ctx.write_event_to_stream(Seen(what=f\"{ev.id} is made\"))\n        return Done(id=ev.id)\n"}}',1795397204.7496);
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
INSERT INTO "durable_session" VALUES(2,'local',10453,1.79539720451995682718e+09);
INSERT INTO "durable_session" VALUES(3,'local',10496,1.7953972048622074127e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795397204.7558,"code":"43431a2de9604918","position":0,"ticks":[{"type":"session_start","at":-9},{"type":"add_event","event":{"@0":{}},"at":-5}],"stream":[["deal","running","0","StartEvent",null]],"events":1,"starts":["deal:0"],"names":["workflows.events.StartEvent"]}',NULL,NULL,1795397204755,1795397204755,'portable_json','durable-notebook',1795397204755);
INSERT INTO "operation_outputs" VALUES('r1',2,'deal','{"v":1,"session":2,"at":1795397204.7618,"position":1,"ticks":[{"type":"step_result","step":"deal","event":{"@0":{}},"result":[{"result":null}],"at":-7,"by":"invocation_1","sends":[{"index":0,"event":{"@2":{"id":"0"}},"step_id":null,"recovery_counts":{}},{"index":1,"event":{"@2":{"id":"1"}},"step_id":null,"recovery_counts":{}},{"index":2,"event":{"@2":{"id":"2"}},"step_id":null,"recovery_counts":{}},{"index":3,"event":{"@2":{"id":"3"}},"step_id":null,"recovery_counts":{}},{"index":4,"event":{"@2":{"id":"4"}},"step_id":null,"recovery_counts":{}},{"index":5,"event":{"@2":{"id":"5"}},"step_id":null,"recovery_counts":{}}],"ran":[-26,-10]},{"type":"add_event","event":{"@2":{"id":"0"}},"at":-11,"from":["invocation_1",0]}],"store":[{"op":"add","path":"/state_data/_data/items","value":[]}],"stream":[["deal","not_running","0","<0","<1"],["work","running","0","Item",null]],"steps":1,"events":3,"starts":["work:0"],"names":["workflows.events.StartEvent","NoneType","tests.crash.events.Item"]}',NULL,NULL,1795397204759,1795397204761,'portable_json','durable-notebook',1795397204761);
INSERT INTO "operation_outputs" VALUES('r1',3,'work','{"v":1,"session":2,"at":1795397204.7724,"position":2,"ticks":[{"type":"add_event","event":{"@0":{"id":"1"}},"at":-26,"from":["invocation_1",1]},{"type":"step_result","step":"work","event":{"@0":{"id":"0"}},"result":[{"result":{"@1":{"id":"0"}}}],"at":-20,"by":"invocation_2","ran":[-36,-24]},{"type":"add_event","at":-18,"from":["invocation_2",0]}],"store":[{"op":"add","path":"/state_data/_data/items/0","value":"0"},{"op":"add","path":"/state_data/_data/made","value":1}],"stream":[{"@2":{"what":"0 is made"}},["work","running","1","Item",null],["work","not_running","0","<0","<1"],["join","running","0","Done",null]],"steps":2,"events":7,"starts":["work:1","join:0"],"names":["tests.crash.events.Item","tests.crash.events.Done","tests.crash.events.Seen"]}',NULL,NULL,1795397204768,1795397204772,'portable_json','durable-notebook',1795397204772);
INSERT INTO "operation_outputs" VALUES('r1',4,'join, work','{"v":1,"session":2,"at":1795397204.78,"position":3,"ticks":[{"type":"step_result","step":"join","event":{"@0":{"id":"0"}},"result":[{"type":"add_collected","event_id":"default","event":{"@0":{"id":"0"}}},{"result":null}],"at":-22,"by":"invocation_4","ran":[-36,-26]},{"type":"add_event","event":{"@2":{"id":"2"}},"at":-37,"from":["invocation_1",2]},{"type":"step_result","step":"work","worker_id":1,"event":{"@2":{"id":"1"}},"result":[{"result":{"@0":{"id":"1"}}}],"at":-14,"by":"invocation_3","ran":[-47,-23]},{"type":"add_event","at":-3,"from":["invocation_3",0]}],"store":[{"op":"add","path":"/state_data/_data/items/1","value":"1"},["/state_data/_data/made",2],{"op":"add","path":"/state_data/_data/joined","value":["0"]}],"stream":[{"@3":{"what":"1 is made"}},["join","not_running","0","<0","<1"],["work","running","0","Item",null],["work","not_running","1","<2","<0"],["join","running","0","Done",null]],"steps":4,"events":12,"starts":["work:0","join:0"],"names":["tests.crash.events.Done","NoneType","tests.crash.events.Item","tests.crash.events.Seen"]}',NULL,NULL,1795397204775,1795397204780,'portable_json','durable-notebook',1795397204780);
INSERT INTO "operation_outputs" VALUES('r1',5,'join, work','{"v":1,"session":2,"at":1795397204.791,"position":4,"ticks":[{"type":"step_result","step":"join","event":{"@0":{"id":"1"}},"result":[{"type":"add_collected","event_id":"default","event":{"@0":{"id":"1"}}},{"result":null}],"at":-30,"by":"invocation_6","ran":[-72,-32]},{"type":"add_event","event":{"@2":{"id":"3"}},"at":-73,"from":["invocation_1",3]},{"type":"step_result","step":"work","event":{"@2":{"id":"2"}},"result":[{"result":{"@0":{"id":"2"}}}],"at":-21,"by":"invocation_5","ran":[-83,-30]},{"type":"add_event","at":-5,"from":["invocation_5",0]}],"store":[{"op":"add","path":"/state_data/_data/items/2","value":"2"},["/state_data/_data/made",3],{"op":"add","path":"/state_data/_data/joined/1","value":"1"}],"stream":[{"@3":{"what":"2 is made"}},["join","not_running","0","<0","<1"],["work","running","1","Item",null],["work","not_running","0","<2","<0"],["join","running","0","Done",null]],"steps":6,"events":17,"starts":["work:1","join:0"],"names":["tests.crash.events.Done","NoneType","tests.crash.events.Item","tests.crash.events.Seen"]}',NULL,NULL,1795397204782,1795397204791,'portable_json','durable-notebook',1795397204791);
INSERT INTO "operation_outputs" VALUES('r1',6,'Item','{"v":1,"session":3,"at":1795397205.0885,"position":5,"ticks":[{"type":"session_start","at":-14},{"type":"add_event","event":{"@0":{"id":"4"}},"at":-4,"from":["invocation_1",4]},{"type":"add_event","event":{"@0":{"id":"5"}},"at":-2,"from":["invocation_1",5]}],"stream":[["join","running","0","Done",null],["work","running","0","Item",null],["work","running","1","Item",null],["work","running","2","Item",null]],"steps":6,"events":21,"starts":["join:0","work:0","work:1","work:2"],"flight":{"join|work_item_8|0":[[1,0,0,[],"invocation_8"]],"work|work_item_7|0":[[1,0,0,[],"invocation_7"]]},"interrupted":[{"step":"join","event":{"@1":{"id":"2"}},"attempt":1,"started":1795397204.791,"session":2},{"step":"work","event":{"@0":{"id":"3"}},"attempt":1,"started":1795397204.791,"session":2}],"names":["tests.crash.events.Item","tests.crash.events.Done"]}',NULL,NULL,1795397205088,1795397205088,'portable_json','durable-notebook',1795397205088);
INSERT INTO "operation_outputs" VALUES('r1',7,'join','{"v":1,"session":3,"at":1795397205.0999,"position":6,"ticks":[{"type":"step_result","step":"join","event":{"@0":{"id":"2"}},"result":[{"type":"add_collected","event_id":"default","event":{"@0":{"id":"2"}}},{"result":null}],"at":-3,"by":"invocation_9","ran":[-47,-33,2]}],"store":[{"op":"add","path":"/state_data/_data/items/3","value":"3"},{"op":"add","path":"/state_data/_data/items/4","value":"4"},{"op":"add","path":"/state_data/_data/items/5","value":"5"},["/state_data/_data/made",6],{"op":"add","path":"/state_data/_data/joined/2","value":"2"}],"stream":[{"@2":{"what":"3 is made"}},{"@2":{"what":"4 is made"}},{"@2":{"what":"5 is made"}},["join","not_running","0","<0","<1"]],"steps":7,"events":25,"flight":{"work|work_item_7|0":[[1,2,1,[],"invocation_7"]],"work|work_item_9|0":[[0,2,1,[]]],"work|work_item_10|0":[[0,2,1,[]]]},"names":["tests.crash.events.Done","NoneType","tests.crash.events.Seen"]}',NULL,NULL,1795397205095,1795397205099,'portable_json','durable-notebook',1795397205099);
INSERT INTO "operation_outputs" VALUES('r1',8,'work','{"v":1,"session":3,"at":1795397205.1123,"position":7,"ticks":[{"type":"step_result","step":"work","event":{"@0":{"id":"3"}},"result":[{"result":{"@1":{"id":"3"}}}],"at":-21,"by":"invocation_10","ran":[-156,-70,2]},{"type":"add_event","at":-14,"from":["invocation_10",0]},{"type":"step_result","step":"work","worker_id":1,"event":{"@0":{"id":"4"}},"result":[{"result":{"@1":{"id":"4"}}}],"at":-9,"by":"invocation_11","ran":[-145,-69]},{"type":"add_event","at":-6,"from":["invocation_11",0]},{"type":"step_result","step":"work","worker_id":2,"event":{"@0":{"id":"5"}},"result":[{"result":{"@1":{"id":"5"}}}],"at":-3,"by":"invocation_12","ran":[-137,-69]},{"type":"add_event","at":-2,"from":["invocation_12",0]}],"stream":[["work","not_running","0","<0","<1"],["join","running","0","Done",null],["work","not_running","1","<0","<1"],["join","preparing","<enqueued>","Done",null],["work","not_running","2","<0","<1"],["join","preparing","<enqueued>","Done",null]],"steps":10,"events":31,"starts":["join:0"],"names":["tests.crash.events.Item","tests.crash.events.Done"]}',NULL,NULL,1795397205096,1795397205112,'portable_json','durable-notebook',1795397205112);
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
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795397204000);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.workflows.FanOut',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795397204000,1795397205026,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'09ed7b14-41c6-4e76-85e1-95347c34d360',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','87e8fc5b-2772-4872-9325-9c8bd0cf0f9f');
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
