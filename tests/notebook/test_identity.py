"""Which run a cell means: the ids, without a kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import Field
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook.notebook._identity import (
    Asked,
    Cells,
    after,
    keeps_cell_ids,
    newest_of,
    short_name,
    values_of,
)

NOWHERE = Path("nowhere.ipynb")
VS_CODE = "vscode-notebook-cell:/work/a.ipynb#W{}sZmlsZQ%3D%3D"


class Go(StartEvent):
    qty: int = 1
    tags: set[str] = Field(default_factory=set)


class CounterWorkflow(Workflow):
    @step
    async def only(self, ev: Go) -> StopEvent:
        return StopEvent()


class Shell:
    """What a shell tells of the cell that runs."""

    def __init__(self) -> None:
        self.execution_count = 1
        self.parent: dict[str, Any] = {}

    def get_parent(self) -> dict[str, Any]:
        return self.parent

    def execute(self, cell_id: str | None) -> None:
        self.execution_count += 1
        metadata = {} if cell_id is None else {"cellId": cell_id}
        header = {"msg_id": f"m{self.execution_count}"}
        self.parent = {"header": header, "metadata": metadata}


def asked(text: str = "1", target: str | None = "CounterWorkflow") -> Asked:
    value = values_of(Go(qty=int(text)), ["qty"], ())
    return Asked(CounterWorkflow(), target, {"qty": text}, value)


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def ids(shell: Shell):
    cells = Cells(shell)

    def run_id(
        cell_id: str | None = "c1",
        what: Asked | None = None,
        *,
        notebook: str = "notebook-1",
    ) -> str:
        shell.execute(cell_id)
        return cells.run_id(notebook, NOWHERE, what or asked())

    return run_id


def test_an_id_is_short_readable_and_the_same_in_another_process(ids, shell) -> None:
    first = ids()

    assert first == Cells(shell).run_id("notebook-1", NOWHERE, asked())
    assert first.startswith("counter-")
    assert len(first) == len("counter-") + 8


def test_notebook_cell_fields_and_name_belong_to_an_id(ids) -> None:
    found = [
        ids(),
        ids("c2"),
        ids(what=asked("2")),
        ids(what=asked(target="other")),
        ids(notebook="notebook-2"),
    ]

    assert len(set(found)) == len(found)


def test_what_fields_come_to_counts_and_not_how_they_are_written(ids) -> None:
    n_is_one = Asked(CounterWorkflow(), "CounterWorkflow", {"qty": "n"}, {"qty": 1})

    assert ids(what=n_is_one) == ids()


def test_the_same_again_in_one_execution_is_another_run(ids, shell) -> None:
    cells = Cells(shell)
    shell.execute("c1")

    found = [cells.run_id("n", NOWHERE, asked(n)) for n in ("1", "1", "2", "1")]
    shell.execute("c1")
    again = [cells.run_id("n", NOWHERE, asked(n)) for n in ("2", "1", "1", "1")]

    assert found[1] == f"{found[0]}.2"
    assert found[3] == f"{found[0]}.3"
    # Those of other fields are not counted with them: in any order they are the same.
    assert set(found) == set(again)


def test_a_cell_without_an_id_is_what_it_says(ids) -> None:
    assert ids(None) == ids(None)
    assert ids(None) != ids(None, asked("2"))


def test_a_terminal_has_executions_too() -> None:
    terminal = SimpleNamespace(execution_count=1)
    cells = Cells(terminal)

    first = [cells.run_id("n", NOWHERE, asked()) for _ in range(2)]
    terminal.execution_count = 2
    again = cells.run_id("n", NOWHERE, asked())

    assert first == [again, f"{again}.2"]


def test_ids_of_vs_code_change_when_the_file_is_opened_again(shell) -> None:
    """They number the cells of an open notebook, in the order of their making."""

    def opened(*numbers: int) -> list[str]:
        cells = Cells(shell)
        found = []
        for number in numbers:
            shell.execute(VS_CODE.format(number))
            found.append(cells.run_id("n", NOWHERE, asked()))
        return found

    one, other, again = opened(2, 9, 2)

    assert one != other
    assert again == one
    assert opened(2, 3) == [one, other]


@pytest.mark.parametrize(("minor", "is_kept"), [(4, False), (5, True)])
def test_a_file_of_an_old_format_holds_no_cell_ids(
    tmp_path: Path, shell, minor: int, is_kept: bool
) -> None:
    path = tmp_path / "a.ipynb"
    cells = [{"cell_type": "markdown", "source": '"nbformat_minor": 5', "metadata": {}}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    path.write_text(json.dumps(content, indent=1))

    assert keeps_cell_ids(path) is is_kept
    # JupyterLab gives each cell another id when it opens such a file again.
    found = set()
    for cell_id in ("c1", "c2"):
        shell.execute(cell_id)
        found.add(Cells(shell).run_id("n", path, asked()))
    assert (len(found) == 1) is not is_kept


def test_a_file_that_cannot_be_read_is_taken_for_one_of_today(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}")

    assert keeps_cell_ids(tmp_path / "a.ipynb")
    assert keeps_cell_ids(tmp_path / "b.ipynb")
    assert keeps_cell_ids(tmp_path)


def test_a_set_and_a_secret_give_the_same_id_in_every_process() -> None:
    program = (
        "from tests.notebook.test_identity import Go, values_of\n"
        "event = Go(tags={'a', 'b', 'c', 'd'}, more={'x', 'y', 'z'}, key='s3cret')\n"
        "print(values_of(event, ['tags', 'more', 'key'], ['key']))\n"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(said) == 1
    assert "s3cret" not in said.pop()


def test_what_cannot_be_stored_is_left_to_the_start_to_refuse() -> None:
    assert values_of(Go(what=object()), ["what"], ()) is None


@pytest.mark.parametrize(
    ("taken", "newest", "following"),
    [
        ([], None, "a"),
        (["a"], "a", "a-2"),
        (["a", "a-2", "a-10", "a-x", "a-02"], "a-10", "a-11"),
        # The older ones were deleted.
        (["a-3"], "a-3", "a-4"),
        (["a-fork-2"], None, "a"),
    ],
)
def test_a_cell_means_the_newest_of_its_runs(
    taken: list[str], newest: str | None, following: str
) -> None:
    assert newest_of("a", taken) == newest
    assert after("a", taken) == following


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("CounterWorkflow", "counter"),
        ("HTTPFetch", "http-fetch"),
        ("Workflow", "workflow"),
        ("my_flow", "my-flow"),
        ("Größe", "größe"),
        ("_", "run"),
        ("A" * 60, "a" * 32),
    ],
)
def test_a_run_is_named_after_its_class(name: str, short: str) -> None:
    assert short_name(name) == short
