"""Timelines and lists of runs as pandas frames that also look well in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from durable_notebook._model import Attempt, RunInfo
from durable_notebook.doctor._finding import Finding
from durable_notebook.journal._usage import Usage
from durable_notebook.views import figures, html, text
from durable_notebook.views.findings import Cures

JOURNAL_COLUMNS = {
    "position": "Int64",
    "step": "str",
    "received": "object",
    "returned": "object",
    "started": "datetime64[us, UTC]",
    "finished": "datetime64[us, UTC]",
    "duration": "timedelta64[us]",
    "attempt": "int64",
    "session": "int64",
    "status": "str",
    "store": "object",
    "error": "object",
    "code": "str",
}

RUNS_COLUMNS = {
    "run_id": "str",
    "workflow": "str",
    "status": "str",
    "waits_for": "object",
    "steps": "int64",
    "size": "Int64",
    "started": "datetime64[us, UTC]",
    "updated": "datetime64[us, UTC]",
    "error": "object",
}

FINDINGS_COLUMNS = {
    "run_id": "object",
    "cause": "str",
    "says": "str",
    "evidence": "object",
    "cures": "object",
    "since": "datetime64[us, UTC]",
    "due": "datetime64[us, UTC]",
}


class JournalFrame(pd.DataFrame):
    """One row an execution of a step. A selection of it is a plain DataFrame."""

    _metadata = ["run", "rows", "usage"]  # noqa: RUF012 - pandas asks for this list
    run: RunInfo
    rows: list[Attempt]
    usage: Mapping[str, Usage]

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        used = figures.usage(self.usage)
        below = html.line(used) if used else ""
        return html.page(html.journal(self.run, self.rows) + below)

    def __repr__(self) -> str:
        used = figures.usage(self.usage)
        return "\n".join(filter(None, (text.journal(self.run, self.rows), used)))


class RunsFrame(pd.DataFrame):
    """One row a run. A selection of it is a plain DataFrame."""

    _metadata = ["rows"]  # noqa: RUF012
    rows: list[RunInfo]

    @property
    def df(self) -> pd.DataFrame:
        """The same as a plain DataFrame, which shows itself as one."""
        return pd.DataFrame(self)

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        return html.page(html.runs(self.rows))

    def __repr__(self) -> str:
        return text.runs(self.rows)


def findings(found: Sequence[Finding], cures: Cures) -> pd.DataFrame:
    """One row a cause; the dtypes are those of `FINDINGS_COLUMNS`."""
    table: list[dict[str, Any]] = [
        {
            "run_id": each.run_id,
            "cause": str(each.cause),
            "says": each.says,
            "evidence": list(each.evidence),
            "cures": list(cures(each)),
            "since": each.since,
            "due": each.due,
        }
        for each in found
    ]
    frame = pd.DataFrame(table, columns=list(FINDINGS_COLUMNS))
    return frame.astype(FINDINGS_COLUMNS)


def journal(
    info: RunInfo, rows: Sequence[Attempt], usage: Mapping[str, Usage] | None = None
) -> JournalFrame:
    """A run's timeline; the dtypes are those of `JOURNAL_COLUMNS`.

    Below it stands what its steps used of models, which is `.usage` too.
    """
    table: list[dict[str, Any]] = [
        {
            "position": row.position,
            "step": row.step,
            "received": None if row.received is None else str(row.received),
            "returned": ", ".join(map(str, row.returned)) or None,
            "started": row.started,
            "finished": row.finished,
            "duration": (
                row.finished - row.started if row.started and row.finished else None
            ),
            "attempt": row.attempt,
            "session": row.session,
            "status": str(row.status),
            "store": list(row.store) or None,
            "error": row.error,
            "code": row.code,
        }
        for row in rows
    ]
    frame = JournalFrame(table, columns=list(JOURNAL_COLUMNS)).astype(JOURNAL_COLUMNS)
    found = JournalFrame(frame)
    found.run, found.rows, found.usage = info, list(rows), usage or {}
    return found


def runs(rows: Sequence[RunInfo]) -> RunsFrame:
    """A list of runs; the dtypes are those of `RUNS_COLUMNS`."""
    table: list[dict[str, Any]] = [
        {
            "run_id": row.run_id,
            "workflow": row.workflow.rpartition(".")[2],
            "status": str(row.status),
            "waits_for": row.waits_for,
            "steps": row.steps,
            "size": row.size,
            "started": row.started,
            "updated": row.updated,
            "error": row.error,
        }
        for row in rows
    ]
    found = RunsFrame(
        pd.DataFrame(table, columns=list(RUNS_COLUMNS)).astype(RUNS_COLUMNS)
    )
    found.rows = list(rows)
    return found
