"""A form for a question of a run, made from the fields of the event it expects."""

from __future__ import annotations

import datetime as dt
import enum
import types
from collections.abc import Callable
from html import escape
from typing import Any, Literal, Union, get_args, get_origin

import ipywidgets as w
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from workflows.events import Event

from durable_notebook._model import Prompt
from durable_notebook.errors import InvalidFieldsError

Send = Callable[[dict[str, Any]], None]

_WIDE = w.Layout(width="420px")
_LABEL = {"description_width": "120px"}


class Form:
    """Inputs, a button, and a place for what is wrong. Holds no truth of its own."""

    def __init__(self, prompt: Prompt, kind: type[Event], send: Send) -> None:
        self._kind = kind
        self._send = send
        self._fields = {
            name: _Field(name, info)
            for name, info in kind.model_fields.items()
            if name not in prompt.requirements
        }
        self._button = w.Button(description="Send answer", button_style="primary")
        self._button.on_click(self._clicked)
        self._said = w.HTML()
        rows = [row for field in self._fields.values() for row in field.rows()]
        self.widget = w.VBox(
            [
                w.HTML(_question(prompt)),
                *rows,
                w.HBox([self._button, self._said]),
            ],
            layout=w.Layout(padding="6px 0 6px 0"),
        )

    def refuse(self, problem: Exception) -> None:
        """Show what is wrong, beside the fields that it is about."""
        problems = {}
        if isinstance(problem, InvalidFieldsError):
            problems = dict(problem.problems)
        for name, field in self._fields.items():
            field.say(problems.pop(name, ""))
        rest = "; ".join(problems.values()) if problems else ""
        if not isinstance(problem, InvalidFieldsError):
            rest = str(problem)
        self._said.value = f'<span role="alert">{escape(rest)}</span>'
        self._button.disabled = False

    def _clicked(self, _: object) -> None:
        # Runs on the main thread or on a subshell: it only hands the answer over.
        self._button.disabled = True
        self._said.value = "sending …"
        self._send({name: field.value() for name, field in self._fields.items()})


def _question(prompt: Prompt) -> str:
    asked = prompt.asked
    texts = [] if asked is None else [str(v) for v in asked.fields.values() if v]
    text = " · ".join(texts) or "This run waits for an answer."
    return (
        f'<b>{escape(text)}</b> <span style="opacity:.65">run '
        f"{escape(prompt.run_id)} expects {escape(prompt.answer_name)}</span>"
    )


class _Field:
    """One field of the answer: a widget that fits its type, help, and a message."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        self._is_optional = not info.is_required()
        self._default = info.get_default(call_default_factory=True)
        if self._default is PydanticUndefined:
            self._default = None
        self.widget = _widget(_without_none(info.annotation), self._default)
        self.widget.description = info.title or name
        self.widget.style = _LABEL
        self.widget.layout = _WIDE
        self._problem = w.HTML()
        self._help = info.description or ""

    def rows(self) -> list[w.Widget]:
        help_text = w.HTML(f'<span style="opacity:.65">{escape(self._help)}</span>')
        return [w.HBox([self.widget, self._problem, help_text])]

    def say(self, problem: str) -> None:
        color = "var(--jp-error-color1, #cf222e)"
        self._problem.value = (
            f'<span role="alert" style="color:{color}">{escape(problem)}</span>'
        )

    def value(self) -> Any:
        value = self.widget.value
        # An untouched optional text is the default, not an empty text.
        if value == "" and self._is_optional:
            return self._default
        return value


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return rest[0] if rest else str
    return annotation


def _widget(kind: Any, default: Any) -> w.ValueWidget:
    if get_origin(kind) is Literal:
        return _choice([(str(v), v) for v in get_args(kind)], default)
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return _choice([(member.name, member) for member in kind], default)
        for base, make in _WIDGETS:
            if issubclass(kind, base):
                return make(default)
    return w.Text(value="" if default is None else str(default))


def _choice(options: list[tuple[str, Any]], default: Any) -> w.ValueWidget:
    values = [value for _, value in options]
    value = default if default in values else values[0]
    return w.Dropdown(options=options, value=value)


# bool before int, datetime before date: each is a subclass of the other.
_WIDGETS: tuple[tuple[type, Callable[[Any], w.ValueWidget]], ...] = (
    (bool, lambda v: w.Checkbox(value=bool(v))),
    (int, lambda v: w.IntText(value=v or 0)),
    (float, lambda v: w.FloatText(value=v or 0.0)),
    (dt.datetime, lambda v: w.NaiveDatetimePicker(value=v)),
    (dt.date, lambda v: w.DatePicker(value=v)),
)
