"""The way of a run in Notebook 7: a page for each notebook, another shell around it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.lab import NOTEBOOK_7, Lab, LabPage, serve
from tests.browser.test_journeys import APPROVAL

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=40_000)

# Thrown by a script of Notebook itself: those of our views come from elsewhere.
ITS_OWN = re.compile(r".*\(reading 'schema'\)\n +at http://[^ ]+/static/notebook/")


@pytest.fixture(scope="module")
def notebook_7(
    chromium: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("notebook7") / "root"
    root.mkdir()
    with serve(root, NOTEBOOK_7) as running:
        yield running


def test_a_killed_run_is_answered_by_its_form(
    notebook_7: Lab, browser: LabPage
) -> None:
    """No run id is given: the notebook is known by its session."""
    notebook_7.notebook(
        "order",
        [
            "%load_ext durable_notebook",
            APPROVAL,
            "run = %durable_run Approval",
            "%durable_restart --kill",
            "%durable_runs",
        ],
    )
    browser.open(notebook_7, "order/order.ipynb")
    browser.run(0, 1, 2)
    panel = browser.output(2)
    expect(panel.get_by_role("button", name="Send answer")).to_be_visible()
    asked = panel.get_by_text("approval-").first.inner_text()

    browser.run(3)
    browser.page.locator(".jp-Dialog-button.jp-mod-accept").click()
    browser.wait_idle()
    # What is left of a live view whose kernel is gone says how to answer without it.
    expect(panel).to_contain_text("%durable_answer approval-")
    browser.run(0, 1, 2)
    expect(panel).to_contain_text("resumed in session 2")
    panel.locator("input[type=number]").fill("5")
    panel.locator("input[type=text]").fill("Bo")
    panel.locator("input[type=text]").press("Tab")
    panel.get_by_role("button", name="Send answer").click()
    expect(panel).to_contain_text("result: 'Bo said False at 5 euros by 01 December'")

    assert asked in panel.inner_text()
    browser.run(4)
    expect(browser.output(4)).to_contain_text("1 run")
    if "DURABLE_NOTEBOOK_SHOTS" in os.environ:
        for theme in ("Dark", "Light"):
            browser.theme(f"JupyterLab {theme}")
            browser.shoot(f"notebook7_{theme.lower()}")
    # Notebook's own, while it starts: it asks for the settings of a plug-in it has not.
    errors = [e for e in browser.errors if not ITS_OWN.match(e)]
    browser.errors.clear()
    assert errors == []
