"""The notebook that is left: opened again without its kernel, and as a page of HTML."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage
from tests.browser.test_journeys import APPROVAL
from tests.browser.test_runs import BROKEN
from tests.browser.test_timeline import TRIP, UNTIL_PRICED

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

expect.set_options(timeout=40_000)

COUNTING = """
from durable_notebook import Progress

class Count(Workflow):
    @step
    async def count(self, ctx: Context, ev: StartEvent) -> StopEvent:
        print("counting <b>pages</b>")
        ctx.write_event_to_stream(Progress(done=3, total=10, label="pages"))
        await asyncio.sleep(3600)
        return StopEvent()
"""
BEGIN = """
client = run.client
for kind, name in ((Broken, "broken-1"), (Approval, "order-18")):
    await client.start(kind, run_id=name)
for _ in range(500):
    if (await client.run("broken-1").info()).status == "failed": break
    await asyncio.sleep(0.02)
"""
BEFORE = [
    "%load_ext durable_notebook",
    APPROVAL + BROKEN + TRIP + COUNTING,
    "run = %durable_run Trip --run-id trip-1" + UNTIL_PRICED,
    BEGIN,
]
# Each view, and what is to be read of it where nothing is alive.
VIEWS = {
    "run = %durable_run Approval --run-id order-17": [
        "Ship order 17 to Lisbon?",
        "%durable_answer order-17 amount=... by=...",
    ],
    "count = %durable_run Count --run-id count-1": [
        "3 of 10 (30%) · pages",
        "counting <b>pages</b>",
    ],
    "quick = %durable_run Quick --run-id quick-1\nawait quick": ["result: 'done'"],
    "%durable_timeline trip-1": ["trip-1", "The same as a table"],
    "%durable_graph trip-1": ["trip-1", "The same as text"],
    "%durable_inbox": ["2 questions wait", "%durable_answer order-18"],
    "%durable_runs": [
        "3 of 10 (30%) · pages",
        "tray <b>2</b> is empty",
        "waits for an answer: Verdict",
    ],
    "%durable_doctor": ["It waits for an answer", "A step is running"],
    "%durable_journal trip-1": ["no offer for <b>Porto</b>", "Priced(city='Lisbon'"],
    "count": ["Run('count-1') · Count · running"],
}
FIRST = len(BEFORE)
# The heights of what a picture would be too small to be read in.
PICTURES = {"%durable_timeline trip-1": 150, "%durable_graph trip-1": 400}


@pytest.fixture(scope="module")
def saved(lab: Lab, browser: LabPage) -> Path:
    """A notebook with each view, run and saved, whose kernel is gone."""
    folder = lab.notebook("saved", [*BEFORE, *VIEWS])
    browser.open(lab, "saved/saved.ipynb")
    last = FIRST + len(VIEWS) - 1
    browser.run(*range(last + 1))
    browser.finished(last)
    for place, said in enumerate(VIEWS.values()):
        # Alive, the text of a view may be elsewhere: its twin is there in any case.
        expect(browser.output(FIRST + place)).not_to_be_empty()
        assert said
    browser.command("docmanager:save")
    browser.page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
    )
    browser.command("kernelmenu:shutdown")
    return folder / "saved.ipynb"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def without_kernel(saved: Path, name: str) -> Path:
    """The notebook, from a machine whose kernels have other names."""
    found = read(saved)
    del found["metadata"]["language_info"]
    found["metadata"]["title"] = name  # A notebook is trusted for what is in it.
    found["metadata"]["kernelspec"] = {"name": "elsewhere", "display_name": "Elsewhere"}
    made = saved.parent / f"{name}.ipynb"
    made.write_text(json.dumps(found))
    return made


def check(
    output: Callable[[int], Locator], shoot: Callable[[Locator, str], None]
) -> None:
    """Each view is there as text or picture, and nothing in it is dead."""
    for place, (source, said) in enumerate(VIEWS.items()):
        found = output(FIRST + place)
        found.scroll_into_view_if_needed()
        for text in said:
            expect(found).to_contain_text(text)
        shown = found.inner_text()
        assert "oading widget" not in shown, source
        assert "Error displaying widget" not in shown, source
        assert "View(" not in shown, source
        dead = found.locator("button:visible, input:visible, select:visible")
        assert dead.count() == 0, source
        if source in PICTURES:
            seen = found.locator("svg:visible, img:visible")
            expect(seen).to_have_count(1)
            box = seen.bounding_box()
            assert box is not None
            assert box["height"] > PICTURES[source]
            assert "Leg(city='Lisbon'" not in shown, "the picture fell apart"
        shoot(found, source.partition("\n")[0].partition("%durable_")[2].split(" ")[0])


@pytest.mark.parametrize("is_trusted", [True, False], ids=["own", "foreign"])
def test_a_notebook_without_a_kernel_shows_what_was_there(
    saved: Path, lab: Lab, browser: LabPage, is_trusted: bool
) -> None:
    name = "own" if is_trusted else "foreign"
    made = without_kernel(saved, name)
    if is_trusted:
        lab.trust(made)

    browser.page.goto(f"{lab.url}/lab/tree/saved/{made.name}?reset")
    browser.page.locator(".jp-Dialog-button.jp-mod-reject").click()
    browser.page.wait_for_selector(".jp-Notebook .jp-Cell")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        shot = f"saved_{name}_{theme.lower()}"
        check(
            browser.output,
            lambda at, what, s=shot: browser.shoot_part(at, f"{s}_{what}"),
        )
    assert browser.errors == []


def test_a_new_kernel_knows_no_view_and_shows_what_was_there(
    saved: Path, lab: Lab, browser: LabPage
) -> None:
    browser.open(lab, "saved/saved.ipynb")

    check(browser.output, lambda at, what: browser.shoot_part(at, f"saved_new_{what}"))
    assert browser.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_of_html_shows_what_was_there(
    saved: Path, browser: LabPage, theme: str
) -> None:
    made = saved.with_name(f"{theme}.html")
    tool = str(Path(sys.executable).with_name("jupyter-nbconvert"))
    options = ["--to=html", f"--theme={theme}", f"--output={made.name}"]
    done = subprocess.run(
        [tool, *options, str(saved)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    chromium = browser.page.context.browser
    assert chromium is not None
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    # What nbconvert itself would load from elsewhere: nothing of ours needs it.
    page.route("http*://**", lambda route: route.abort())
    page.goto(made.as_uri())

    check(
        lambda place: page.locator(".jp-CodeCell").nth(place).locator(".jp-OutputArea"),
        lambda at, what: browser.shoot_part(at, f"html_{theme}_{what}"),
    )
    page.close()
