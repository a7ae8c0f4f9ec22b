"""The OpenTelemetry spans of runs: one a life in a process, one an execution of a body.

The only module that imports OpenTelemetry, and only `_tracing` imports it. No span has
the content of an event or of the store; an exception is recorded with its text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from workflows.runtime.types.results import (
    AddWaiter,
    StepWorkerFailed,
    StepWorkerOutput,
)

from durable_notebook._model import AttemptStatus, RunStatus
from durable_notebook.runtime.live._released import RunReleased

if TYPE_CHECKING:
    from durable_notebook.runtime.codec._outcome import Outcome
    from durable_notebook.runtime.live._execution import Session
    from durable_notebook.runtime.live._run import LiveRun
    from durable_notebook.runtime.state._flight import Invocation

# W3C's own, whatever the program propagates elsewhere: baggage may be confidential,
# and is not for a database.
_propagator = TraceContextTextMapPropagator()


def configured() -> Tracing | None:
    """What makes spans with the program's tracer provider; None if it has none."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return None
    return Tracing(provider.get_tracer("durable_notebook"))


class Tracing:
    """Makes the spans of runs with one tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def beginning(self, run_id: str, workflow: str) -> dict[str, str]:
        """The trace of a run that begins, as it is recorded with the run."""
        carrier: dict[str, str] = {}
        if trace.get_current_span().get_span_context().is_valid:
            _propagator.inject(carrier)
            return carrier
        attributes = {"durable.run_id": run_id, "durable.workflow": workflow}
        span = self._tracer.start_span(
            "durable.start", kind=SpanKind.PRODUCER, attributes=attributes
        )
        span.end()
        _propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier

    def life(
        self, run: LiveRun, session: Session, carrier: Mapping[str, str]
    ) -> RunSpans:
        """Begin the span of a run's life, current in the calling context."""
        attributes: dict[str, Any] = {
            "durable.run_id": run.run_id,
            "durable.workflow": run.workflow,
            "durable.executor_id": session.executor_id,
            "durable.session": session.number,
            "durable.resumed_from": run.resumed_from,
        }
        parent = _propagator.extract(carrier, otel.get_current())
        span = self._tracer.start_span(
            "durable.run", parent, kind=SpanKind.CONSUMER, attributes=attributes
        )
        return RunSpans(self._tracer, span, trace.set_span_in_context(span, parent))

    @contextmanager
    def asked_by(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Make the trace of a request current, unless something else has already."""
        if trace.get_current_span().get_span_context().is_valid:
            yield
            return
        token = otel.attach(_propagator.extract(headers, otel.get_current()))
        try:
            yield
        finally:
            otel.detach(token)


class RunSpans:
    """The span of a run's life in this process, as a block, and those of its bodies."""

    def __init__(self, tracer: Tracer, span: Span, context: otel.Context) -> None:
        self._tracer = tracer
        self._span = span
        self._context = context
        # Of bodies that have ended: a span tells which entry holds the result.
        self._unrecorded: dict[str, tuple[Span, int]] = {}
        otel.attach(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, problem: BaseException | None, _: Any) -> None:
        for span, ended_ns in self._unrecorded.values():
            span.end(ended_ns)
        if isinstance(problem, RunReleased):
            self._span.set_attribute("durable.ended", "released")
        elif problem is not None:
            self._span.set_attribute("durable.ended", str(RunStatus.INTERRUPTED))
            if not isinstance(problem, asyncio.CancelledError):
                _failed(self._span, problem)
        self._span.end()

    def ends(self, outcome: Outcome) -> None:
        """Note how the run ended."""
        self._span.set_attribute("durable.ended", str(outcome.status))
        if outcome.status is RunStatus.COMPLETED:
            self._span.set_status(Status(StatusCode.OK))
        elif outcome.error is not None and outcome.status is RunStatus.FAILED:
            _failed(self._span, outcome.error)

    async def body(
        self, invocation: Invocation, work: Awaitable[list[StepWorkerOutput]]
    ) -> list[StepWorkerOutput]:
        """Execute a step body inside a span, so that its own spans are below that."""
        attributes: dict[str, Any] = {
            "durable.step": invocation.step,
            "durable.attempt": invocation.attempt,
            "durable.invocation_id": invocation.id,
            "durable.is_reexecution": invocation.carried.tries > 0,
        }
        span = self._tracer.start_span(
            f"durable.step {invocation.step}", self._context, attributes=attributes
        )
        token = otel.attach(trace.set_span_in_context(span))
        try:
            output = await work
        except BaseException:
            # Its task was cancelled: what a body raises is in its output.
            span.set_attribute("durable.ended", str(AttemptStatus.INTERRUPTED))
            span.end()
            raise
        finally:
            otel.detach(token)
        _note_end(span, output)
        self._unrecorded[invocation.id] = (span, time.time_ns())
        return output

    def recorded(self, invocations: Iterable[str], position: int) -> None:
        """End the spans of bodies whose results an entry holds that is on disk."""
        for invocation in invocations:
            found = self._unrecorded.pop(invocation, None)
            if found is not None:
                span, ended_ns = found
                span.set_attribute("durable.position", position)
                span.end(ended_ns)


def _note_end(span: Span, output: list[StepWorkerOutput]) -> None:
    status = AttemptStatus.COMPLETED
    for item in output:
        if isinstance(item, StepWorkerFailed):
            status = AttemptStatus.FAILED
            _failed(span, item.exception)
        elif isinstance(item, AddWaiter):
            status = AttemptStatus.WAITING
    span.set_attribute("durable.ended", str(status))
    if status is AttemptStatus.COMPLETED:
        span.set_status(Status(StatusCode.OK))


def _failed(span: Span, problem: BaseException) -> None:
    span.record_exception(problem)
    span.set_status(Status(StatusCode.ERROR, str(problem)))
