"""The published events of a run, out of the journal's trees."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from durable_notebook._model import Json
from durable_notebook.errors import UndefinedClassError
from durable_notebook.runtime.codec._codec import Codec

# What takes the place of an event that cannot be read, made of its tree.
Missing = Callable[[Json], Any]


def read_events(
    run_id: str, trees: list[Json], codec: Codec, missing: Missing | None
) -> Iterator[Any]:
    """The events of trees, with what `missing` makes of those that nobody can read.

    Raises:
        UndefinedClassError: There is one, and nothing takes its place.
    """
    for tree in trees:
        event: Any
        try:
            with naming_undefined(run_id, tree, codec):
                event = codec.read_event(tree)
        except (ValueError, UndefinedClassError):
            if missing is None:
                raise
            event = missing(tree)
        yield event


@contextlib.contextmanager
def naming_undefined(run_id: str, tree: Json, codec: Codec) -> Iterator[None]:
    """Say which class is missing, where a tree cannot be read without it."""
    try:
        yield
    except ValueError as e:
        name = codec.undefined(tree)
        if name is None:
            raise
        raise UndefinedClassError(run_id, name) from e
