"""Which run a cell means when its magic names none: the one that it began before.

The id follows from the notebook, the cell and what the line asks for, so that the same
cell finds its run again after a restart, from any kernel of the notebook:

    counter-k7m2p9xq        the first run of a cell
    counter-k7m2p9xq-2      the one begun afresh after it, with `--new`
    counter-k7m2p9xq.2      the second that the cell begins in one execution, in a loop

Which notebook it is tells the executor id, which a kernel takes back when its notebook
was renamed, and which a copy does not get. Nothing here knows what a run does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflows import Workflow
from workflows.events import Event

from durable_notebook._model import EventView, Json
from durable_notebook.runtime import plain_codec

_CAPITALS = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBER = re.compile(r"-([2-9]|[1-9]\d+)")
_LONGEST_NAME = 32
# 40 bits: a batch of 10,000 runs has one chance in 20,000 that two are taken for one.
_DIGITS = 8

# An id that the notebook's file may hold. VS Code sends a URI instead, whose number is
# another when the file was opened again.
_CELL_ID = re.compile(r"[A-Za-z0-9_-]+")
_MINOR = re.compile(rb'"nbformat_minor"\s*:\s*(\d+)')
_MINOR_WITH_CELL_IDS = 5
# The format's version is behind the cells and what belongs to them.
_TAIL_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a line asks for: a workflow, by a name, with fields.

    `expressions` are the fields as they are written, `values` what they came to.
    """

    workflow: Workflow
    target: str | None
    expressions: dict[str, str]
    values: Json

    @property
    def words(self) -> str:
        """The line without its options, and the workflow that it came to."""
        fields = [f"{name}={text}" for name, text in self.expressions.items()]
        return " ".join([self.workflow.workflow_name, self.target or "%%", *fields])


def values_of(event: Event, names: Iterable[str], redact: Iterable[str]) -> Json:
    """What fields came to, as the journal would hold them.

    Those alone that the line names: a default may be another at each call. What is not
    to be written down is no part of an id either.
    """
    try:
        tree = plain_codec(redact).event(event)
        json.dumps(tree)
    except (TypeError, ValueError):
        return None  # No run begins with it: starting says why.
    view = EventView.of(tree)
    assert view is not None
    return {name: _ordered(event, name, view.fields.get(name)) for name in names}


def _ordered(event: Event, name: str, value: Json) -> Json:
    """A set is in another order in each process."""
    is_set = isinstance(getattr(event, name, None), (set, frozenset))
    if is_set and isinstance(value, list):
        return sorted(value, key=json.dumps)
    return value


class Cells:
    """The cells of a kernel's notebook, told apart as well as its front end lets us."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._execution: str | None = None
        self._asked: Counter[str] = Counter()
        self._alike: dict[str, list[str]] = {}

    def execution(self) -> str:
        """What is another at each execution of a cell."""
        header = self._parent().get("header") or {}
        return str(header.get("msg_id") or self._shell.execution_count)

    def run_id(self, notebook: str, path: Path, asked: Asked) -> str:
        """The id of the first run of the cell that runs now, for what it asks.

        `notebook` is which notebook this is, `path` where its file would be. Asked for
        the same again in one execution, as in a loop, it gives another.
        """
        key = [
            notebook,
            self._cell(path, asked.words),
            asked.target,
            asked.workflow.workflow_name,
            asked.values,
        ]
        text = json.dumps(key, sort_keys=True)
        digest = hashlib.sha256(text.encode()).digest()
        mark = base64.b32encode(digest).decode().lower()[:_DIGITS]
        run_id = f"{short_name(type(asked.workflow).__name__)}-{mark}"
        now = self.execution()
        if now != self._execution:
            self._execution = now
            self._asked.clear()
        self._asked[run_id] += 1
        count = self._asked[run_id]
        return run_id if count == 1 else f"{run_id}.{count}"

    def _cell(self, path: Path, words: str) -> str:
        """The front end's id of the cell, if it keeps it; else what the cell says.

        Of cells that say the same, those that are told apart while the notebook is open
        are numbered as they are first run.
        """
        cell_id = (self._parent().get("metadata") or {}).get("cellId")
        if not isinstance(cell_id, str) or not cell_id:
            return f"1 {words}"
        if _CELL_ID.fullmatch(cell_id) and keeps_cell_ids(path):
            return cell_id
        alike = self._alike.setdefault(words, [])
        if cell_id not in alike:
            alike.append(cell_id)
        return f"{alike.index(cell_id) + 1} {words}"

    def _parent(self) -> dict[str, Any]:
        """The message that runs the cell; empty in a terminal."""
        ask = getattr(self._shell, "get_parent", None)
        return (ask() if ask is not None else None) or {}


def keeps_cell_ids(path: Path) -> bool:
    """Whether a notebook's file holds the ids of its cells.

    A file of a format before 4.5 does not: JupyterLab then makes new ones whenever it
    opens it.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            found = _MINOR.findall(file.read())
    except OSError:
        return True
    return not found or int(found[-1]) >= _MINOR_WITH_CELL_IDS


def short_name(class_name: str) -> str:
    """A class's name as an id begins with it: `CounterWorkflow` is `counter`."""
    words = _CAPITALS.sub("-", class_name).replace("_", "-").strip("-").lower()
    return words.removesuffix("-workflow")[:_LONGEST_NAME].strip("-") or "run"


def newest_of(run_id: str, taken: Sequence[str]) -> str | None:
    """Of the runs of a cell, the one that was begun last; None if there is none."""
    numbers = _numbers(run_id, taken)
    return _numbered(run_id, max(numbers)) if numbers else None


def after(run_id: str, taken: Sequence[str]) -> str:
    """The id of a run that a cell begins afresh."""
    return _numbered(run_id, max(_numbers(run_id, taken), default=0) + 1)


def _numbers(run_id: str, taken: Sequence[str]) -> list[int]:
    found = (_NUMBER.fullmatch(i.removeprefix(run_id)) for i in taken)
    return [int(m.group(1)) for m in found if m] + [1] * (run_id in taken)


def _numbered(run_id: str, number: int) -> str:
    return run_id if number == 1 else f"{run_id}-{number}"
