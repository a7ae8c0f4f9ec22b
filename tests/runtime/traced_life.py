"""A process life that tells each span as it ends, in a file."""

from __future__ import annotations

PROGRAM = """
import asyncio, json, os, signal, sys
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent
from durable_notebook import Client, DBOSRuntime

url, out, end = sys.argv[1:]

if out:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        SimpleSpanProcessor, SpanExporter, SpanExportResult
    )

    class ToFile(SpanExporter):
        def export(self, spans):
            with open(out, "a") as file:
                for span in spans:
                    told = {
                        "name": span.name,
                        "trace": span.context.trace_id,
                        "id": span.context.span_id,
                        "parent": span.parent and span.parent.span_id,
                    }
                    print(json.dumps(told), file=file)
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ToFile()))
    trace.set_tracer_provider(provider)


class Between(Event):
    pass


class Two(Workflow):
    @step
    async def first(self, ev: StartEvent) -> Between:
        return Between()

    @step
    async def second(self, ev: Between) -> StopEvent:
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return StopEvent()


async def main():
    async with DBOSRuntime(database_url=url) as runtime:
        workflow = Two(runtime=runtime)
        await workflow.run(run_id="r")
        await Client(runtime).run("r").result()
        row = runtime.store.run("r")
    if not out:
        found = [name for name in sys.modules if name.startswith("opentelemetry")]
        known = [n for n in row.input if n in ("start", "trace")]
        print(json.dumps({"imported": found, "inputs": known}))


asyncio.run(main())
"""
