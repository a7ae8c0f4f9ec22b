"""`%durable_check`: guesses are noted, and judged by the journal when the run ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook.kernel import Kernel
from tests.notebook.test_magics import wait_until

pytestmark = pytest.mark.kernel


def test_an_exercise_from_the_guess_to_the_verdict(
    notebook: Kernel, tmp_path: Path
) -> None:
    (tmp_path / "ledger.txt").write_text("paid\n")
    guess = "%%durable_check a --ledger ledger.txt\nprepare = 2\nledger_lines = {}"
    before = notebook.run(guess.format("..."))
    noted = notebook.run(guess.format("1"))
    notebook.run("%durable_restart a --at prepare --before")
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    waiting = notebook.run("%durable_check a --ledger ledger.txt")
    notebook.run("%durable_answer a ok=True\nawait run")
    right = notebook.run("%durable_check a --ledger ledger.txt")
    wrong = notebook.run("check = %durable_check a prepare=1 paid=2 finish=1\ncheck")
    is_right = notebook.run("print(check.is_right)")
    # With a kernel that has no class any more, steps are those on record.
    notebook.run("del Order")
    again = notebook.run("%durable_check a runs_again='prepare'")

    assert "Guess first, then look: ledger_lines" in before
    assert "There is no run a yet" in noted
    assert "it is waiting" in waiting
    assert "✓" not in waiting
    assert "All 2 right." in right
    assert "1 of 3 right" in wrong
    assert "✗ wrong: prepare = 1  prepare has 2 rows. Session 1 ended" in wrong
    assert "interrupted" in wrong
    assert "✗ wrong: paid = 2  The store has paid = 1" in wrong
    assert is_right.strip() == "False"
    assert "Right." in again


def test_mistakes_name_the_way_out_and_tab_what_there_is(notebook: Kernel) -> None:
    for cell, remedy in {
        "%durable_check": "Name the run",
        "%durable_check a": "Nothing is guessed yet",
        "%durable_check a charge=": "Write a Python expression",
        "%%durable_check a\ncharge == 2": "write name = value, and nothing else",
        "%%durable_check a\ncharge = = 2": "Line 1 is no guess",
        "%%durable_check a\ncharge = two": "NameError",
        "%durable_check a --file x": "The options are: --ledger",
    }.items():
        assert remedy in notebook.run(cell), cell

    def offered(line: str) -> list[str]:
        ours = {"prepare=", "finish=", "runs_again=", "paid=", "a"}
        return [m for m in notebook.complete(line) if m in ours or m[:2] == "--"]

    notebook.run("%durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    assert offered("%durable_check ") == ["a", "--ledger"]
    names = ["--ledger", "finish=", "prepare=", "runs_again="]
    assert sorted(offered("%durable_check a ")) == names
    assert "runs_again" in notebook.run(
        "print(get_ipython().find_line_magic('durable_check').__doc__)"
    )
