"""Each cause that the doctor knows, on the screen of a real JupyterLab, and its cure.

How each comes about is what `tests/notebook/test_doctor.py` does without a browser.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage
from tests.cli.lives import change, failed, interrupted
from tests.many_runs import multiply
from tests.notebook.conftest import DEFINITIONS
from tests.notebook.test_doctor import FULL, NEWER, START, WORKFLOWS, beside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

expect.set_options(timeout=40_000)

CHANGED = "class Changed" + WORKFLOWS.partition("class Changed")[2]
HELD = """
await client.start(Order, run_id="held", qty=1)
await client.pause("held")
for _ in range(500):
    causes = {run.info.run_id: [str(f.cause) for f in run.found]
              for run in await client.diagnose()}
    if "stopped" in causes["odd"] and "retry-later" in causes["retry"]: break
    await asyncio.sleep(0.02)
"""
CELLS = [
    "%load_ext durable_notebook",
    DEFINITIONS + WORKFLOWS,
    START + HELD,
    "del Gone\n" + CHANGED.replace("first", "other") + "\n%durable_restart",
    "%durable_doctor",
    "%config DurableNotebook.idle_timeout = 0",
    "%durable_fork --position 0 changed",
    FULL.replace("await client", "await run.client"),
    "%durable_doctor big",
    "sqlite3.connect = _connect\n%durable_restart",
    "from importlib import metadata\n_version = metadata.version\n"
    "metadata.version = lambda n: '9.0' if n == 'dbos' else _version(n)",
    "metadata.version = _version",
]
SAYS = {
    "gone": "Gone is not defined here. Run the cell",
    "changed": "Its workflow has changed",
    "theirs": "executor 'elsewhere', which is alive",
    "asks": "It waits for a person: Ask(question='1 tea?')",
    "times": "It stops waiting by itself",
    "retry": "Step only has failed (ValueError: tray 2 is empty)",
    "long": "Step only is running",
    "odd": "cannot store",
    "held": "It is paused",
    "dead": "'local' is not alive",
    NEWER: "A newer version has written it",
}


def section(report: Locator, run_id: str) -> Locator:
    head = report.page.locator("b", has_text=re.compile(f"^{run_id}$"))
    return report.locator(".dn-doctor section").filter(has=head)


def aside(work: object) -> None:
    """Call what runs a loop of its own: the browser's is in this thread."""
    assert callable(work)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)


def name_of(request: pytest.FixtureRequest) -> str:
    return "full" if "full" in request.function.__name__ else "causes"


@pytest.fixture
def journal(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Path]:
    """What other processes have left beside the notebook, and one that is there."""
    folder = lab.notebook(name_of(request), CELLS)
    path = folder / ".durable_notebook/journal.sqlite"
    path.parent.mkdir()
    url = f"sqlite:///{path}"
    aside(lambda: failed(url, "broken"))
    aside(lambda: interrupted(url, "dead"))
    # The one with an entry of a later version is the third copy.
    multiply(path, ["dead"], 3)
    for copy in ("copy-00000", "copy-00001"):
        change(url, "DELETE FROM workflow_status WHERE workflow_uuid = :id", id=copy)
    change(
        url,
        "UPDATE operation_outputs SET output = :entry "
        "WHERE workflow_uuid = :id AND function_id = 2",
        id=NEWER,
        entry='{"v": 99}',
    )
    with beside(url):
        yield path


def test_each_cause_is_on_the_screen_and_its_cure_helps(
    lab: Lab, browser: LabPage, journal: Path
) -> None:
    browser.open(lab, "causes/causes.ipynb")
    browser.page.set_viewport_size({"width": 1400, "height": 2600})
    browser.run(0, 1, 2, 3, 4)
    browser.finished(4)
    report = browser.output(4)
    for run_id, said in SAYS.items():
        expect(section(report, run_id)).to_contain_text(said)
    expect(section(report, "changed")).to_contain_text("first")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot_part(report, f"causes_{theme.lower()}")

    first = report.locator(".dn-doctor section").first

    # What a button cures.
    section(report, "held").get_by_role("button", name="Resume", exact=True).click()
    expect(section(report, "held")).to_contain_text("It waits for a person")
    section(report, "dead").get_by_role("button", name="Go on here", exact=True).click()
    expect(section(report, "dead")).to_contain_text(
        "It belongs to this notebook now. It waits for"
    )
    expect(section(report, "dead")).to_contain_text("Its definition is missing")
    browser.shoot_part(report, "causes_cured")

    # What a line cures: as it is shown, so it was typed.
    expect(section(report, "changed")).to_contain_text(CELLS[6])
    browser.run(6)
    browser.finished(6)
    expect(browser.output(6)).to_contain_text("forked from changed")

    browser.run(5)
    expect(section(report, "asks")).to_contain_text("It waits outside of memory")
    browser.shoot_part(section(report, "asks"), "causes_released")

    with closing(sqlite3.connect(journal, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        expect(report).to_contain_text("The database is locked")
        browser.shoot_part(first, "causes_locked")
        foreign.rollback()
    expect(report).not_to_contain_text("The database is locked")

    browser.run(10)
    expect(report).to_contain_text("This version of dbos was not tested")
    browser.shoot_part(first, "causes_untested")
    browser.run(11)
    expect(report).not_to_contain_text("This version of dbos was not tested")


def test_a_full_database_is_told_of_until_there_is_room(
    lab: Lab, browser: LabPage, journal: Path
) -> None:
    browser.open(lab, "full/full.ipynb")
    browser.run(0, 1, 2, 7, 8)
    browser.finished(8)
    report = browser.output(8)
    expect(report).to_contain_text("The database is full")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        report.scroll_into_view_if_needed()
        browser.shoot_part(report, f"causes_full_{theme.lower()}")

    # Still full: it says so again, and nothing is lost by trying.
    report.get_by_role("button", name="Resume", exact=True).click()
    expect(report).to_contain_text("It goes on.")
    expect(report).to_contain_text("The database is full")
    browser.run(9)
    browser.finished(9)
    expect(report).to_contain_text("It has ended: it is completed.")
    expect(report).not_to_contain_text("The database is full")
