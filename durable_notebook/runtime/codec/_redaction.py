"""What must not be written to disk: the values of fields with certain names.

Masked are the values in events, in `ctx.store` and in results, wherever an entry, the
run's input or its outcome holds them. In memory they stay as they are; after a restart
the run finds the mask. A pydantic `SecretStr` masks itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from durable_notebook._model import Json

MASK = "**********"


class Redaction:
    """Masks by name. Of a value that is no text, an empty one of its kind is kept."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    def __bool__(self) -> bool:
        return bool(self._names)

    def tree(self, tree: Json) -> Json:
        """A copy with the named values masked; the tree itself if nothing is named."""
        if not self._names:
            return tree
        if isinstance(tree, list):
            return [self.tree(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if tree.get("__is") == "dict":
            # A mapping with keys that are no text: see `_serializer`.
            return {**tree, "value": [self._pair(*pair) for pair in tree["value"]]}
        return {
            name: _masked(value) if name in self._names else self.tree(value)
            for name, value in tree.items()
        }

    def _pair(self, key: Json, value: Json) -> list[Json]:
        is_named = isinstance(key, str) and key in self._names
        return [key, _masked(value) if is_named else self.tree(value)]

    def patch(self, operations: list[Json]) -> list[Json]:
        """The same of a JSON Patch, whose paths have names too."""
        if not self._names:
            return operations
        return [self._operation(operation) for operation in operations]

    def _operation(self, operation: Json) -> Json:
        names = [
            part.replace("~1", "/").replace("~0", "~")
            for part in operation["path"].split("/")
        ]
        if "value" not in operation:
            return operation
        value = operation["value"]
        is_named = not self._names.isdisjoint(names)
        return {**operation, "value": _masked(value) if is_named else self.tree(value)}


def _masked(value: Json) -> Json:
    if value is None:
        return None
    return MASK if isinstance(value, str) else type(value)()
