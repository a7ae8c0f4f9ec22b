"""A request that belongs to a trace: the run that it starts belongs to it too."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sample_workflows import Once

from .served import serving

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


def hexes(exporter: InMemorySpanExporter) -> dict[str, tuple[str, str]]:
    """Name to trace and parent."""
    return {
        span.name: (
            trace.format_trace_id(span.context.trace_id),
            trace.format_span_id(span.parent.span_id) if span.parent else "",
        )
        for span in exporter.get_finished_spans()
    }


async def test_a_run_takes_up_the_trace_of_the_request(
    journal_url: str, exported: InMemorySpanExporter
) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await served.http.post("/workflows/once/run-nowait", headers=HEADERS)
        assert reply.is_success, reply.text
        await served.finished(reply.json()["handler_id"])

    found = hexes(exported)
    assert set(found) == {"durable.run", "durable.step only"}
    assert found["durable.run"] == (TRACE, SPAN)
    assert found["durable.step only"][0] == TRACE


@pytest.mark.parametrize("headers", [{}, {"traceparent": "00-not-a-trace"}])
async def test_without_one_it_is_of_a_trace_of_its_own(
    journal_url: str, exported: InMemorySpanExporter, headers: dict[str, str]
) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await served.http.post("/workflows/once/run-nowait", headers=headers)
        await served.finished(reply.json()["handler_id"])

    found = hexes(exported)
    assert set(found) == {"durable.start", "durable.run", "durable.step only"}
    assert len({trace_id for trace_id, _ in found.values()}) == 1
    assert found["durable.start"][1] == ""


async def test_a_trace_is_nothing_to_a_program_that_makes_no_spans(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await served.http.post("/workflows/once/run-nowait", headers=HEADERS)
        found = await served.finished(reply.json()["handler_id"])

    assert found["status"] == "completed"
