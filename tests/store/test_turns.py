"""Threads that write to one file do so in the order in which they came."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from durable_notebook.store import Turns


def until_waiting(turns: Turns, count: int) -> None:
    deadline = time.monotonic() + 10
    while turns.waiting != count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_turns_are_had_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns(patience_s=60.0)
    done: list[int] = []

    def work(number: int) -> None:
        turn = turns.take()
        done.append(number)
        turns.give_back(turn)

    with ThreadPoolExecutor(8) as threads:
        first = turns.take()
        for number in range(8):
            threads.submit(work, number)
            until_waiting(turns, number + 1)
        before = list(done)
        turns.give_back(first)

    assert before == []
    assert done == list(range(8))


def test_a_turn_that_does_not_end_is_taken_over() -> None:
    """Whoever had it may give it back after all, and takes nothing from others."""
    turns = Turns(patience_s=0.01)
    held_up = turns.take()

    second = turns.take()
    turns.give_back(second)
    turns.give_back(held_up)
    turns.give_back(turns.take())

    assert turns.waiting == 0
