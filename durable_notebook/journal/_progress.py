"""How far a run is, as its workflow reports it: `n of m`."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.events import Event

from durable_notebook._model import Json
from durable_notebook.journal._entry import RecordedEntry


class Progress(Event):
    """Tell how far a run is: a bar on its panel, of the newest.

    A step writes it with `ctx.write_event_to_stream(Progress(done=3, total=10))`; the
    `label` says what is counted. It is an event of the stream like any other.
    """

    done: int
    total: int
    label: str = ""

    @property
    def part(self) -> float:
        """How much is done, from 0 to 1, whatever the numbers are."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def short(self) -> tuple[int, int, str]:
        """It as a list of runs has it."""
        return self.done, self.total, self.label[:_LONGEST_LABEL]


# Journals name it as programs do, wherever it is defined here.
Progress.__module__ = "durable_notebook"
_NAME = f"{Progress.__module__}.{Progress.__qualname__}"


_LONGEST_LABEL = 200


def short(stream: Sequence[Json], before: list[Json]) -> list[Json]:
    """The newest report of a turn, as an entry holds it; `before` if it has none."""
    for tree in reversed(stream):
        if isinstance(tree, dict) and tree.get("qualified_name") == _NAME:
            found = _read(tree.get("value"))
            return before if found is None else [*found.short]
    return before


def newest(entries: Sequence[RecordedEntry]) -> Progress | None:
    """What a run reported last, as far as it is on disk."""
    for recorded in reversed(entries):
        for tree in reversed(recorded.entry.stream):
            if isinstance(tree, dict) and tree.get("qualified_name") == _NAME:
                return _read(tree.get("value"))
    return None


def _read(value: Json) -> Progress | None:
    try:
        return Progress.model_validate(value)
    except ValueError:  # A redacted field, say.
        return None
