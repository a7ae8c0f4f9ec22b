"""`%durable_runs`: a frame that shows itself as a live list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

BEGUN = """
import time
for n in range(2):
    run = get_ipython().run_line_magic("durable_run", f"Order --run-id o-{n} qty={n}")
    for _ in range(400):
        if (await run.info()).prompts: break
        time.sleep(0.02)
%durable_answer o-0 ok=True
result = await run.client.run("o-0").result()
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with a run that has completed and one that waits."""
    with kernel(tmp_path_factory.mktemp("listed")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        running.run(BEGUN)
        yield running


def test_it_is_a_frame_whose_selections_are_plain(listed: Kernel) -> None:
    text = listed.run(
        "import pandas as pd\n"
        "runs = %durable_runs\n"
        "done = runs[runs.status == 'completed']\n"
        "print(type(done) is pd.DataFrame, list(done.run_id))\n"
        "print(type(runs.df) is pd.DataFrame, list(runs.df.run_id), runs.df.shape)\n"
        "print(isinstance(runs, pd.DataFrame), runs.steps.sum())"
    )

    assert text.splitlines() == [
        "True ['o-0']",
        "True ['o-1', 'o-0'] (2, 9)",
        "True 3",
    ]


def test_the_list_is_in_the_saved_notebook_without_its_widget(listed: Kernel) -> None:
    text = listed.run("%durable_runs")

    outputs = listed.outputs()[-1].outputs
    twin = next(o.data for o in outputs if "dn-twin" in o.data.get("text/html", ""))
    assert "o-0" in text
    assert "waits for an answer: Answer" in twin["text/html"]
    assert "o-1" in twin["text/plain"]
    assert any("application/vnd.jupyter.widget-view+json" in o.data for o in outputs)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--status waiting", ["o-1"]),
        ("--status waiting,completed", ["o-1", "o-0"]),
        ("--limit 1", ["o-1"]),
        ("--status completed --limit 1", ["o-0"]),
        ("--workflow Order", ["o-1", "o-0"]),
        ("--workflow Nope", []),
    ],
)
def test_filters_choose_the_rows(
    listed: Kernel, line: str, expected: list[str]
) -> None:
    text = listed.run(f"found = %durable_runs {line}\nprint(list(found.run_id))")

    assert text.strip() == str(expected)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("--status lost", "The states are: running, waiting, "),
        ("--limit few", "takes a number of runs"),
        ("o-1", "Too many words"),
    ],
)
def test_a_filter_that_cannot_be_says_what_can(
    listed: Kernel, line: str, remedy: str
) -> None:
    text = listed.run(f"%durable_runs {line}")

    assert text.startswith("UsageError:")
    assert remedy in text
