"""The user's module: imported for its workflows and the classes of its events."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from workflows import Workflow
from workflows.events import Event

from durable_notebook.cli._command import RefusalError
from durable_notebook.client._requests import instantiate, is_class_named
from durable_notebook.errors import NotAWorkflowError

_PROGRAM = "__main__"


@dataclass(frozen=True, slots=True)
class App:
    """An imported module, and which of its workflows is meant, if that was said."""

    module: ModuleType
    chosen: str | None

    def event_class(self, name: str) -> type[Event] | None:
        """The event class of a full name, if it is imported."""
        where, _, short = name.rpartition(".")
        found = getattr(sys.modules.get(where), short, None)
        is_event = isinstance(found, type) and issubclass(found, Event)
        return found if is_event else None

    def served(self) -> Workflow:
        """The workflow that was named, to be served.

        Raises:
            RefusalError: None was, there is none, or it cannot be made.
        """
        value = vars(self.module).get(self.chosen) if self.chosen else None
        if value is None or value is Workflow:
            values = vars(self.module).items()
            known = [name for name, each in values if self._is_own(each)]
            there = f"It has {', '.join(known)}." if known else "It defines none."
            asked = f"has no workflow {self.chosen!r}" if self.chosen else "is a module"
            raise RefusalError(
                f"{self.module.__name__} {asked}. Name the workflow, as "
                f"{self.module.__name__}:WORKFLOW. {there}"
            )
        try:
            return instantiate(value)
        except NotAWorkflowError as e:
            raise RefusalError(str(e)) from e

    def _is_own(self, value: object) -> bool:
        """Whether a value is a workflow that the module itself defines."""
        kind = value if isinstance(value, type) else type(value)
        is_own = kind.__module__ == self.module.__name__
        return is_own and issubclass(kind, Workflow)

    def workflow(self, name: str, origin: str | None) -> Workflow:
        """The workflow whose runs are recorded under a name.

        `origin` is the variable that held it where the run was started, if one did.

        Raises:
            RefusalError: The module has no such workflow, or it cannot be made.
        """
        for value in self._candidates(origin):
            if isinstance(value, Workflow) and value.workflow_name == name:
                return value
            if is_class_named(value, name) or self._is_chosen(value):
                try:
                    made = instantiate(value)
                except NotAWorkflowError as e:
                    raise RefusalError(str(e)) from e
                if made.workflow_name != name:
                    made._switch_workflow_name(name)
                return made
        raise RefusalError(
            f"{self.module.__name__} defines no workflow {name!r}. Name the module "
            "that defines it, or the workflow itself: --app MODULE:WORKFLOW."
        )

    def _candidates(self, origin: str | None) -> list[Any]:
        names = vars(self.module)
        if self.chosen is not None:
            if self.chosen not in names:
                raise RefusalError(
                    f"{self.module.__name__} has no {self.chosen}. Name a workflow of "
                    "it, or leave that out."
                )
            return [names[self.chosen]]
        first = [names[origin]] if origin in names else []
        return [*first, *names.values()]

    def _is_chosen(self, value: object) -> bool:
        """Whether a class was named, whose runs may have a name of their own."""
        is_class = isinstance(value, type) and issubclass(value, Workflow)
        return self.chosen is not None and is_class


def is_of_program(name: str) -> bool:
    """Whether a class was defined by the program itself, or by a notebook."""
    return name.startswith(f"{_PROGRAM}.")


def load(given: str, *, is_program: bool = False, option: str = "--app ") -> App:
    """Import `MODULE[:WORKFLOW]`, from the current folder too.

    `is_program` says that what it defines is recorded under the name that a module
    has where it is the program: `python order.py`.

    Raises:
        RefusalError: It cannot be imported.
    """
    name, _, chosen = given.partition(":")
    if name.endswith(".py") or "/" in name:
        raise RefusalError(
            f"{name!r} is a file. Name the module as one imports it: {option}"
            f"{name.removesuffix('.py').strip('./').replace('/', '.')}."
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(name)
    except Exception as e:  # Whatever the user's module does.
        said = " ".join(f"{type(e).__name__}: {e}".split())
        raise RefusalError(
            f"{name} could not be imported: {said}. Correct that, or go to the folder "
            "from which it can be imported."
        ) from e
    if is_program:
        _be_the_program(module)
    return App(module, chosen or None)


def _be_the_program(module: ModuleType) -> None:
    """Give what a module defines the names that it has where it is the program."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            value.__module__ = _PROGRAM
    sys.modules[_PROGRAM] = module
