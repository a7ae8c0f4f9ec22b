"""What the Tab key offers in the line of a magic: workflows, runs, fields, options.

It opens nothing, and what takes too long it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)
from workflows import Workflow
from workflows.events import StartEvent

from durable_notebook._model import RunInfo
from durable_notebook._schema import schema_of
from durable_notebook.course._facts import KINDS
from durable_notebook.errors import DurableNotebookError
from durable_notebook.notebook._cells import is_workflow, steps_of
from durable_notebook.notebook._workspace import DurableNotebook

T = TypeVar("T")

# Also behind a name: `run = %durable_run Ord`.
_LINE = re.compile(r"(?:[^%#'\"]*[=\s])?(%{0,2})(durable_\w+)\s+(.*)", re.DOTALL)

# How long Tab may take, and how many runs are looked at for it.
_PATIENCE_S = 1.0
_MOST_RUNS = 200


# Options whose word is no target.
_VALUED = ("--run-id", "--at", "--ledger")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands on the line before the cursor: the words, and the begun one."""

    magic: str
    is_cell: bool
    before: list[str]
    begun: str

    @classmethod
    def read(cls, line: str) -> Typed | None:
        """Read a line up to the cursor; None if it is not one of our magics."""
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        sign, magic, rest = match.groups()
        words = rest.split()
        begun = "" if not words or rest[-1].isspace() else words.pop()
        return cls(magic, sign == "%%", words, begun)

    @property
    def target(self) -> str | None:
        """The first word that is no option, no field, and no option's value."""
        words = self.before
        for i, word in enumerate(words):
            is_value = i > 0 and words[i - 1] in _VALUED
            if not (is_value or word.startswith("-") or "=" in word):
                return word
        return None


