"""Models made of the names of their fields, whatever aliases they have.

The journal has values by these names, and so have forms and magics: what an alias is
for, the data of others, is not here. The library's way takes only aliases inside of a
field, and none at all for the fields of an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from workflows.events import DictLikeModel, StopEvent

M = TypeVar("M", bound=BaseModel)


def made_by_name(kind: type[M], fields: Mapping[str, Any], error: ValidationError) -> M:
    """Make a model of fields by their names, where that is another thing than usual.

    Raises:
        ValidationError: Why it cannot be made: `error`, with which the usual way ended,
            if this one ends with no better one.
    """
    try:
        if not issubclass(kind, DictLikeModel):
            return kind.model_validate(fields, by_name=True, by_alias=False)
        if kind.__init__.__module__ != DictLikeModel.__module__:
            raise error  # It makes itself of something else.
        known = {n: v for n, v in fields.items() if n in kind.model_fields}
        made: Any = kind.__new__(kind)
        # Its own `__init__` has no way to say by which names.
        kind.__pydantic_validator__.validate_python(
            known, self_instance=made, by_name=True, by_alias=False
        )
        rest = {n: v for n, v in fields.items() if n not in known}
        if isinstance(made, StopEvent):
            made._result = rest.pop("result", None)
        made._data.update(rest)
    except ValidationError as e:
        # Who wrote a name that there is made a smaller mistake than one with no name.
        raise min(e, error, key=_missing) from None
    found: M = made
    return found


def _missing(error: ValidationError) -> int:
    return sum(each["type"] == "missing" for each in error.errors())
