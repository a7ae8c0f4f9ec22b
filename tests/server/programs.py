"""The two server programs of the document of `llama-agents-dbos`.

Their import lines are changed, the prints of a URL are left out, and they serve on
loopback and a port of the test's: nothing else.
"""

from __future__ import annotations

COUNTER = """
import asyncio

from dbos import DBOS
from durable_notebook import DBOSRuntime
from durable_notebook.server import WorkflowServer
from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

DBOS(config={"name": "quickstart", "run_admin_server": False})


class Tick(Event):
    count: int = Field(description="Current count")


class CounterResult(StopEvent):
    final_count: int = Field(description="Final counter value")


class CounterWorkflow(Workflow):
    \"\"\"Counts to 5, emitting stream events along the way.\"\"\"

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Tick:
        return Tick(count=0)

    @step
    async def tick(self, ctx: Context, ev: Tick) -> Tick | CounterResult:
        count = ev.count + 1
        ctx.write_event_to_stream(Tick(count=count))
        print(f"  tick {count}")
        await asyncio.sleep(0.5)
        if count >= 5:
            return CounterResult(final_count=count)
        return Tick(count=count)


async def main() -> None:
    runtime = DBOSRuntime()

    server = WorkflowServer(
        workflow_store=runtime.create_workflow_store(),
        runtime=runtime.build_server_runtime(),
    )
    server.add_workflow("counter", CounterWorkflow(runtime=runtime))

    await server.start()
    try:
        await server.serve(host="127.0.0.1", port=PORT)
    finally:
        await server.stop()


asyncio.run(main())
"""

GREETER = """
import asyncio

from dbos import DBOS
from durable_notebook import DBOSRuntime
from durable_notebook.server import WorkflowServer
from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import (
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

DBOS(config={"name": "idle-release-demo", "run_admin_server": False})


class AskName(InputRequiredEvent):
    prompt: str = Field(default="What is your name?")


class UserInput(HumanResponseEvent):
    response: str = Field(default="")


class GreeterWorkflow(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> AskName:
        return AskName()

    @step
    async def greet(self, ctx: Context, ev: UserInput) -> StopEvent:
        return StopEvent(result={"greeting": f"Hello, {ev.response}!"})


async def main() -> None:
    runtime = DBOSRuntime()

    server = WorkflowServer(
        workflow_store=runtime.create_workflow_store(),
        # Release workflows after 30 seconds of inactivity
        runtime=runtime.build_server_runtime(idle_timeout=30.0),
    )
    server.add_workflow("greeter", GreeterWorkflow(runtime=runtime))

    await server.start()
    try:
        await server.serve(host="127.0.0.1", port=PORT)
    finally:
        await server.stop()


asyncio.run(main())
"""

# A script of the same workflow: no server, and an executor of its own, because it lives
# beside the server.
SCRIPT = GREETER.replace(
    '"run_admin_server": False', '"run_admin_server": False, "executor_id": "script"'
).replace(
    GREETER[GREETER.index("    server = ") : GREETER.index("asyncio.run")],
    """    workflow = GreeterWorkflow(runtime=runtime)
    await runtime.launch()
    print(await workflow.run(run_id="from-a-script"))
    await runtime.destroy()


""",
)
