"""Answers and cancellations from a process that executes nothing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from process_lives import live, reading, soon, until
from sample_workflows import Approving, Asking, Question
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import Json

from .conftest import Cli
from .lives import asked, change, counted


async def heard(runtime: DBOSRuntime) -> object:
    return await soon(Asking(runtime=runtime).run(run_id="a"))


def test_an_answer_to_a_run_that_nobody_executes_is_applied_by_its_next_life(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)

    done = cli("answer", "a", "text=Ada")

    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "Sent Answer(text='Ada') to run a. It is on disk, and applied when somebody "
        "goes on with the run.\n"
    )
    assert live(journal_url, heard) == "Ada"


def test_an_answer_as_json_says_what_was_sent(cli: Cli, journal_url: str) -> None:
    asked(journal_url)

    document = cli("answer", "a", "text=42", "--json").document

    assert document == {
        "run_id": "a",
        "prompt": 0,
        "sequence": 1,
        "event": {"name": "Answer", "fields": {"text": "42"}},
        "executor_id": None,
        "is_taken": False,
    }


@pytest.mark.parametrize("app", [[], ["--app", "sample_workflows"]])
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (["number=7"], "by: field required"),
        (["by=Ada", "number=7", "note=x"], "note: there is no such field"),
    ],
)
def test_a_wrong_answer_is_refused_before_it_is_sent(
    cli: Cli, journal_url: str, app: list[str], fields: list[str], problem: str
) -> None:
    asked(journal_url, kind=Approving)

    done = cli("answer", "a", *app, *fields)

    assert (done.status, done.out) == (1, "")
    assert f"Approval cannot be made: {problem}" in done.err
    assert done.err.count("\n") == 1
    assert cli("answer", "a", *app, "by=Ada").status == 0


def test_what_a_question_requires_need_not_be_given(cli: Cli, journal_url: str) -> None:
    asked(journal_url, kind=Approving)

    event = cli("answer", "a", "by=Ada", "--json").document["event"]

    assert event["fields"] == {"by": "Ada", "number": 7}


def test_a_number_of_a_question_is_told_if_there_is_none(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)
    counted(journal_url, "silent")

    never = cli("answer", "a", "--prompt", "7", "text=Ada")
    silent = cli("answer", "silent", "--prompt", "7", "text=Ada")

    assert never.status == silent.status == 1
    assert "never asked question 7: it has asked number 0 only" in never.err
    assert "'durable-notebook journal a'" in never.err
    assert "never asked question 7: it has asked none so far" in silent.err


async def _hear_one(runtime: DBOSRuntime) -> None:
    run = Two(runtime=runtime).run(run_id="two")
    await until(
        lambda: (last := runtime.store.last_entry("two")) and last.entry.prompts
    )
    await Client(runtime).answer("two", {"word": "a"}, prompt=0)
    await until(lambda: len(_open(runtime, "two")) == 1)
    del run


def _open(runtime: DBOSRuntime, run_id: str) -> list[Json]:
    last = runtime.store.last_entry(run_id)
    assert last is not None
    return last.entry.prompts


def test_a_question_that_is_open_no_more_was_answered(
    cli: Cli, journal_url: str
) -> None:
    live(journal_url, _hear_one)

    done = cli("answer", "two", "--prompt", "0", "word=b")

    assert done.status == 1
    assert "was answered before" in done.err


def test_the_first_answer_counts(cli: Cli, journal_url: str) -> None:
    asked(journal_url)
    cli("answer", "a", "text=Ada")

    again = cli("answer", "a", "text=Bob")

    assert again.status == 1
    assert "was answered before" in again.err
    assert "'durable-notebook journal a'" in again.err
    assert live(journal_url, heard) == "Ada"


def test_an_answer_with_its_module_is_checked_by_its_class(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)

    done = cli("answer", "a", "--app", "sample_workflows", "text=Ada")

    assert (done.status, done.err) == (0, "")
    assert live(journal_url, heard) == "Ada"


class Two(Workflow):
    """Asks two questions at once."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Question | None:
        ctx.write_event_to_stream(Question(text="one?"))
        return Question(text="two?")

    @step
    async def hear(self, ctx: Context, ev: HumanResponseEvent) -> StopEvent | None:
        said = [*(await ctx.store.get("said", [])), ev.get("word")]
        await ctx.store.set("said", said)
        return StopEvent(result=said) if len(said) == 2 else None


def test_one_of_several_questions_is_answered_by_its_number(
    cli: Cli, journal_url: str
) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Two(runtime=runtime).run(run_id="a")
        await until(
            lambda: (
                (last := runtime.store.last_entry("a")) and len(last.entry.prompts) == 2
            )
        )

    async def hear(runtime: DBOSRuntime) -> object:
        return await soon(Two(runtime=runtime).run(run_id="a"))

    live(journal_url, ask)

    assert cli("answer", "a", "--prompt", "1", "word=two").status == 0
    assert cli("answer", "a", "--prompt", "1", "word=again").status == 1
    assert cli("answer", "a", "--prompt", "7", "word=none").status == 1
    assert cli("answer", "a", "word=one").status == 0
    assert live(journal_url, hear) == ["two", "one"]


def test_a_run_that_has_ended_takes_no_answer(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")

    answer, cancel = cli("answer", "c", "text=x"), cli("cancel", "c")

    assert (answer.status, cancel.status) == (1, 1)
    assert "does not wait for an answer (it is completed)" in answer.err
    assert "has already ended (completed)" in cancel.err


def test_a_cancelled_run_ends_when_somebody_goes_on_with_it(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)

    done = cli("cancel", "a")
    document = cli("cancel", "a", "--json").document

    assert (done.status, done.err) == (0, "")
    assert "ends as cancelled when somebody goes on with it" in done.out
    assert document == {"run_id": "a", "sequence": 2, "executor_id": None}
    with pytest.raises(WorkflowCancelledByUser):
        live(journal_url, heard)


# -- modules -------------------------------------------------------------------------

BROKEN = "import no_such_module_of_ours\n"


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("broken_app", "broken_app could not be imported: ModuleNotFoundError: No"),
        ("not_there_at_all", "not_there_at_all could not be imported"),
        ("./orders.py", "--app orders."),
        ("math", "waits for Answer, and its journal does not say"),
    ],
)
def test_a_module_that_does_not_help_is_one_sentence(
    cli: Cli,
    journal_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    app: str,
    said: str,
) -> None:
    asked(journal_url)
    (tmp_path / "broken_app.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    if app == "math":
        monkeypatch.delitem(sys.modules, "sample_workflows")

    done = cli("answer", "a", "text=x", "--app", app)

    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_question_of_an_older_journal_needs_the_module(
    cli: Cli, journal_url: str, journal: Path
) -> None:
    """Until 0.1 a question did not record what its answer takes."""
    asked(journal_url)
    with reading(journal_url) as connection:
        rows = connection.execute(
            sa.text("SELECT function_id, output FROM operation_outputs")
        ).fetchall()
    for position, output in rows:
        older = re.sub(r',"schemas":\[.*?\]\}(?=\])', "}", output)
        change(
            journal_url,
            "UPDATE operation_outputs SET output = :o WHERE function_id=:p",
            o=older,
            p=position,
        )
    assert cli("runs", "--json").document["runs"][0]["prompts"][0]["schemas"] == [None]

    refused = cli("answer", "a", "text=Ada")
    assert refused.status == 1
    assert "(--app MODULE)" in refused.err
    assert cli("answer", "a", "text=Ada", "--app", "sample_workflows").status == 0
    assert live(journal_url, heard) == "Ada"
