"""Exceptions as JSON: their type's name and their message, and back."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError
from workflows.events import UnreconstructedException

from durable_notebook._model import Json

_PLAIN = (str, int, float, bool, type(None))


def said(problem: Exception) -> str:
    """What an exception says, in one line; of data that do not fit, nothing of them."""
    if isinstance(problem, ValidationError):
        errors = problem.errors(include_url=False, include_input=False)
        return "; ".join(f"{e['loc'][-1]}: {e['msg'].lower()}" for e in errors)
    return " ".join(str(problem).split())


def written(error: BaseException) -> dict[str, Json]:
    """An exception as its type's name and its message."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    tree: dict[str, Json] = {"type": name, "message": str(error)}
    if error.args != (str(error),) and all(type(a) in _PLAIN for a in error.args):
        tree["args"] = list(error.args)
    return tree


def remade(tree: dict[str, Json], resolve: Callable[[str], type[Any]]) -> Exception:
    """The exception of a tree: of its own type wherever that can be made."""
    name, message = tree["type"], tree["message"]
    # The class is the user's, and so is what it may raise.
    with contextlib.suppress(Exception):
        module, _, attribute = name.rpartition(".")
        kind = (
            getattr(sys.modules["builtins"], attribute)
            if module == "builtins"
            else resolve(name)
        )
        if isinstance(kind, type) and issubclass(kind, Exception):
            return _saying(message, kind, tree.get("args"))
    return UnreconstructedException(message, original_type=name)


def _saying(message: str, kind: type[Exception], args: list[Json] | None) -> Exception:
    """An error of this class that says what it said when it was raised."""
    # Not through its constructor: many take something else than their args, and put
    # the message together from it a second time.
    error = kind.__new__(kind)
    for found in _possible_args(message, args):
        error.args = found
        if str(error) == message:
            return error
    raise ValueError(message)


def _possible_args(message: str, args: list[Json] | None) -> Iterator[tuple[Any, ...]]:
    if args is not None:
        yield tuple(args)
    yield (message,)
    if not message:
        yield ()
    # A KeyError says the repr of its key, and an error of several args that of them.
    with contextlib.suppress(ValueError, SyntaxError):
        value = ast.literal_eval(message)
        yield (value,)
        if isinstance(value, tuple):
            yield value
