"""A real JupyterLab or Notebook 7 on loopback, and a page of it in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import Error, Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# anywidget says so of a model that was not ready two seconds after it was made. Either
# the page was busy, and its view hears the kernel again, or the kernel has died
# meanwhile, and there is no view any more (`test_missed_messages.py`).
_GIVEN_UP = "[anywidget] Failed to initialize model."
_NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"
_IDLE = """() => {
  const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const k = w && w.sessionContext && w.sessionContext.session
    && w.sessionContext.session.kernel;
  return k && k.connectionStatus === 'connected' && k.status === 'idle';
}"""
_ANSWERS = """async () => {
  const w = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const k = w && w.sessionContext && w.sessionContext.session
    && w.sessionContext.session.kernel;
  if (!k || k.connectionStatus !== 'connected') return false;
  const late = new Promise(done => setTimeout(() => done(false), 2000));
  const answer = k.requestKernelInfo().then(reply => Boolean(reply), () => false);
  return Promise.race([answer, late]);
}"""


@dataclass(frozen=True)
class FrontEnd:
    """What tells JupyterLab and Notebook 7 apart from outside."""

    command: str
    app: str
    page: str


JUPYTERLAB = FrontEnd("lab", "LabApp", "lab/tree/{path}?reset")
NOTEBOOK_7 = FrontEnd("notebook", "JupyterNotebookApp", "notebooks/{path}")


@dataclass
class Lab:
    """A running server whose root is a folder of the test."""

    url: str
    root: Path
    front_end: FrontEnd = JUPYTERLAB

    def page(self, path: str) -> str:
        """Where a notebook is opened."""
        return f"{self.url}/{self.front_end.page.format(path=path)}"

    def notebook(self, name: str, cells: list[str]) -> Path:
        """Write a notebook into a folder of its own."""
        folder = self.root / name
        folder.mkdir()
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells]
        )
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(made, folder / f"{name}.ipynb")
        return folder

    def end_kernels(self) -> None:
        """End the kernels of all notebooks: each would look at its journal for ever."""
        sessions = f"{self.url}/api/sessions"
        with urllib.request.urlopen(sessions, timeout=20) as answer:
            ids = [each["id"] for each in json.load(answer)]
        for each in ids:
            request = urllib.request.Request(f"{sessions}/{each}", method="DELETE")
            urllib.request.urlopen(request, timeout=20).close()

    def trust(self, path: Path) -> None:
        """Sign a notebook as this server does one that was run in it."""
        notary = NotebookNotary(data_dir=str(self.root.parent / "jupyter/data"))
        notary.sign(nbformat.read(path, as_version=4))


@contextlib.contextmanager
def serve(root: Path, front_end: FrontEnd = JUPYTERLAB) -> Iterator[Lab]:
    """Start a front end without token and news, on a free port of loopback."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    home = root.parent / "jupyter"
    settings = home / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.disable_check_xsrf=True",
        f"--{front_end.app}.expose_app_in_browser=True",
    ]
    jupyter = str(Path(sys.executable).with_name("jupyter"))
    log = home / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [jupyter, front_end.command, *options],
            env=environment,
            stdout=out,
            stderr=out,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, log)
        yield Lab(url, root, front_end)
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/api/status", timeout=2).close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text()[-3000:])
        time.sleep(0.1)


@dataclass
class LabPage:
    """A notebook open in the browser."""

    page: Page
    shots: Path
    errors: list[str] = field(default_factory=list)
    models_given_up: int = 0

    def __post_init__(self) -> None:
        """Note what scripts of the page throw."""
        self.page.on("pageerror", self._note)

    def _note(self, error: Error) -> None:
        if _GIVEN_UP in str(error):
            self.models_given_up += 1
        else:
            self.errors.append(error.stack or str(error))

    def open(self, lab: Lab, path: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(lab.page(path))
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_selector(f"{_NOTEBOOK} .jp-Cell", timeout=60_000)
        # A kernel that was killed is called idle for a moment, and what it is asked
        # then is lost: it must have answered.
        self.page.wait_for_function(_ANSWERS, timeout=60_000)
        self.page.wait_for_function(_IDLE, timeout=60_000)

    def run(self, *cells: int) -> None:
        """Run cells, one behind the other, without waiting for them."""
        for cell in cells:
            self.page.evaluate(
                """i => {
                  const app = window.jupyterapp, w = app.shell.currentWidget;
                  w.content.activeCellIndex = i; w.content.deselectAll();
                  app.commands.execute('notebook:run-cell');
                }""",
                cell,
            )

    def finished(self, cell: int) -> None:
        """Wait until a cell has its number: it has run."""
        self.page.wait_for_function(
            """([q, i]) => {
              const p = document.querySelectorAll(q + ' .jp-Cell')[i]
                .querySelector('.jp-InputPrompt');
              return p && /\\[\\d+\\]/.test(p.innerText);
            }""",
            arg=[_NOTEBOOK, cell],
            timeout=60_000,
        )

    def output(self, cell: int) -> Locator:
        """The output area of a cell."""
        found = self.page.locator(f"{_NOTEBOOK} .jp-Cell").nth(cell)
        return found.locator(".jp-OutputArea").first

    def command(self, name: str) -> Any:
        """Run a command of JupyterLab and wait for it."""
        return self.page.evaluate(
            "name => window.jupyterapp.commands.execute(name)", name
        )

    def theme(self, name: str) -> None:
        """Change between 'JupyterLab Light' and 'JupyterLab Dark'."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute("
            "'apputils:change-theme', {theme})",
            name,
        )
        light = "true" if name.endswith("Light") else "false"
        self.page.wait_for_selector(
            f'body[data-jp-theme-light="{light}"]', state="attached"
        )
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def shoot(self, name: str) -> None:
        """Keep a picture, for eyes."""
        self.page.screenshot(path=self.shots / f"{name}.png")

    def shoot_part(self, part: Locator, name: str) -> None:
        """Keep a picture of a part of the page, for eyes."""
        part.screenshot(path=self.shots / f"{name}.png")


@contextlib.contextmanager
def browse(shots: Path) -> Iterator[LabPage]:
    """Open Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(60_000)
        try:
            yield LabPage(page, shots)
        finally:
            browser.close()
