"""Restart and Run All, in a real JupyterLab: it sends cell ids, nbclient does not."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, LabPage
from tests.notebook.test_run_again import LEDGER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=40_000)


def test_restart_and_run_all_does_nothing_twice(lab: Lab, browser: LabPage) -> None:
    folder = lab.notebook(
        "again",
        [
            "%load_ext durable_notebook",
            LEDGER,
            "count = %durable_run Count",
            "slow = %durable_run Slow",
            "order = %durable_run Order qty=1",
        ],
    )
    browser.open(lab, "again/again.ipynb")
    browser.run(0, 1, 2, 3, 4)
    count, slow, order = (browser.output(cell) for cell in (2, 3, 4))
    expect(count).to_contain_text("result: 'counted'")
    expect(slow).to_contain_text("1 completed step")
    expect(order.get_by_role("button", name="Send answer")).to_be_visible()

    # The front end ends the kernel properly, with a body in flight.
    restarted = browser.page.evaluate(
        "() => { window.jupyterapp.commands.execute('notebook:restart-run-all'); }"
    )
    assert restarted is None
    browser.page.locator(".jp-Dialog-button.jp-mod-accept").click()
    expect(count).to_contain_text("completed in an earlier session: 2 steps and")
    expect(slow).to_contain_text("resumed in session 2: no completed step runs again")
    (folder / "go").touch()
    expect(slow).to_contain_text("result: 'slowly'")
    passed = browser.output(1)
    expect(passed).to_contain_text("went on; the cell that runs it shows it")
    expect(passed).not_to_contain_text("%durable_answer")
    form = order.get_by_role("button", name="Send answer")
    expect(form).to_be_visible()
    browser.shoot("run_again_light")
    browser.theme("JupyterLab Dark")
    browser.shoot("run_again_dark")
    browser.theme("JupyterLab Light")
    # A required yes or no has no answer before one is chosen.
    order.get_by_role("radio", name="no").check()
    form.click()
    expect(order).to_contain_text("result: [1, False]")

    done = Counter((folder / "ledger.txt").read_text().splitlines())
    assert done == Counter(["count one", "count two", "slow one", "slow two"])
    assert browser.errors == []
