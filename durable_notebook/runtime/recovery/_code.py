"""What a workflow is made of, as data: its graph, and the source of its steps.

Recorded with every run, so that it can be said later what has changed since.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from workflows import Workflow
from workflows.events import Event

from durable_notebook._model import Json
from durable_notebook.runtime.codec._codec import qualified_name


@dataclass(frozen=True, slots=True)
class Code:
    """A workflow's code as the journal records it.

    `graph` has of each step the events it takes and gives, and of each event the
    fields; `sources` the text of each step, empty where Python has none.
    """

    graph: dict[str, Json]
    sources: dict[str, str]
    digest: str = field(init=False)
    """A name for this very code."""

    def __post_init__(self) -> None:
        text = self.text().encode("utf-8", "replace")
        object.__setattr__(self, "digest", hashlib.sha256(text).hexdigest()[:16])

    @classmethod
    def of(cls, workflow: Workflow) -> Code:
        """Read it off a workflow."""
        steps: dict[str, Json] = {}
        events: dict[str, Json] = {}
        sources = {}
        for name, function in sorted(workflow._get_steps().items()):
            config = function._step_config
            taken, given = _events(config.accepted_events), _events(config.return_types)
            steps[name] = {
                "takes": sorted(map(qualified_name, taken)),
                "gives": sorted(map(qualified_name, given)),
                "workers": config.num_workers,
            }
            events |= {qualified_name(kind): _fields(kind) for kind in taken + given}
            sources[name] = _source(function)
        return cls({"steps": steps, "events": events}, sources)

    @classmethod
    def read(cls, text: str) -> Code:
        """Read what `text` wrote."""
        tree = json.loads(text)
        return cls(tree["graph"], tree["sources"])

    def text(self) -> str:
        """This as JSON, the same for the same code."""
        tree = {"graph": self.graph, "sources": self.sources}
        return json.dumps(tree, sort_keys=True, separators=(",", ":"))

    def changes(self, before: Code) -> list[str]:
        """What is another graph than before, in words; empty if it is the same."""
        was, now = before.graph, self.graph
        said = _changed_members("step", was["steps"], now["steps"], _step_changes)
        return said + _changed_members(
            "event", was["events"], now["events"], _event_changes
        )

    def changed_steps(self, before: Code) -> list[str]:
        """The steps that both have and whose source is another."""
        return [
            name
            for name, source in self.sources.items()
            if before.sources.get(name, source) != source
        ]


def _events(kinds: list[Any]) -> list[type[Event]]:
    return [k for k in kinds if isinstance(k, type) and issubclass(k, Event)]


def _fields(kind: type[Event]) -> dict[str, str]:
    return {
        name: _type_name(info.annotation) + ("" if info.is_required() else " = ...")
        for name, info in sorted(kind.model_fields.items())
    }


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__
    return str(annotation)


# Finding a source is slow, and workflows are constructed again and again.
_sources: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _source(step: Any) -> str:
    function = inspect.unwrap(getattr(step, "__func__", step))
    if function not in _sources:
        try:
            # In a notebook, IPython keeps the text of each cell where this finds it.
            _sources[function] = inspect.getsource(function)
        except (OSError, TypeError):
            _sources[function] = ""
    return _sources[function]


def _changed_members(
    kind: str, was: dict[str, Json], now: dict[str, Json], inside: Any
) -> list[str]:
    said = []
    for name in sorted(was.keys() | now.keys()):
        short = f"{kind} {name.rpartition('.')[2]}"
        if name not in now:
            said.append(f"{short} is gone")
        elif name not in was:
            said.append(f"{short} is new")
        else:
            said += [f"{short} {what}" for what in inside(was[name], now[name])]
    return said


def _step_changes(was: Json, now: Json) -> list[str]:
    said = []
    for member, verb in (("takes", "takes"), ("gives", "gives")):
        if was[member] != now[member]:
            said.append(f"{verb} {_names(now[member])}, before {_names(was[member])}")
    if was["workers"] != now["workers"]:
        said.append(f"has {now['workers']} workers, before {was['workers']}")
    return said


def _event_changes(was: Json, now: Json) -> list[str]:
    lost = [f"lost its field {name}" for name in sorted(was.keys() - now.keys())]
    got = [
        f"has a new field {name}: {now[name]}"
        for name in sorted(now.keys() - was.keys())
    ]
    other = [
        f"has {name}: {now[name]}, before {was[name]}"
        for name in sorted(was.keys() & now.keys())
        if was[name] != now[name]
    ]
    return lost + got + other


def _names(names: list[str]) -> str:
    return " and ".join(name.rpartition(".")[2] for name in names) or "nothing"
