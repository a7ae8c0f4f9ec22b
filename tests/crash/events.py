"""What the workflows exchange, and what they wait for."""

from __future__ import annotations

from workflows.events import Event, HumanResponseEvent, InputRequiredEvent


class Seen(Event):
    """What every step streams."""

    what: str


class Question(InputRequiredEvent):
    about: str


class Answer(HumanResponseEvent):
    about: str
    text: str


class Item(Event):
    id: str


class Done(Event):
    id: str


def answer_to(about: str) -> Answer:
    """What the person at the keyboard answers."""
    return Answer(about=about, text=f"my {about}")


def model_s(given: str, number: int) -> float:
    """How long a model takes: not the same twice, and the same at every run."""
    return (1 + (5 * int(given[0]) + 3 * number) % 7) / 1000
