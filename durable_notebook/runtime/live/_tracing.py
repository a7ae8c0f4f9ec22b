"""Whether the program wants OpenTelemetry spans: it has configured a tracer provider.

Where it has not imported OpenTelemetry it has not, and nothing is imported for it.
"""

from __future__ import annotations

import contextvars
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from durable_notebook._model import Json

if TYPE_CHECKING:
    from durable_notebook.runtime.live._execution import Session
    from durable_notebook.runtime.live._run import LiveRun
    from durable_notebook.runtime.live._spans import RunSpans, Tracing

_TRACE = "trace"


def tracing() -> Tracing | None:
    """What makes spans; None unless the program has configured a tracer provider."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from durable_notebook.runtime.live import _spans  # noqa: PLC0415 - may not be installed

    return _spans.configured()


def note_trace(run_id: str, workflow: str, inputs: dict[str, Json]) -> None:
    """Note in a run's inputs of which trace it is, for every process that has it.

    That of whoever starts it; otherwise a new one, with a span of its own for the
    start: the first process may die before it has told anybody of its spans.
    """
    found = tracing()
    if found is not None:
        inputs[_TRACE] = found.beginning(run_id, workflow)


def life_of(
    run: LiveRun,
    session: Session,
    inputs: dict[str, Json],
    context: contextvars.Context,
) -> RunSpans | None:
    """Begin the span of a run's life in this process, current in the given context."""
    found = tracing()
    if found is None:
        return None
    return context.run(found.life, run, session, inputs.get(_TRACE) or {})


def as_asked_by(headers: dict[str, str]) -> AbstractContextManager[object]:
    """Inside this block a run that is started is of the trace of an HTTP request."""
    found = tracing()
    return nullcontext() if found is None else found.asked_by(headers)
