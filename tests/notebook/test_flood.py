"""What is shown while a cell prints too much comes when it is over, and in order."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from durable_notebook.notebook._flood import Flood
from tests.notebook.kernel import kernel

MEGABYTE = 1_000_000


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flood(clock: Clock) -> Flood:
    return Flood(clock)


def subside(clock: Clock) -> None:
    """Let the time pass, and wait until all has been sent."""
    clock.at += 10
    for thread in threading.enumerate():
        if thread.name == "durable-flood":
            thread.join(10)
            assert not thread.is_alive()


def test_what_is_shown_comes_at_once_as_long_as_little_is_printed(
    flood: Flood, clock: Clock
) -> None:
    sent: list[int] = []

    for n in range(20):
        flood.printed(MEGABYTE // 3)
        clock.at += 1
        flood.send(lambda n=n: sent.append(n))  # type: ignore[misc]

    assert sent == list(range(20))


def test_it_waits_while_too_much_is_printed_and_comes_in_order(
    flood: Flood, clock: Clock
) -> None:
    sent: list[object] = []

    flood.printed(3 * MEGABYTE)
    for n in range(3):
        flood.send(lambda n=n: sent.append(n))  # type: ignore[misc]
        # Of a place only the last is of interest.
        flood.send(lambda n=n: sent.append(("place", n)), of="place")  # type: ignore[misc]
    assert sent == []
    subside(clock)
    assert sent == [0, 1, 2, ("place", 2)]

    flood.send(lambda: sent.append("later"))
    assert sent[-1] == "later"


def test_it_is_sent_at_the_end_of_a_cell_and_again(flood: Flood, clock: Clock) -> None:
    sent: list[str] = []

    flood.printed(3 * MEGABYTE)
    flood.send(lambda: sent.append("panel"))
    flood.cell_ended()
    assert sent == ["panel"]
    subside(clock)

    assert sent == ["panel", "panel"]


def test_what_is_sent_at_the_end_of_a_cell_does_not_come_behind_what_is_newer(
    flood: Flood, clock: Clock
) -> None:
    sent: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def send_slowly() -> None:
        begun.set()
        may_end.wait(10)
        sent.append("under way")

    flood.printed(3 * MEGABYTE)
    flood.send(send_slowly, of="panel")
    cell = threading.Thread(target=flood.cell_ended)
    cell.start()
    assert begun.wait(10)
    flood.send(lambda: sent.append("completed"), of="panel")
    clock.at += 10
    time.sleep(0.6)  # The flood is over, and looks more than once.
    assert sent == []
    may_end.set()
    cell.join(10)
    subside(clock)

    assert sent == ["under way", "completed"]


def test_one_that_fails_keeps_no_other(flood: Flood, clock: Clock) -> None:
    sent: list[str] = []

    def fail() -> None:
        raise RuntimeError("the view is gone")

    flood.printed(3 * MEGABYTE)
    flood.send(fail)
    flood.send(lambda: sent.append("panel"))
    subside(clock)
    flood.send(lambda: sent.append("later"))

    assert sent == ["panel", "later"]


@pytest.mark.kernel
def test_a_notebook_that_ends_with_such_a_cell_has_the_last_of_it(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path) as running:
        running.run("%load_ext durable_notebook")
        running.run("from durable_notebook.notebook._display import Slot")
        shown = running.run(
            "slot = Slot('first', 'first')\n"
            "print('x' * 3_000_000)\n"
            "slot.fill('last', 'last')\n"
        )

    assert "last" in shown
    assert "first" not in shown
