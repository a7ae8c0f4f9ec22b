"""A server to be asked over HTTP: `python -m tests.benchmarks.served RUNTIME URL PORT`.

The program of the document, for ours and for the peer: only the imports differ.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from workflows import Workflow, step
from workflows.events import (
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from tests.benchmarks.runtimes import make


class AskName(InputRequiredEvent):
    prompt: str = "What is your name?"


class UserInput(HumanResponseEvent):
    response: str = ""


class Greeter(Workflow):
    @step
    async def ask(self, ev: StartEvent) -> AskName:
        return AskName()

    @step
    async def greet(self, ev: UserInput) -> StopEvent:
        return StopEvent(result=f"Hello, {ev.response}!")


async def serve(name: str, url: str, port: int) -> None:
    runtime = make(name, url, "benchmark")
    kind: Any
    if name == "ours":
        from durable_notebook.server import WorkflowServer as kind
    else:
        from llama_agents.server import WorkflowServer as kind
    server = kind(
        workflow_store=runtime.create_workflow_store(),
        runtime=runtime.build_server_runtime(),
    )
    server.add_workflow("greeter", Greeter(runtime=runtime, timeout=None))
    await server.start()
    try:
        quiet = {"log_level": "warning", "access_log": False}
        await server.serve(host="127.0.0.1", port=port, uvicorn_config=quiet)
    finally:
        await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
