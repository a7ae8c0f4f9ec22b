"""The list of runs, in a real JupyterLab: few with their actions, and ten thousand."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage
from tests.browser.test_journeys import APPROVAL
from tests.many_runs import multiply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

expect.set_options(timeout=40_000)

BROKEN = """
class Broken(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError("tray <b>2</b> is empty")

class Long(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await asyncio.sleep(3600)
        return StopEvent()

class Quick(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result="done")
"""
HOSTILE = "<img src=x onerror=alert(1)>"
START = f"""
import time
run = %durable_run Quick --run-id quick-1
client = run.client
for kind, ids in ((Approval, ["order-17", {HOSTILE!r}, "order-19"]),
                  (Broken, ["broken-1"]), (Long, ["long-1"]), (Quick, ["quick-2"])):
    for run_id in ids:
        await client.start(kind, run_id=run_id)
for _ in range(500):
    runs = %durable_runs
    now = dict(zip(runs.run_id, runs.status))
    if now["order-19"] == "waiting" and now["broken-1"] == "failed": break
    time.sleep(0.02)
"""


def row(output: Locator, run_id: str) -> Locator:
    return output.locator(".dn-runs-row").filter(has_text=run_id)


def pause_and_resume(listed: Locator, browser: LabPage) -> None:
    row(listed, "long-1").click()
    detail = listed.locator(".dn-runs-detail")
    detail.get_by_role("button", name="Pause").click()
    expect(row(listed, "long-1").locator(".dn-badge")).to_have_text("paused")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot(f"runs_paused_{theme.lower()}")
    detail.get_by_role("button", name="Resume").click()
    expect(row(listed, "long-1").locator(".dn-badge")).to_have_text("running")


def test_runs_are_listed_and_acted_on(lab: Lab, browser: LabPage) -> None:
    lab.notebook(
        "runs",
        ["%load_ext durable_notebook", APPROVAL + BROKEN, START, "%durable_runs"],
    )
    browser.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser.open(lab, "runs/runs.ipynb")
    browser.run(0, 1, 2, 3)
    browser.finished(3)
    listed = browser.output(3)
    listed.scroll_into_view_if_needed()
    expect(listed.get_by_text("7 runs")).to_be_visible()
    expect(row(listed, "order-17")).to_contain_text("an answer: Verdict")
    expect(row(listed, "broken-1")).to_contain_text("tray <b>2</b> is empty")
    expect(row(listed, HOSTILE)).to_be_visible()
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        listed.scroll_into_view_if_needed()
        browser.shoot(f"runs_{theme.lower()}")

    # Chips and text choose; the counts are of what the text leaves.
    listed.get_by_role("button", name="waiting 3").click()
    expect(listed.get_by_text("3 of 7 runs")).to_be_visible()
    listed.get_by_role("searchbox").fill("order")
    expect(listed.get_by_text("2 of 7 runs")).to_be_visible()
    listed.get_by_role("searchbox").fill("")
    listed.get_by_role("button", name="waiting 3").click()

    # Answered below the list; the row says so by itself.
    row(listed, "order-17").get_by_role("button", name="Answer order-17").click()
    expect(listed.get_by_text("opened here")).to_be_visible()
    browser.shoot("runs_answer")
    listed.locator("input[type=number]").last.fill("12")
    listed.locator("input[type=text]").last.fill("Ana")
    listed.locator("input[type=text]").last.press("Tab")
    listed.get_by_role("button", name="Send answer").click()
    expect(row(listed, "order-17")).to_contain_text("completed")

    pause_and_resume(listed, browser)

    # Copied, forked, and deleted after a question in the row.
    row(listed, "broken-1").click()
    detail = listed.locator(".dn-runs-detail")
    detail.get_by_role("button", name="Copy code").click()
    expect(detail).to_contain_text("Copied.")
    copied = browser.page.evaluate("navigator.clipboard.readText()")
    assert copied == "run = %durable_resume broken-1\nawait run"
    detail.get_by_role("button", name="Fork").click()
    expect(detail).to_contain_text("begins where this one was")
    expect(listed.get_by_text("8 runs")).to_be_visible()
    detail.get_by_role("button", name="Delete").click()
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot(f"runs_delete_{theme.lower()}")
    listed.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(row(listed, "broken-1").filter(has_text="tray")).to_have_count(1)

    # Several at once; what has ended refuses in its row.
    for run_id in ("long-1", "quick-1"):
        row(listed, run_id).get_by_role("checkbox").check()
    listed.locator(".dn-runs-many").get_by_role("button", name="Cancel").click()
    listed.get_by_role("button", name="Cancel 2 runs").click()
    expect(row(listed, "long-1")).to_contain_text("cancelled")
    expect(row(listed, "quick-1").first).to_contain_text(
        "has already ended (completed)"
    )
    browser.shoot("runs_refused")
    assert browser.errors == []


def test_the_keyboard_reaches_everything(lab: Lab, browser: LabPage) -> None:
    page = browser.page
    listed = browser.output(3)
    listed.locator(".dn-runs-ground .dn-runs-row[tabindex='0']").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    focused = page.locator(".dn-runs-row:focus")
    expect(focused).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("Enter")
    expect(focused).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Space")
    expect(focused).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    expect(
        page.locator(".dn-runs-detail button:focus, .dn-runs-row button:focus")
    ).to_have_count(1)
    listed.get_by_role("button", name="run", exact=True).click()
    expect(listed.get_by_role("columnheader", name="run")).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert browser.errors == []


FRAMES = """(port) => new Promise((done) => {
  const times = [];
  let last = performance.now(), y = 0;
  const turn = (now) => {
    times.push(now - last); last = now;
    y += 900; port.scrollTop = y;
    if (times.length < 120) requestAnimationFrame(turn); else {
      times.sort((a, b) => a - b);
      done({ median: times[60], p95: times[113], worst: times[119], y: port.scrollTop,
             rows: port.querySelectorAll('.dn-runs-row').length });
    }
  };
  requestAnimationFrame(turn);
})"""


def test_ten_thousand_runs_stay_usable(
    lab: Lab, browser: LabPage, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lab.notebook(
        "many",
        [
            "%load_ext durable_notebook",
            APPROVAL + BROKEN,
            START,
            "%durable_runs",
            "import time, resource\n"
            "began = time.time(), time.process_time()\n"
            "await asyncio.sleep(8)\n"
            "share = (time.process_time() - began[1]) / (time.time() - began[0])\n"
            "print(f'SHARE {share:.3f}')",
            "r = await client.start(Approval, run_id='late')",
        ],
    )
    browser.open(lab, "many/many.ipynb")
    browser.run(0, 1, 2)
    browser.finished(2)
    multiply(
        folder / ".durable_notebook/journal.sqlite",
        ["quick-1", "quick-2", "broken-1"],
        9993,
    )

    began = time.monotonic()
    browser.run(3)
    listed = browser.output(3)
    expect(listed.get_by_text("10,000 runs", exact=True)).to_be_visible()
    shown = time.monotonic() - began
    listed.scroll_into_view_if_needed()
    port = listed.locator(".dn-runs-port")
    frames = port.evaluate(FRAMES)
    port.evaluate("port => { port.scrollTop = 0 }")
    began = time.monotonic()
    listed.get_by_role("searchbox").fill("copy-04242")
    expect(listed.get_by_text("1 of 10,000 runs")).to_be_visible()
    filtered = time.monotonic() - began
    listed.get_by_role("searchbox").fill("")
    browser.run(4)
    browser.finished(4)
    share = float(browser.output(4).inner_text().split()[-1])
    browser.run(5)
    began = time.monotonic()
    expect(row(listed, "late")).to_contain_text("an answer: Verdict")
    noticed = time.monotonic() - began
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        listed.scroll_into_view_if_needed()
        browser.shoot(f"runs_many_{theme.lower()}")

    with capsys.disabled():
        print(
            f"\n10,000 runs: shown in {shown:.1f} s; scrolling "
            f"{frames['median']:.0f} ms a frame (95%: {frames['p95']:.0f} ms), "
            f"{frames['rows']} rows in the page; "
            f"filtered in {filtered * 1000:.0f} ms; a new run seen in {noticed:.1f} s; "
            f"the idle kernel uses {share:.0%} of a core"
        )
    assert frames["rows"] < 60
    assert frames["y"] > 50_000
    # A browser without a graphics card, on a machine that others use too.
    assert frames["median"] < 200
    assert share < 0.2
    assert browser.errors == []


def test_two_notebooks_on_one_database_do_not_disturb_each_other(
    lab: Lab, browser: LabPage
) -> None:
    """Each has its own kernel and page; they see each other's runs, and refuse well."""
    url = f"sqlite:///{lab.root}/shared.sqlite"
    cells = [
        "%load_ext durable_notebook",
        f"%durable_connect {url}",
        APPROVAL,
        "run = %durable_run Approval --run-id {}",
        "%durable_runs",
    ]
    for name in ("left", "right"):
        lab.notebook(name, [cell.replace("{}", name) for cell in cells])
    browser.open(lab, "left/left.ipynb")
    browser.run(0, 1, 2, 3, 4)
    browser.finished(4)
    chromium = browser.page.context.browser
    assert chromium is not None
    size = {"width": 1400, "height": 1000}
    right = LabPage(chromium.new_page(viewport=size), browser.shots)
    right.page.set_default_timeout(60_000)
    right.page.goto(f"{lab.url}/lab/workspaces/right/tree/right/right.ipynb?reset")
    right.wait_idle()
    right.run(0, 1, 2, 3, 4)
    right.finished(4)

    # Each sees both; neither takes the other's.
    lists = [browser.output(4), right.output(4)]
    for listed in lists:
        expect(row(listed, "left")).to_contain_text("waiting")
        expect(row(listed, "right")).to_contain_text("waiting")

    # Who executes a run keeps it: deleting it elsewhere is refused in its row.
    row(lists[1], "left").click()
    detail = lists[1].locator(".dn-runs-detail")
    detail.get_by_role("button", name="Delete").click()
    detail.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(detail).to_contain_text("is executed by another live process")
    expect(detail).to_contain_text("Cancel it with %durable_cancel left")
    right.shoot("runs_refused_elsewhere")

    # Cancelled from the right, it ends on the left, and both say so.
    detail.get_by_role("button", name="Cancel").click()
    detail.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    for listed in lists:
        expect(row(listed, "left")).to_contain_text("cancelled")
        expect(row(listed, "right")).to_contain_text("waiting")

    # The other kernel dies: its run is taken over by a press.
    right.run(0)
    right.page.evaluate(
        "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
    )
    expect(row(lists[0], "right")).to_contain_text("interrupted")
    row(lists[0], "right").get_by_role("button", name="Go on here right").click()
    expect(row(lists[0], "right")).to_contain_text("waiting")
    browser.shoot("runs_taken")
    assert browser.errors == right.errors == []
    right.page.close()
