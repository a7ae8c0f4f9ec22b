"""A command, or a call of the client, as it is typed in a cell: it must parse there."""

from __future__ import annotations

import shlex

import pytest

from durable_notebook.doctor._finding import Cause, Finding
from durable_notebook.notebook._cures import cures, in_cell, in_magics, magic
from durable_notebook.views import findings

OURS = "durable-notebook"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ((OURS, "fork", "a"), "%durable_fork a"),
        ((OURS, "resume", "a", "--app", "orders"), "%durable_resume a"),
        (
            (OURS, "reassign", "--from", "x", "--to=-y", "a"),
            "%durable_reassign a",
        ),
        ((OURS, "reassign", "a", "--from", "x", "--to", "y"), "%durable_reassign a"),
        ((OURS, "fork", "a", "--position", "0"), "%durable_fork --position 0 a"),
        (
            (OURS, "answer", "a", "ok=true", "by=...", "n=1", "speed=fast"),
            "%durable_answer a ok=True by=... n=1 speed='fast'",
        ),
        ((OURS, "cancel", "--", "--odd"), "%durable_cancel -- --odd"),
        ((OURS, "cancel", "order 17"), "%durable_cancel 'order 17'"),
        ((OURS, "cancel", "qty=3"), "%durable_cancel 'qty=3'"),
        (("pip", "install", "dbos>=3"), "%pip install 'dbos>=3'"),
        (("fuser", "--verbose", "a b"), "!fuser --verbose 'a b'"),
    ],
)
def test_a_command_has_a_magic(command: tuple[str, ...], line: str) -> None:
    assert in_cell(command) == line


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("List with 'client.runs()'.", "List with %durable_runs."),
        ("Use 'client.cancel('a')', and", "Use %durable_cancel a, and"),
        ("use 'client.fork(\"o'k\")'.", "use %durable_fork 'o'\"'\"'k'."),
        ("use 'client.fork('a', ...)'.", "use %durable_fork a."),
        ("Read it with 'client.run('a').info()'.", "Read it with %durable_journal a."),
        ("Nothing of 'client.other()'.", "Nothing of 'client.other()'."),
    ],
)
def test_an_error_names_magics(said: str, typed: str) -> None:
    assert in_magics(said) == typed


@pytest.mark.parametrize("run_id", ["a", "o'k", "$(x)", "a b", "--x", "`id`", "#1"])
def test_an_id_is_one_word(run_id: str) -> None:
    words = shlex.split(magic("resume", run_id))

    assert words[-1] == run_id


def test_a_question_among_several_is_answered_in_its_form() -> None:
    command = (OURS, "answer", "a", "--prompt", "3", "ok=true")
    found = Finding(Cause.WAITING_FOR_ANSWER, "It waits.", "a", (command,))

    (cure,) = cures(found)

    assert (cure.line, cure.verb) == ("%durable_resume a", "answer")


def test_every_cause_has_a_title() -> None:
    assert findings.TITLES.keys() == set(Cause)


def test_hostile_text_is_harmless_and_bounded_in_a_report() -> None:
    said = "<img src=x onerror=alert(1)> \u202e\x1b[31m " + "x" * 1_000_000
    found = Finding(Cause.STOPPED, said, "a", evidence=("</script>" * 1000,) * 1000)

    markup = findings.html([found], [], lambda _: ["%durable_resume <a>"])
    text = findings.text([found], [], lambda _: [])

    assert "<img" not in markup
    assert "</script" not in markup
    assert "<a>" not in markup
    assert "\x1b" not in text + markup
    assert "\u202e" not in text + markup
    assert len(markup) < 300_000
