"""Arguments that several commands take, and how their words are read."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_run(parser: ArgumentParser) -> None:
    """The run that a command is about."""
    parser.add_argument("run_id", metavar="RUN", help="its id, as 'runs' shows it")


def add_app(parser: ArgumentParser, *, required: bool) -> None:
    """The module that defines a workflow and its events."""
    parser.add_argument(
        "--app",
        metavar="MODULE[:WORKFLOW]",
        required=required,
        help="import this module, which defines the workflow and its events; of "
        "several, say which",
    )


def count(text: str) -> int:
    """A number that is not negative."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return int(text)


def port(text: str) -> int:
    """A port of this machine; 0 for any."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ArgumentTypeError(f"{text!r} is no port: write a number up to 65535")
    return int(text)


def seconds(text: str) -> float:
    """A time in seconds."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return float(text)


def age(text: str) -> timedelta:
    """A time as `7d`: a number and s, m, h, d or w."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time: write 30m, 12h, 7d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def field(text: str) -> tuple[str, str]:
    """A `name=value`."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ArgumentTypeError(f"{text!r} is no field: write name=value")
    return name.strip(), value
