"""Looking at a journal: it tells all, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from process_lives import live, reading, soon
from sample_workflows import Once

from durable_notebook import DBOSRuntime
from durable_notebook import cli as package
from durable_notebook.cli._main import COMMANDS
from durable_notebook.doctor._finding import Cause

from .conftest import Cli
from .lives import asked, counted, failed, interrupted, newer, on_a_file

RUN = {
    "run_id",
    "workflow",
    "status",
    "waits_for",
    "due",
    "progress",
    "steps",
    "size",
    "executor_id",
    "started",
    "updated",
    "error",
    "start_event",
    "prompts",
}
ATTEMPT = {
    "position",
    "step",
    "status",
    "attempt",
    "session",
    "started",
    "finished",
    "received",
    "returned",
    "store",
    "error",
    "code",
}


def test_the_runs_are_listed_with_what_they_wait_for(
    cli: Cli, journal_url: str
) -> None:
    counted(journal_url, "c")
    failed(journal_url)
    asked(journal_url)

    done = cli("runs")

    assert (done.status, done.err) == (0, "")
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert list(lines) == ["run", "a", "f", "c"]
    assert "completed" in lines["c"]
    assert "OutOfPaperError: tray 2 is empty" in lines["f"]
    assert "executor local (not alive)" in lines["a"]


def test_the_runs_as_json_are_one_document(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")
    asked(journal_url)

    document = cli("runs", "--json").document

    assert set(document) == {"database", "runs"}
    assert [run["run_id"] for run in document["runs"]] == ["a", "c"]
    assert all(set(run) == RUN for run in document["runs"])
    (prompt,) = document["runs"][0]["prompts"]
    assert prompt["asked"] == {"name": "Question", "fields": {"text": "name?"}}
    assert prompt["expects"] == ["sample_workflows.Answer"]
    assert prompt["schemas"][0]["required"] == ["text"]
    assert datetime.fromisoformat(prompt["since"]).tzinfo is not None
    assert cli("runs", "--limit", "1", "--json").document["runs"][0]["run_id"] == "a"


def test_an_empty_journal_has_no_runs(cli: Cli, journal_url: str) -> None:
    counted(journal_url)

    assert cli("runs").out == "No runs in this journal.\n"
    assert cli("runs", "--json").document["runs"] == []


def test_a_timeline_has_interrupted_steps_too(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)

    shown = cli("journal", "c")
    document = cli("journal", "c", "--json").document

    assert "Counter · run c · interrupted" in shown.out
    assert set(document) == {"run", "attempts"}
    assert all(set(row) == ATTEMPT for row in document["attempts"])
    steps = [(row["step"], row["status"]) for row in document["attempts"]]
    assert steps == [
        ("start", "completed"),
        *[("increment", "completed")] * 3,
        ("increment", "interrupted"),
    ]


def test_looking_changes_nothing(cli: Cli, journal_url: str) -> None:
    asked(journal_url)
    interrupted(journal_url)
    before = tables(journal_url)

    for words in (["runs"], ["journal", "a"], ["doctor"], ["doctor", "c"]):
        assert cli(*words).status == 0
        assert cli(*words, "--json").status == 0

    assert tables(journal_url) == before


def tables(url: str) -> dict[str, list[object]]:
    with reading(url) as connection:
        names = sa.inspect(connection).get_table_names()
        return {
            name: list(connection.execute(sa.text(f'SELECT * FROM "{name}"')))
            for name in names
        }


LOADED = """
import sys
from durable_notebook.cli import main
assert main(["runs", "--json"]) == 0
assert main(["doctor"]) == 0
names = {"dbos", "workflows", "IPython", "ipykernel", "ipywidgets", "pandas"}
print(*sorted(names & sys.modules.keys()), file=sys.stderr)
"""


def test_looking_loads_neither_dbos_nor_a_notebook(cli: Cli, journal_url: str) -> None:
    asked(journal_url)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED],
        env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stderr.strip() == ""


# -- which journal -------------------------------------------------------------------


def test_the_journal_below_the_folder_is_the_default(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".durable_notebook"
    counted(f"sqlite:///{folder}/journal.sqlite", "here")
    monkeypatch.delenv("DURABLE_NOTEBOOK_URL")
    monkeypatch.chdir(tmp_path)

    assert cli("runs", "--json").document["runs"][0]["run_id"] == "here"

    monkeypatch.chdir(folder)
    done = cli("runs")
    assert done.status == 1
    assert "There is no journal in this folder" in done.err
    assert "--database URL" in done.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "journal.sqlite",
        "journal.sqlite.local.lock",
    ]


def test_a_journal_that_is_named_comes_first(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite"
    counted(url, "there")

    document = cli("runs", "--json", "--database", url).document

    assert document["database"] == str(tmp_path / "other.sqlite")
    assert document["runs"][0]["run_id"] == "there"


@on_a_file
@pytest.mark.parametrize("command", ["runs", "doctor"])
def test_a_missing_journal_is_not_made(cli: Cli, journal: Path, command: str) -> None:
    done = cli(command)

    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"durable-notebook: There is no journal {journal}.")
    assert not journal.exists()


def test_a_newer_journal_is_refused(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")
    newer(journal_url)

    done = cli("runs")

    assert (done.status, done.out) == (1, "")
    assert "was written by a newer durable_notebook" in done.err
    assert done.err.count("\n") == 1


def test_an_unknown_run_is_one_sentence_with_a_command(
    cli: Cli, journal_url: str
) -> None:
    counted(journal_url)

    done = cli("journal", "nobody")

    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "durable-notebook: No run 'nobody' in this journal. List the known ones with "
        "'durable-notebook runs', and check the database URL.\n"
    )


# -- what a terminal gets ------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    cli: Cli, journal_url: str, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    interrupted(journal_url, "a-run-with-quite-a-long-name-that-goes-on-and-on")
    failed(journal_url)
    monkeypatch.setenv("COLUMNS", str(columns))

    shown = cli("runs").out + cli("journal", "f").out

    assert max(map(len, shown.splitlines())) <= columns
    assert "completed" not in shown
    assert "failed" in shown


HOSTILE = "\x1b[2J\u202eevil\nrun\x9b31m\u2066"


def test_nothing_in_a_value_acts_on_the_terminal(cli: Cli, journal_url: str) -> None:
    class Odd(Once):
        pass

    async def run(runtime: DBOSRuntime) -> None:
        workflow = Odd(runtime=runtime, workflow_name=f"x.{HOSTILE}")
        await soon(workflow.run(run_id="o", value=HOSTILE))

    live(journal_url, run)

    for words in (["runs"], ["journal", "o"], ["doctor", "o"]):
        done = cli(*words)
        assert done.status == 0
        assert all(line.isprintable() for line in done.out.splitlines())
        raw = cli(*words, "--json")
        assert raw.out.isascii()
        assert "\x1b" not in raw.out
    value = cli("journal", "o", "--json").document["attempts"][0]["received"]
    assert value["fields"] == {"value": HOSTILE}


def test_whoever_has_read_enough_is_not_complained_to(
    cli: Cli, journal_url: str, script: Path
) -> None:
    counted(journal_url, *(f"run-{n}" for n in range(3)))
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [script, "runs", "--json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


# -- help ----------------------------------------------------------------------------


@on_a_file
def test_every_command_has_help_with_an_example(cli: Cli) -> None:
    overview = cli("--help")
    for command in COMMANDS:
        done = cli(command.name, "--help")
        assert done.status == 0
        assert f"example:\n  durable-notebook {command.name}" in done.out
        assert ("--json" in done.out) is command.is_on_journal
        assert ("--database URL" in done.out) is command.is_on_journal
        assert command.summary in overview.out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["runs", "extra"],
        ["runs", "--limit", "-1"],
        ["journal"],
        ["trim"],
        ["trim", "--older-than", "soon"],
        ["answer", "a", "nonsense"],
        ["answer", "a", "--json", "nonsense"],
        ["answer", "a", "--bogus", "x=1"],
    ],
)
def test_a_command_line_that_cannot_be_read_is_a_usage(
    cli: Cli, journal_url: str, words: list[str]
) -> None:
    done = cli(*words)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: durable-notebook")


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version").out.startswith("durable-notebook 0.")


# -- what is documented ---------------------------------------------------------------


def test_the_readme_names_every_command_cause_and_key(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)
    text = Path(package.__file__).with_name("README.md").read_text("utf-8")
    rows = cli("journal", "a", "--json").document
    findings = cli("doctor", "--json").document
    (prompt,) = rows["run"]["prompts"]

    names = {f"`{cause}`" for cause in Cause}
    names |= {f"`{command.name}" for command in COMMANDS}
    for part in (rows, rows["run"], rows["attempts"][0], prompt, findings):
        names |= {f"`{key}`" for key in part}
    names |= {f"`{key}`" for key in findings["findings"][0]}

    assert {name for name in names if name not in text} == set()
