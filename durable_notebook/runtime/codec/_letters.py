"""Ticks as messages of the mailbox, with the secrets that they bring.

A pydantic `SecretStr` writes itself as stars. In an entry that is wanted; in a message
it would be all that the run ever gets. So a message holds the secret, and is emptied
once an entry has taken it.
"""

from __future__ import annotations

from pydantic import BaseModel, SecretBytes, SecretStr
from workflows.runtime.types.ticks import TickAddEvent, WorkflowTick

from durable_notebook._model import Json
from durable_notebook.operations._messages import SECRET
from durable_notebook.runtime.codec._codec import Codec


def message_tree(codec: Codec, tick: WorkflowTick) -> Json:
    """A tick as a message has it."""
    tree = codec.tick(tick)
    if isinstance(tick, TickAddEvent):
        event = tree["event"]
        told = _told(tick.event, event["value"])
        if told != event["value"]:
            tree = {**tree, "event": {**event, "value": told}, SECRET: True}
    return tree


def _told(value: object, tree: Json) -> Json:
    """The tree of a value with its secrets as they are."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode("utf-8", "replace")
    if isinstance(tree, dict):
        held = value if isinstance(value, dict) else _fields(value)
        return {k: _told(held[k], v) if k in held else v for k, v in tree.items()}
    if isinstance(tree, list) and isinstance(value, list | tuple):
        return [_told(*each) for each in zip(value, tree, strict=False)]
    return tree


def _fields(value: object) -> dict[str, object]:
    return dict(value.__dict__) if isinstance(value, BaseModel) else {}