class Completer:
    """Answers the Tab key for the magics of a kernel."""

    def __init__(self, shell: Any, durable: DurableNotebook) -> None:
        self._shell = shell
        self._durable = durable

        # A matcher and not the hook `complete_command`, beside which IPython offers
        # every name that Python has.
        @context_matcher()
        def durable_matcher(context: CompletionContext) -> SimpleMatcherResult:
            found = self.complete(context.text_until_cursor, context.token)
            return {
                "completions": [SimpleCompletion(word) for word in found],
                "suppress": bool(found),
                "ordered": True,
            }

        self._matcher = durable_matcher
        self._magics: dict[str, tuple[Callable[[Typed], Iterable[str]], str]] = {
            "durable_run": (self._for_run, "--run-id --new"),
            "durable_answer": (self._for_answer, ""),
            "durable_resume": (self._unfinished, ""),
            "durable_runs": (_nothing, "--status --workflow --limit"),
            "durable_graph": (self._drawn, ""),
            "durable_cancel": (self._unfinished, ""),
            "durable_pause": (self._unfinished, ""),
            "durable_reassign": (self._unfinished, ""),
            "durable_fork": (self._runs, "--position --new-run-id"),
            "durable_delete": (self._runs, "--missing-ok"),
            "durable_rewind": (self._runs, "--position"),
            "durable_connect": (_nothing, "--postgres"),
            "durable_check": (self._for_check, "--ledger"),
            "durable_restart": (self._runs, "--at --before --after --kill"),
            "durable_serve": (
                self._workflows,
                "--port --host --token-env --origin --stop",
            ),
        }

    def register(self) -> None:
        """Have IPython ask this."""
        self._shell.Completer.custom_matchers.append(self._matcher)

    def unregister(self) -> None:
        """Have IPython ask it no more."""
        self._shell.Completer.custom_matchers.remove(self._matcher)

    def complete(self, line: str, token: str = "") -> list[str]:
        """What may stand at the end of a line, where IPython sees a token."""
        typed = Typed.read(line)
        # A field's value is Python, which others complete.
        if typed is None or typed.begun != token or "=" in typed.begun:
            return []
        return [word for word in self._offered(typed) if word.startswith(token)]

    def _offered(self, typed: Typed) -> list[str]:
        if typed.before and typed.before[-1] == "--run-id":
            return self._ids(lambda _: True)
        if typed.before and typed.before[-1] == "--at":
            return list(steps_of(self._durable.names))
        # A magic that is not listed takes a run.
        targets, options = self._magics.get(typed.magic, (self._runs, ""))
        found = [] if typed.begun.startswith("-") else list(targets(typed))
        return found + [name for name in options.split() if name not in typed.before]

    # -- workflows and fields ------------------------------------------------------

    def _for_run(self, typed: Typed) -> list[str]:
        if typed.is_cell:
            return []
        if typed.target is None:
            return self._workflows(typed)
        value = self._durable.names.get(typed.target)
        if not is_workflow(value):
            return []
        kind = value if isinstance(value, type) else type(value)
        return _fields(_start_fields(kind), typed)

    def _workflows(self, typed: Typed) -> list[str]:
        names = self._durable.names.items()
        defined = [key for key, value in names if key[0] != "_" and is_workflow(value)]
        return [name for name in defined if name not in typed.before]

    def _for_check(self, typed: Typed) -> list[str]:
        """Names that can be guessed; none of a run's store, which would tell of it."""
        if typed.target is None:
            return self._runs(typed)
        return (
            []
            if typed.is_cell
            else _fields([*KINDS, *steps_of(self._durable.names)], typed)
        )

    def _for_answer(self, typed: Typed) -> list[str]:
        if typed.target is None:
            return self._ids(lambda info: bool(info.prompts))
        info = self._ask(lambda client: client.read_info(typed.target))
        if info is None or not info.prompts:
            return []
        prompt = info.prompts[0]
        client = self._durable.session.client
        schemas = [
            schema_of(kind) for kind in client.answer_classes(info.workflow, prompt)
        ]
        fields: dict[str, Any] = {}
        for schema in [*schemas, *prompt.schemas]:
            fields |= (schema or {}).get("properties", {})
        names = [name for name in fields if name not in prompt.requirements]
        return _fields(names, typed)

    # -- runs ----------------------------------------------------------------------

    def _runs(self, typed: Typed) -> list[str]:
        return [] if typed.target else self._ids(lambda _: True)

    def _drawn(self, typed: Typed) -> list[str]:
        return [] if typed.target else self._workflows(typed) + self._runs(typed)

    def _unfinished(self, typed: Typed) -> list[str]:
        return [] if typed.target else self._ids(lambda info: not info.status.is_final)

    def _ids(self, is_fitting: Callable[[RunInfo], bool]) -> list[str]:
        """The runs that fit, newest first."""
        rows = self._ask(lambda client: client.runs(limit=_MOST_RUNS)) or []
        # An id with a space in it cannot be written on a line.
        return [r.run_id for r in rows if is_fitting(r) and " " not in r.run_id]

    def _ask(self, ask: Callable[[Any], Coroutine[Any, Any, T]]) -> T | None:
        if not self._durable.is_open:
            return None
        session = self._durable.session
        try:
            return session.call(ask(session.client), _PATIENCE_S)
        except (DurableNotebookError, TimeoutError):
            return None


def _start_fields(workflow: type[Workflow]) -> list[str]:
    """The fields of a start event. Nobody's instance is made for a Tab."""
    names: dict[str, None] = {}
    for attribute in dir(workflow):
        config = getattr(getattr(workflow, attribute, None), "_step_config", None)
        for kind in getattr(config, "accepted_events", ()):
            if isinstance(kind, type) and issubclass(kind, StartEvent):
                names |= dict.fromkeys(kind.model_fields)
    return list(names)


def _nothing(_: Typed) -> list[str]:
    return []


def _fields(names: Iterable[str], typed: Typed) -> list[str]:
    given = {word.partition("=")[0] for word in typed.before if "=" in word}
    return [f"{name}=" for name in names if name not in given and name[0] != "_"]
