"""The installed `serve` over real HTTP: asked, stopped, killed, started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import Cli
from .lives import on_a_file

SHOP = """
import asyncio, pathlib
from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent
)

def note(what):
    with open("done.txt", "a") as done:
        print(what, file=done, flush=True)

class Review(InputRequiredEvent):
    question: str

class Verdict(HumanResponseEvent):
    by: str

class Packed(Event):
    pass

class Go(StartEvent):
    qty: int = Field(ge=2)
    value: str

class Order(Workflow):
    @step
    async def prepare(self, ev: StartEvent) -> Packed:
        note("prepare")
        return Packed()

    @step
    async def pack(self, ev: Packed) -> Review:
        note("pack begins")
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.01)
        note("pack ends")
        return Review(question="Send it?")

    @step
    async def send(self, ev: Verdict) -> StopEvent:
        note("send")
        return StopEvent(result=f"sent by {ev.by}")

class Count(Workflow):
    @step
    async def count(self, ev: Go) -> StopEvent:
        return StopEvent(result=ev.qty)

class Needy(Workflow):
    def __init__(self, needed, **options):
        super().__init__(**options)

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent()

ready = Order(timeout=None)
number = 7
"""

TOKEN = "a-token-of-some-length"
_WITHIN_S = 60.0


@dataclass(slots=True)
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    folder: Path
    told: list[str] = field(default_factory=list)
    url: str = ""

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.error()
        self.told.append(line)
        return line

    def error(self) -> str:
        return (self.folder / "err.txt").read_text()

    def rest(self) -> str:
        """What it still says, once it has ended."""
        out, _ = self.process.communicate(timeout=_WITHIN_S)
        return out

    def done(self) -> list[str]:
        """The side effects of the step bodies."""
        path = self.folder / "done.txt"
        return path.read_text().splitlines() if path.exists() else []

    def until(self, wanted: Callable[[], object]) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not wanted():
            assert self.process.poll() is None, self.error()
            assert time.monotonic() < deadline, self.error()
            time.sleep(0.01)

    def http(self, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=_WITHIN_S, trust_env=False
        )


Serve = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served_shop.py").write_text(SHOP)
    return tmp_path


@pytest.fixture
def serve(script: Path, journal_url: str, folder: Path) -> Serve:
    """Serves in a process of its own, which is killed with the block."""

    @contextmanager
    def serving(*words: str, port: int = 0, **variables: str) -> Iterator[Server]:
        with (folder / "err.txt").open("w") as err:
            process = subprocess.Popen(
                [script, "serve", *words, "--port", str(port)],
                cwd=folder,
                env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url, **variables},
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        found = Server(process, folder)
        try:
            first = found.read()
            is_json = "--json" in words
            found.url = json.loads(first)["url"] if is_json else first.split()[-1]
            yield found
        finally:
            process.kill()
            process.communicate()

    return serving


def handler(http: httpx.Client, run_id: str = "a") -> dict[str, Any]:
    return dict(http.get(f"/handlers/{run_id}").json())


def start(http: httpx.Client, route: str = "Order", run_id: str = "a") -> None:
    body = {"handler_id": run_id}
    reply = http.post(f"/workflows/{route}/run-nowait", json=body)
    assert reply.is_success, reply.text


def answer(server: Server, http: httpx.Client, run_id: str = "a") -> dict[str, Any]:
    """Answer the run once it asks; gives its handler when it has ended."""
    server.until(lambda: http.get(f"/runs/{run_id}").json()["prompts"])
    body = {"event": {"type": "Verdict", "value": {"by": "Ada"}}}
    assert http.post(f"/events/{run_id}", json=body).is_success
    server.until(lambda: handler(http, run_id)["status"] != "running")
    return handler(http, run_id)


# -- it starts and answers -------------------------------------------------------------


def test_it_says_where_it_is_and_answers(serve: Serve, folder: Path) -> None:
    (folder / "go").touch()
    with serve("served_shop:Order", "tally=served_shop:Count") as server:
        lines = [server.told[0], *(server.read() for _ in range(5))]
        with server.http() as http:
            names = http.get("/workflows").json()["workflows"]
            start(http)
            ended = answer(server, http)

    assert lines[0] == f"Serving Order, tally at {server.url}\n"
    assert lines[1].split() == ["page", f"{server.url}/"]
    assert f"curl -X POST {server.url}/workflows/Order/run-nowait\n" in lines[2]
    assert "/workflows/tally/run -H" in lines[3]
    assert f"curl -N '{server.url}/events/RUN?after_sequence=-1'" in lines[4]
    assert lines[5] == "Ctrl-C stops it.\n"
    assert names == ["Order", "tally"]
    assert ended["result"]["value"]["result"] == "sent by Ada"
    assert server.done() == ["prepare", "pack begins", "pack ends", "send"]
    assert server.error() == ""


@on_a_file
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("place", ["variable", "file"])
def test_the_line_for_curl_works_as_it_is_pasted(
    serve: Serve, folder: Path, place: str
) -> None:
    """With fields that the start event must have, and the token where it is kept."""
    (folder / "the token").write_text(f"{TOKEN}\n")
    variables = {"DURABLE_NOTEBOOK_TOKEN": TOKEN} if place == "variable" else {}
    words = ["--token-file", "the token"] if place == "file" else []
    with serve("served_shop:Count", *words, **variables) as server:
        told = "".join(server.read() for _ in range(3))
        line = next(at for at in told.splitlines() if "curl -X" in at)
        pasted = subprocess.run(
            ["bash", "-c", f"{line.partition('start')[2]} --silent --noproxy '*'"],
            cwd=folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=True,
        )

    assert json.loads(pasted.stdout)["result"]["value"]["result"] == 2
    assert TOKEN not in told


@on_a_file
def test_as_json_it_is_one_line(serve: Serve, folder: Path) -> None:
    with serve("served_shop:ready", "--json", "--executor-id", "e1") as server:
        server.process.send_signal(signal.SIGTERM)
        rest = server.rest()

    assert json.loads(server.told[0]) == {
        "url": server.url,
        "workflows": ["Order"],
        "executor_id": "e1",
        "unfinished": 0,
        "not_served": [],
    }
    assert (rest, server.error(), server.process.returncode) == ("", "", 0)


@on_a_file
def test_without_a_journal_one_is_made_in_this_folder(
    serve: Serve, folder: Path
) -> None:
    with (
        serve("served_shop:Order", DURABLE_NOTEBOOK_URL="") as server,
        server.http() as http,
    ):
        start(http)

    assert (folder / ".durable_notebook" / "journal.sqlite").exists()


# -- it stops, and goes on -------------------------------------------------------------


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_told_to_stop_in_mid_run_it_lets_the_step_end_and_none_is_done_twice(
    serve: Serve, folder: Path, told: signal.Signals
) -> None:
    with serve("served_shop:Order") as server, server.http() as http:
        start(http)
        server.until(lambda: "pack begins" in server.done())
        for _ in range(4):
            server.read()
        server.process.send_signal(told)
        said = server.read()
        (folder / "go").touch()
        rest = server.rest()

    assert said == "Stopping: steps in flight may end, within 20 s.\n"
    assert (rest, server.error(), server.process.returncode) == ("", "", 0)
    assert server.done() == ["prepare", "pack begins", "pack ends"]

    with serve("served_shop:Order") as server, server.http() as http:
        lines = [server.read() for _ in range(5)]
        ended = answer(server, http)

    assert lines[-2] == "1 unfinished run goes on.\n"
    assert ended["result"]["value"]["result"] == "sent by Ada"
    assert server.done() == ["prepare", "pack begins", "pack ends", "send"]


def test_killed_in_mid_run_it_goes_on_with_the_step_that_was_interrupted(
    serve: Serve, folder: Path
) -> None:
    with serve("served_shop:Order") as server, server.http() as http:
        start(http)
        server.until(lambda: "pack begins" in server.done())
        server.process.kill()
        server.process.wait()

    (folder / "go").touch()
    with serve("served_shop:Order") as server, server.http() as http:
        ended = answer(server, http)

    assert ended["result"]["value"]["result"] == "sent by Ada"
    done = ["prepare", "pack begins", "pack begins", "pack ends", "send"]
    assert server.done() == done


@on_a_file
def test_a_step_that_takes_too_long_is_cut_and_told_of(
    serve: Serve, folder: Path
) -> None:
    with (
        serve("served_shop:Order", "--drain-timeout", "0.1") as server,
        server.http() as http,
    ):
        start(http)
        server.until(lambda: "pack begins" in server.done())
        server.process.send_signal(signal.SIGTERM)
        server.rest()

    assert server.process.returncode == 0
    assert "in the middle of a step of run 'a'" in server.error()


@on_a_file
def test_the_log_is_one_json_object_a_line(
    serve: Serve, script: Path, folder: Path, journal_url: str
) -> None:
    shop = folder / "served_shop.py"
    loud = "\nimport logging, warnings\nlogging.getLogger('dbos').error('two\\nlines')"
    shop.write_text(SHOP + loud + "\nwarnings.warn('of the shop')\n")
    words = ("served_shop:Order", "--log-json", "--drain-timeout", "0.1")
    with serve(*words) as server, server.http() as http:
        second = subprocess.run(
            [script, "serve", *words, "--port", "0"],
            cwd=folder,
            env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url},
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
        start(http)
        server.until(lambda: "pack begins" in server.done())
        server.process.send_signal(signal.SIGTERM)
        server.rest()

    of_dbos, warning, cut = map(json.loads, server.error().splitlines())
    refused = json.loads(second.stderr.splitlines()[-1])
    assert server.process.returncode == 0
    assert (of_dbos["logger"], of_dbos["level"]) == ("dbos", "ERROR")
    assert of_dbos["message"] == "two\nlines"
    assert "of the shop" in warning["message"]
    assert (cut["level"], cut["executor_id"]) == ("WARNING", "local")
    assert "in the middle of a step of run 'a'" in cut["message"]
    assert datetime.fromisoformat(cut["at"]).utcoffset() == timedelta()
    assert (second.returncode, refused["level"]) == (1, "ERROR")
    assert "--executor-id ID" in refused["message"]


@on_a_file
def test_runs_of_what_is_not_served_are_told_of(serve: Serve, folder: Path) -> None:
    with serve("served_shop:Order") as server, server.http() as http:
        start(http)
        server.until(lambda: "pack begins" in server.done())

    with serve("served_shop:Count") as server:
        lines = [server.read() for _ in range(5)]

    assert (
        lines[-2] == "Unfinished runs of what is not served stay as they are: Order\n"
    )


@on_a_file
def test_a_run_that_a_script_began_under_the_class_goes_on(
    serve: Serve, folder: Path, journal_url: str
) -> None:
    script = (
        "import asyncio, sys, served_shop\n"
        "from durable_notebook import Client, DBOSRuntime\n"
        "async def main():\n"
        "    async with DBOSRuntime(database_url=sys.argv[1]) as runtime:\n"
        "        await Client(runtime).start(served_shop.Order, run_id='a')\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, journal_url]
    subprocess.run(command, cwd=folder, check=True, timeout=_WITHIN_S)
    (folder / "go").touch()

    with serve("served_shop:Order") as server, server.http() as http:
        ended = answer(server, http)

    assert ended["workflow_name"] == "Order"
    assert ended["result"]["value"]["result"] == "sent by Ada"


# -- who may ask -----------------------------------------------------------------------


@on_a_file
def test_who_has_no_token_is_refused(serve: Serve, folder: Path) -> None:
    (folder / "token").write_text(TOKEN)
    words = ["--host", "0.0.0.0", "--token-file", "token"]
    words += ["--origin", "https://app.example.org"]
    with serve("served_shop:Count", *words) as server:
        told = "".join(server.read() for _ in range(3))
        right = {"authorization": f"Bearer {TOKEN}"}
        asked: list[dict[str, str]] = [
            {},
            {"authorization": f"Bearer {TOKEN}x"},
            right,
            {**right, "origin": "https://evil.example"},
            {**right, "origin": "https://app.example.org"},
        ]
        found = []
        for headers in asked:
            with server.http(**headers) as http:
                found.append(http.get("/workflows").status_code)

    assert found == [401, 401, 200, 403, 200]
    assert server.url.startswith("http://127.0.0.1:")
    assert '-H "Authorization: Bearer $(cat token)"' in told


@on_a_file
def test_what_would_hurt_is_refused_and_others_are_answered(
    serve: Serve, folder: Path
) -> None:
    """A foreign page, 100 MB, a slow client, paths that try to leave."""
    with serve("served_shop:Count") as server, server.http() as http:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"POST /workflows/Count/run HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            foreign = http.post(
                "/workflows/Count/run", headers={"origin": "https://evil.example"}
            )
            head = f"POST /runs/a/answer HTTP/1.1\r\nHost: {host}\r\n"
            long = raw(host, port, f"{head}Content-Length: 104857600\r\n\r\n")
            odd = [
                raw(host, port, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
                for path in ("/../../etc/passwd", "/runs/..%2f..%2fetc", "/index.html")
            ]
            answered = http.get("/health").status_code

    assert foreign.status_code == 403
    assert long.startswith("HTTP/1.1 413 ")
    assert [reply.split()[1] for reply in odd] == ["404", "404", "404"]
    assert answered == 200


def raw(host: str, port: str, request: str) -> str:
    """What a request is answered that no client has mended."""
    with socket.create_connection((host, int(port)), timeout=_WITHIN_S) as sent:
        sent.sendall(request.encode())
        return sent.recv(1 << 16).decode()


# -- mistakes --------------------------------------------------------------------------


@on_a_file
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no_such_module:Order"], "No module named 'no_such_module'"),
        (["served_shop:Nope"], "It has Order, Count, Needy, ready."),
        (["served_shop"], "Name the workflow, as served_shop:WORKFLOW"),
        (["served_shop:number"], "Give a subclass of 'workflows.Workflow'"),
        (["served_shop:Needy"], "make the instance yourself"),
        (["served_shop.py:Order"], "as one imports it: served_shop."),
        (["served_shop:Order", "served_shop:ready"], "Order-2=served_shop:ready"),
        (["served_shop:Order", "--host", "0.0.0.0"], "$DURABLE_NOTEBOOK_TOKEN"),
        (["served_shop:Order", "--token-file", "none"], "No such file"),
        (["served_shop:Order", "--token-file", "served_shop.py"], "blanks in it"),
        (["served_shop:Order", "--origin", "*"], "'*' is no exact origin"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(
    cli: Cli,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.delitem(sys.modules, "served_shop", raising=False)

    done = cli("serve", *words, "--port", "0")

    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert done.err.startswith("durable-notebook: ")
    assert done.err.count("\n") == 1


@on_a_file
@pytest.mark.parametrize(
    "given", [["--token", TOKEN], [f"--token={TOKEN}"], ["--token"]]
)
def test_a_token_on_the_command_line_is_refused_and_not_repeated(
    cli: Cli, given: list[str]
) -> None:
    done = cli("serve", "served_shop:Order", *given)

    assert (done.status, done.out) == (2, "")
    assert "$DURABLE_NOTEBOOK_TOKEN" in done.err
    assert "--token-file" in done.err
    assert TOKEN not in done.err


@on_a_file
@pytest.mark.parametrize(
    "words",
    [["a/b=m:W"], ["m:W", "--port", "70000"], ["m:W", "--idle-timeout", "soon"], []],
)
def test_what_cannot_be_read_is_refused(cli: Cli, words: list[str]) -> None:
    done = cli("serve", *words)

    assert (done.status, done.out) == (2, "")


def test_a_port_or_an_executor_that_is_in_use_is_said(
    serve: Serve, script: Path, folder: Path, journal_url: str
) -> None:
    def second(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script, "serve", "served_shop:Order", *words],
            cwd=folder,
            env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url},
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )

    with serve("served_shop:Order") as server:
        port = server.url.rpartition(":")[2]
        taken = second("--port", port, "--executor-id", "other")
        in_use = second("--port", "0")

    assert (taken.returncode, in_use.returncode) == (1, 1)
    assert f"Port {port} of 127.0.0.1 is taken" in taken.stderr
    assert "--executor-id ID" in in_use.stderr
    assert taken.stderr.count("\n") == in_use.stderr.count("\n") == 1


def test_without_the_extra_it_names_the_command() -> None:
    program = (
        "import sys\n"
        "sys.modules['llama_agents'] = None\n"
        "from durable_notebook.cli import main\n"
        "sys.exit(main(['serve', 'shop:Order']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'durable-notebook[server]'" in done.stderr
    assert done.stderr.count("\n") == 1
