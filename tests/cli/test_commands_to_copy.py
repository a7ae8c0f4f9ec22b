"""Commands that are shown to be copied, of ids that could be read as something else."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace

import pytest

from durable_notebook.cli._command import plainly, typed
from durable_notebook.cli._main import _parsed
from durable_notebook.doctor._finding import ours
from durable_notebook.errors import AlreadyAnsweredError, StrandedRunError

from .conftest import Cli
from .lives import asked, counted, failed, interrupted

ODD = ["-x", "--json", "my run", 'it\'s "$(x)"', "back\\slash"]

NOWHERE = Namespace(database=None)


def read(command: str) -> Namespace:
    """What the command line makes of a command that was shown."""
    name, *words = shlex.split(command)
    assert name == "durable-notebook"
    return _parsed(words)


@pytest.mark.parametrize("run_id", ODD)
def test_a_command_is_read_as_it_was_meant(run_id: str) -> None:
    named = Namespace(database="sqlite:///a.sqlite")
    answer = typed(named, *ours("answer", run_id, "by=-1", options={"prompt": "1"}))
    give = ours("reassign", run_id, options={"from": "-a", "to": run_id})

    read_back = read(answer)
    assert (read_back.run_id, read_back.prompt) == (run_id, 1)
    assert read_back.fields == [("by", "-1")]
    assert read_back.database == "sqlite:///a.sqlite"
    given = read(typed(NOWHERE, *give))
    assert given.run_ids == [run_id]
    assert (given.from_executor, given.to_executor) == ("-a", run_id)


@pytest.mark.parametrize("run_id", ODD)
@pytest.mark.parametrize("kind", [AlreadyAnsweredError, StrandedRunError])
def test_the_way_out_of_an_error_is_a_command(
    kind: type[AlreadyAnsweredError | StrandedRunError], run_id: str
) -> None:
    error = kind(*(run_id, "local")[: 1 + (kind is StrandedRunError)])
    said = plainly(str(error), NOWHERE)

    (command,) = re.findall(r"'(durable-notebook .*)'\.", said)
    assert read(command).run_id == run_id


def test_what_the_doctor_and_the_commands_show_can_be_copied(
    cli: Cli, journal_url: str
) -> None:
    failed(journal_url, "-failed")
    counted(journal_url, "-done")
    asked(journal_url, "-asks")
    interrupted(journal_url, "-cut")

    documents = [cli("doctor", "--json").document]
    documents.append(cli("doctor", "--json", "--", "-failed").document)
    findings = [found for document in documents for found in document["findings"]]
    shown = [command for found in findings for command in found["commands"]]
    said = cli("fork", "--new-run-id=-fork", "--", "-done").out
    said += cli("cancel", "--", "-asks").out
    shown += re.findall(r"'(durable-notebook .*)'\.", said)

    ids = set()
    for command in shown:
        args = read(command)
        ids |= {*getattr(args, "run_ids", ()), getattr(args, "run_id", None)} - {None}
    assert ids == {"-asks", "-cut", "-failed", "-fork"}
