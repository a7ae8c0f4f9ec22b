"""`/metrics`: what a process does, and what is in its journal, as Prometheus reads it.

No figure is of one run: there is no end to their ids.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from durable_notebook.errors import StorageError
from durable_notebook.runtime import BOUNDS, DBOSRuntime, Meter, Readings
from durable_notebook.store import Tally

# A look at the whole journal is good for so long, however many ask.
_FRESH_S = 5.0


class Metrics:
    """Answers requests for the figures of a launched runtime.

    Steps and commits are counted from the first of them on; `begin` is one.
    """

    def __init__(self, runtime: DBOSRuntime) -> None:
        self._runtime = runtime
        self._looked = asyncio.Lock()
        self._tally: Tally | None = None
        self._fresh_until = 0.0

    @property
    def route(self) -> Route:
        """Where they are."""
        return Route("/metrics", self._answer)

    async def begin(self) -> None:
        """Begin to count."""
        await self._runtime.on_loop(self._runtime.readings())

    async def _answer(self, request: Request) -> Response:
        readings = await self._runtime.on_loop(self._runtime.readings())
        found = _Found([*_of_process(readings), *_of_journal(await self._look())])
        try:
            text, kind = _written(found, request.headers.get("accept", ""))
        except (TypeError, ValueError):  # It asks for a version that is no number.
            text, kind = _written(found, "")
        return Response(text, media_type=kind)

    async def _look(self) -> Tally | None:
        async with self._looked:
            if time.monotonic() >= self._fresh_until:
                try:
                    self._tally = await asyncio.to_thread(self._runtime.store.tally)
                except StorageError:  # What the process does is known even so.
                    self._tally = None
                self._fresh_until = time.monotonic() + _FRESH_S
            return self._tally


class _Found:
    """A registry, as far as an encoder needs one."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        return self._found


def _written(found: _Found, accepted: str) -> tuple[bytes, str]:
    """The figures in the first form that is accepted and known, and what it is."""
    encode, kind = choose_encoder(accepted)
    return encode(found), kind


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"durable_notebook_{name}", about, value=value)


def _of_process(readings: Readings) -> Iterator[Metric]:
    session = GaugeMetricFamily(
        "durable_notebook_session",
        "The number in the journal of this life of the process.",
        labels=["executor_id"],
    )
    session.add_metric([readings.executor_id], readings.session)
    yield session
    yield _gauge("live_runs", "Runs in the memory of this process.", readings.live)
    yield _gauge(
        "released_runs",
        "Runs of this process that wait out of memory.",
        readings.released,
    )
    yield _gauge(
        "bodies_in_flight",
        "Step bodies that this process is executing.",
        readings.in_flight,
    )
    yield _steps(readings.meter)
    yield _commits(readings.meter)


def _steps(meter: Meter) -> Metric:
    steps = CounterMetricFamily(
        "durable_notebook_steps",
        "Executions of step bodies by this process that have ended.",
        labels=["workflow", "step", "status"],
    )
    for (workflow, step, status), count in sorted(meter.steps.items()):
        steps.add_metric([workflow, step, str(status)], count)
    return steps


def _commits(meter: Meter) -> Metric:
    names = [*map(str, map(float, BOUNDS)), "+Inf"]
    return HistogramMetricFamily(
        "durable_notebook_commit_duration_seconds",
        "How long runs of this process have waited for a journal entry to be on disk.",
        buckets=list(zip(names, accumulate(meter.commits), strict=True)),
        sum_value=meter.commits_s,
    )


def _of_journal(tally: Tally | None) -> Iterator[Metric]:
    yield _gauge(
        "journal_up",
        "Whether the journal could be read, 1 or 0.",
        float(tally is not None),
    )
    if tally is None:
        return
    runs = GaugeMetricFamily(
        "durable_notebook_runs",
        "Runs in the journal, of all executors.",
        labels=["workflow", "state"],
    )
    for (workflow, state), count in sorted(tally.runs.items()):
        runs.add_metric([workflow, state], count)
    yield runs
    yield _gauge(
        "unread_messages",
        "Messages to unfinished runs that no journal entry has consumed.",
        tally.unread,
    )
    oldest_at = tally.oldest_at
    yield _gauge(
        "oldest_unread_message_age_seconds",
        "How long ago the oldest of them was sent; 0 where there is none.",
        0.0 if oldest_at is None else max(0.0, time.time() - oldest_at),
    )
