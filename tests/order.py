"""What begins first, and what one of several processes runs as a whole.

What takes long begins first: in the end, one process would work and the others wait.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Two front ends beside each other leave no time for either, and each has to start.
_WHOLE = "tests/browser/"

_LONGEST = (
    _WHOLE,
    "tests/crash/",
    "tests/test_lessons.py",
    "tests/conformance/",
    "tests/faults/",
    "tests/notebook/",
    "tests/cli/",
    "tests/replicas/",
)


def longest_first(items: list[pytest.Item]) -> None:
    """Put tests into the order in which they run; those of a file stay together."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    places = [n for n, path in enumerate(_LONGEST) if nodeid.startswith(path)]
    return places[0] if places else len(_LONGEST)


class Scheduling(LoadFileScheduling):
    """A file of tests is run by one process, and a folder that is in need of it too."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        # Not by the number of tests, which says nothing of how long they take.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return _WHOLE if nodeid.startswith(_WHOLE) else super()._split_scope(nodeid)
