"""What a shell offers at the end of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_notebook.cli._main import COMMANDS

from .conftest import Cli
from .lives import asked, counted, on_a_file


def offered(cli: Cli, *words: str) -> list[str]:
    line = " ".join(("durable-notebook", *words))
    done = cli("completion", "bash", f"--line={line}")
    assert (done.status, done.err) == (0, "")
    return done.out.splitlines()


@on_a_file
def test_commands_and_their_options_are_offered(cli: Cli) -> None:
    assert set(offered(cli, "")) == {command.name for command in COMMANDS}
    assert offered(cli, "de") == ["delete"]
    assert offered(cli, "runs", "--") == ["--database", "--help", "--json", "--limit"]
    assert offered(cli, "fork", "r", "--po") == ["--position"]
    assert offered(cli, "serve", "orders:Order", "--to") == ["--token-file"]
    assert offered(cli, "nonsense", "") == []


def test_runs_are_offered_where_they_can_be_meant(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "ended")
    asked(journal_url, "open")

    assert offered(cli, "journal", "") == ["ended", "open"]
    assert offered(cli, "journal", "e") == ["ended"]
    assert offered(cli, "answer", "") == ["open"]
    assert offered(cli, "cancel", "--json", "") == ["open"]
    assert offered(cli, "journal", "open", "") == []
    assert offered(cli, "runs", "--limit", "") == []
    assert offered(cli, "trim", "") == []


def test_the_fields_of_an_answer_are_offered(cli: Cli, journal_url: str) -> None:
    asked(journal_url, "open")

    assert offered(cli, "answer", "open", "") == ["text="]
    assert offered(cli, "answer", "open", "text=Ada", "") == []
    assert offered(cli, "answer", "nobody", "") == []


@on_a_file
def test_the_journal_that_the_line_names_is_looked_at(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite"
    counted(url, "there")

    assert offered(cli, "journal", "--database", url, "") == ["there"]
    assert offered(cli, "journal", "") == []  # There is none yet.


@on_a_file
def test_an_id_that_looks_like_an_option_is_offered_behind_two_dashes(
    cli: Cli, journal_url: str
) -> None:
    counted(journal_url, "-a", "a")

    assert offered(cli, "journal", "") == ["a"]
    assert offered(cli, "journal", "--", "") == ["-a", "a"]
    assert offered(cli, "journal", "--", "-") == ["-a"]


@on_a_file
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_asks_for_it(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)

    assert done.status == 0
    assert f"durable-notebook completion {shell} --line=" in done.out
