"""The scripts and style sheets of live views: files of `static/`, offline.

A front end takes a view's script as one module, so files are joined here instead of
imported there.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def read(name: str) -> str:
    """A file of `static/`."""
    return resources.files(__package__).joinpath("static", name).read_text("utf-8")


def joined(*names: str) -> str:
    """Files of `static/`, one behind the other."""
    return "\n".join(map(read, names))
