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
INSERT INTO "durable_code" VALUES('71ae07016dfd44e7','{"graph":{"events":{"tests.crash.events.Done":{"id":"str"},"tests.crash.events.Item":{"id":"str"},"workflows.events.StartEvent":{},"workflows.events.StopEvent":{}},"steps":{"deal":{"gives":["tests.crash.events.Item"],"takes":["workflows.events.StartEvent"],"workers":4},"join":{"gives":["workflows.events.StopEvent"],"takes":["tests.crash.events.Done"],"workers":4},"work":{"gives":["tests.crash.events.Done"],"takes":["tests.crash.events.Item"],"workers":4}}},"sources":{"deal":"    @step\n    async def deal(self, ctx: Context, ev: StartEvent) -> list[Item]:\n        began(\"deal\", \"start\")\n        return [Item(id=str(number)) for number in range(2)]\n","join":"    @step\n    async def join(self, ctx: Context, ev: list[Done]) -> StopEvent:\n        began(\"join\", \"all\")\n        return StopEvent(result=sorted(one.id for one in ev))\n","work":"    @step(\n        retry_policy=retry_policy(\n            wait=wait_fixed(0.002), stop=stop_after_attempt(TRIES)\n        )\n    )\n    async def work(self, ctx: Context, ev: Item) -> Done:\n        number = ctx.retry_info().retry_number\n        before = (\"work\", f\"{ev.id} try {number - 1}\")\n        began(\"work\", f\"{ev.id} try {number}\", before if number else (\"deal\", \"start\"))\n        async with ctx.store.edit_state() as state:\n            state.tried = state.get(\"tried\", 0) + 1\n        ctx.write_event_to_stream(Seen(what=f\"{ev.id} try {number}\"))\n        await asyncio.sleep(model_s(ev.id, number))\n        async with ctx.store.edit_state() as state:\n            state.tried_on = state.get(\"tried_on\", 0) + 1\n        if number < TRIES - 1:\n            raise ConnectionError(f\"{ev.id} is out of reach\")\n        return Done(id=ev.id)\n"}}',1795397205.5912);
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
INSERT INTO "durable_session" VALUES(2,'local',10588,1.79539720551193141941e+09);
INSERT INTO "durable_session" VALUES(3,'local',10625,1.79539720566023039815e+09);
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
INSERT INTO "operation_outputs" VALUES('r1',1,'StartEvent','{"v":1,"session":2,"at":1795397205.5981,"code":"71ae07016dfd44e7","position":0,"ticks":[{"type":"session_start","at":-9},{"type":"add_event","event":{"@0":{}},"at":-6}],"stream":[["deal","running","0","StartEvent",null]],"events":1,"starts":["deal:0"],"names":["workflows.events.StartEvent"]}',NULL,NULL,1795397205598,1795397205598,'portable_json','durable-notebook',1795397205598);
INSERT INTO "operation_outputs" VALUES('r1',2,'deal','{"v":1,"session":2,"at":1795397205.6057,"position":1,"ticks":[{"type":"step_result","step":"deal","event":{"@0":{}},"result":[{"type":"result","result":{"@1":{"id":"0"}},"fanned_out":true},{"type":"result","result":{"@1":{"id":"1"}},"fanned_out":true}],"at":-10,"by":"invocation_1","ran":[-24,-14]},{"type":"add_event","event":{"@1":{"id":"0"}},"scope_path":["stream-082435cbc5c890ee"],"at":-5,"from":["invocation_1",0]},{"type":"add_event","event":{"@1":{"id":"1"}},"scope_path":["stream-082435cbc5c890ee"],"at":-2,"from":["invocation_1",1]}],"stream":[["deal","not_running","0","<0","<1"],["work","running","0","Item",null],["work","running","1","Item",null]],"steps":1,"events":4,"starts":["work:0","work:1"],"names":["workflows.events.StartEvent","tests.crash.events.Item"]}',NULL,NULL,1795397205603,1795397205605,'portable_json','durable-notebook',1795397205605);
INSERT INTO "operation_outputs" VALUES('r1',3,'work','{"v":1,"session":2,"at":1795397205.6116,"position":2,"ticks":[{"type":"step_result","step":"work","event":{"@0":{"id":"0"}},"result":[{"type":"failed","exception":{"exception_type":"builtins.ConnectionError","exception_message":"0 is out of reach"},"failed_at":1795397205.6109607,"retry_decision":{"delay":0.002},"first_attempt_at":1795397205.6052}],"at":-3,"by":"invocation_2","ran":[-37,-6]}],"store":[{"op":"add","path":"/state_data/_data/tried","value":2},{"op":"add","path":"/state_data/_data/tried_on","value":1}],"stream":[{"@1":{"what":"0 try 0"}},{"@1":{"what":"1 try 0"}},["work","not_running","0","<0",null]],"steps":2,"events":7,"flight":{"work|work_item_3|0":[[0,1,1,[]]]},"names":["tests.crash.events.Item","tests.crash.events.Seen"]}',NULL,NULL,1795397205607,1795397205611,'portable_json','durable-notebook',1795397205611);
INSERT INTO "operation_outputs" VALUES('r1',4,'work','{"v":1,"session":2,"at":1795397205.6174,"position":3,"ticks":[{"type":"step_result","step":"work","worker_id":1,"event":{"@0":{"id":"1"}},"result":[{"type":"failed","exception":{"exception_type":"builtins.ConnectionError","exception_message":"1 is out of reach"},"failed_at":1795397205.61658,"retry_decision":{"delay":0.002},"first_attempt_at":1795397205.6055}],"at":-5,"by":"invocation_3","ran":[-86,-8]},{"type":"wakeup","due":1795397205.6129608,"at":-2}],"store":[["/state_data/_data/tried_on",2]],"stream":[["work","not_running","1","<0",null],["work","running","0","Item",null]],"steps":3,"events":9,"starts":["work:0"],"names":["tests.crash.events.Item"]}',NULL,NULL,1795397205608,1795397205617,'portable_json','durable-notebook',1795397205617);
INSERT INTO "operation_outputs" VALUES('r1',5,'wakeup','{"v":1,"session":2,"at":1795397205.623,"position":4,"ticks":[{"type":"wakeup","due":1795397205.61858,"at":-4}],"store":[["/state_data/_data/tried",3]],"stream":[{"@0":{"what":"0 try 1"}},["work","running","1","Item",null]],"steps":3,"events":11,"starts":["work:1"],"flight":{"work|work_item_2|1":[[0,1,1,[]]]},"names":["tests.crash.events.Seen"]}',NULL,NULL,1795397205623,1795397205623,'portable_json','durable-notebook',1795397205623);
INSERT INTO "operation_outputs" VALUES('r1',6,'work','{"v":1,"session":2,"at":1795397205.6281,"position":5,"ticks":[{"type":"step_result","step":"work","event":{"@0":{"id":"0"}},"result":[{"type":"failed","exception":{"exception_type":"builtins.ConnectionError","exception_message":"0 is out of reach"},"failed_at":1795397205.6259685,"retry_decision":{"delay":0.002},"first_attempt_at":1795397205.6052}],"at":-2,"by":"invocation_4","ran":[-78,-21,2]}],"store":[["/state_data/_data/tried",4],["/state_data/_data/tried_on",3]],"stream":[{"@1":{"what":"1 try 1"}},["work","not_running","0","<0",null]],"steps":4,"events":13,"flight":{"work|work_item_3|1":[[0,1,1,[]]]},"names":["tests.crash.events.Item","tests.crash.events.Seen"]}',NULL,NULL,1795397205620,1795397205628,'portable_json','durable-notebook',1795397205628);
INSERT INTO "operation_outputs" VALUES('r1',7,'session_start','{"v":1,"session":3,"at":1795397205.7583,"position":6,"ticks":[{"type":"session_start","at":-4}],"stream":[["work","running","0","Item",null]],"steps":4,"events":14,"starts":["work:0"],"flight":{"work|work_item_3|1":[[1,1,1,[],"invocation_5"]]},"interrupted":[{"step":"work","event":{"@0":{"id":"1"}},"attempt":2,"started":1795397205.623,"session":2}],"names":["tests.crash.events.Item"]}',NULL,NULL,1795397205758,1795397205758,'portable_json','durable-notebook',1795397205758);
INSERT INTO "operation_outputs" VALUES('r1',8,'wakeup','{"v":1,"session":3,"at":1795397205.7627,"position":7,"ticks":[{"type":"wakeup","due":1795397205.6279685,"at":-2}],"stream":[["work","running","1","Item",null]],"steps":4,"events":15,"starts":["work:1"],"flight":{"work|work_item_3|1":[[1,1,1,[],"invocation_5"]]}}',NULL,NULL,1795397205762,1795397205762,'portable_json','durable-notebook',1795397205762);
INSERT INTO "operation_outputs" VALUES('r1',9,'work','{"v":1,"session":3,"at":1795397205.7663,"position":8,"ticks":[{"type":"step_result","step":"work","event":{"@0":{"id":"1"}},"result":[{"type":"failed","exception":{"exception_type":"builtins.ConnectionError","exception_message":"1 is out of reach"},"failed_at":1795397205.7647586,"retry_decision":{"delay":0.002},"first_attempt_at":1795397205.6055}],"at":-3,"by":"invocation_6","ran":[-50,-15,3]}],"store":[["/state_data/_data/tried",5],["/state_data/_data/tried_on",4]],"stream":[{"@1":{"what":"0 try 2"}},["work","not_running","0","<0",null]],"steps":5,"events":17,"flight":{"work|work_item_2|2":[[0,1,1,[]]]},"names":["tests.crash.events.Item","tests.crash.events.Seen"]}',NULL,NULL,1795397205761,1795397205766,'portable_json','durable-notebook',1795397205766);
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
INSERT INTO "workflow_input" VALUES('r1','{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":{"__is_pydantic":true,"value":{},"qualified_name":"workflows.events.StartEvent"}}]}',1795397205000);
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
INSERT INTO "workflow_status" VALUES('r1','PENDING','tests.crash.workflows.Retries',NULL,NULL,NULL,NULL,NULL,NULL,'local',1795397205000,1795397205732,'durable_notebook-durable-notebook','',NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'cb84f44b-25f1-40f7-81f1-e710777973b5',NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'durable-notebook','074ba681-b957-444d-8bdf-10465d61ca13');
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
