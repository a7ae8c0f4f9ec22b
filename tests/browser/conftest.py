"""One JupyterLab and one browser for all journeys: each takes ten seconds to start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM, Lab, LabPage, browse, serve


@pytest.fixture(scope="package")
def chromium() -> None:
    """Skip where there is none."""
    if CHROMIUM is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        # CI can install it, so there it is no excuse.
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="package")
def lab(chromium: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("lab") / "root"
    root.mkdir()
    with serve(root) as running:
        yield running


@pytest.fixture(scope="package")
def browser(
    chromium: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabPage]:
    kept = os.environ.get("DURABLE_NOTEBOOK_SHOTS")
    shots = Path(kept) if kept else tmp_path_factory.mktemp("shots")
    shots.mkdir(parents=True, exist_ok=True)
    with browse(shots) as page:
        yield page


@pytest.fixture(autouse=True, scope="module")
def no_kernels_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no kernels to the tests of the next file: they need the processor."""
    items = request.session.items
    own = [item for item in items if item.getparent(pytest.Module) is request.node]
    if not any("lab" in item.fixturenames for item in own):
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    browser: LabPage = request.getfixturevalue("browser")
    yield
    browser.page.goto("about:blank")
    lab.end_kernels()
