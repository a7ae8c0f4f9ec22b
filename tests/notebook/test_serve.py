"""`%durable_serve`, in a real kernel that is asked over HTTP."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

TOKEN = "a-token-of-some-length"


_clients: list[httpx.Client] = []


@pytest.fixture(autouse=True)
def _leaves_no_connection() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().close()


class Served:
    """What a kernel serves, asked from outside."""

    def __init__(self, shown: str) -> None:
        found = re.search(r"at (http://\S+)", shown)
        assert found is not None, shown
        self.url = found[1]
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        _clients.append(self.http)

    def start(self, name: str, run_id: str, **fields: Any) -> None:
        body = {"start_event": fields, "handler_id": run_id}
        reply = self.http.post(f"/workflows/{name}/run-nowait", json=body)
        assert reply.is_success, reply.text

    def handler(self, run_id: str) -> dict[str, Any]:
        return dict(self.http.get(f"/handlers/{run_id}").json())

    def until(self, wanted: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not wanted():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def until_asked(self, run_id: str) -> None:
        self.until(lambda: self.http.get(f"/runs/{run_id}").json().get("prompts"))

    def answer(self, run_id: str, ok: bool = True) -> None:
        event = {"type": "Answer", "value": {"ok": ok}}
        reply = self.http.post(f"/events/{run_id}", json={"event": event})
        assert reply.is_success, reply.text

    def result(self, run_id: str) -> Any:
        self.until(lambda: self.handler(run_id)["status"] != "running")
        return self.handler(run_id)["result"]["value"]["result"]

    def is_up(self) -> bool:
        try:
            return self.http.get("/health").is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def served(notebook: Kernel) -> Served:
    return Served(notebook.run("%durable_serve Order"))


# -- one journal -----------------------------------------------------------------------


def test_a_run_of_the_notebook_is_seen_watched_and_answered_over_http(
    notebook: Kernel, served: Served
) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=3")
    served.until_asked("a")
    listed = served.http.get("/handlers").json()["handlers"]
    served.answer("a")
    result = notebook.run("print(await run)")
    events = served.http.get("/events/a?after_sequence=-1").text

    assert [(h["handler_id"], h["workflow_name"]) for h in listed] == [("a", "Order")]
    assert "[3, True]" in result
    assert "3 tea?" in events
    assert "StopEvent" in events


def test_a_run_begun_over_http_is_in_the_notebook_and_asks_there(
    notebook: Kernel, served: Served
) -> None:
    served.start("Order", "h", qty=5)
    served.until_asked("h")
    status = notebook.run("%durable_serve")
    runs = notebook.run("%durable_runs")
    shown = notebook.run("run = %durable_resume h")
    attached = notebook.run("again = %durable_run Order --run-id h")
    notebook.run("%durable_answer h ok=False")

    assert "h asks: %durable_resume h shows the form." in status
    assert re.search(r"\bh +Order +waiting", runs)
    assert "waits for an answer: Answer" in shown
    assert "attached to the run that is under way" in attached
    assert served.result("h") == [5, False]
    assert "[5, False]" in notebook.run("print(await run)")


def test_it_answers_while_a_cell_blocks_the_kernel(
    notebook: Kernel, served: Served, tmp_path: Path
) -> None:
    """And leaves the kernel its signals."""
    served.start("Order", "h", qty=5)
    served.until_asked("h")
    text = notebook.run(
        "import signal, urllib.request, json, time\n"
        "before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)\n"
        f"url = '{served.url}/runs/h'\n"
        "print(json.load(urllib.request.urlopen(url))['status'], before)"
    )

    assert "waiting" in text
    assert "uvicorn" not in text
    assert "handle_exit" not in text


# -- what is served --------------------------------------------------------------------


def test_it_shows_a_link_and_a_line_for_a_shell(notebook: Kernel) -> None:
    text = notebook.run("%durable_serve Order")
    html = notebook.outputs()[-1].outputs[0].data["text/html"]
    url = Served(text).url

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert f"curl -X POST {url}/workflows/Order/run-nowait" in text
    assert '{"start_event": {"qty": 1}}' in text
    assert f'<a href="{url}/" target="_blank" rel="noopener">' in html
    assert "&#x27;{&quot;start_event&quot;" in html


def test_running_the_cell_again_serves_anew_at_the_same_address(
    notebook: Kernel, served: Served
) -> None:
    notebook.run("order = Order(timeout=None)")
    again = Served(notebook.run("%durable_serve Order order"))

    assert again.url == served.url
    assert again.http.get("/workflows").json()["workflows"] == ["Order", "order"]


def test_without_names_all_is_served_also_what_is_defined_later(
    notebook: Kernel,
) -> None:
    notebook.run(
        "class Needy(Workflow):\n"
        "    def __init__(self, needed): super().__init__()\n"
        "    @step\n"
        "    async def only(self, ev: StartEvent) -> StopEvent: return StopEvent()"
    )
    shown = notebook.run("%durable_serve")
    served = Served(shown)
    notebook.run(
        "class Later(Workflow):\n"
        "    @step\n"
        "    async def only(self, ev: StartEvent) -> StopEvent:\n"
        "        return StopEvent(result='later')"
    )
    reply = served.http.post("/workflows/Later/run")
    status = notebook.run("%durable_serve")

    assert "Needy is not served" in shown
    assert reply.json()["result"]["value"]["result"] == "later"
    assert f"Serving Order, Later at {served.url}" in status


def test_a_class_that_is_defined_again_is_served_to_new_runs(
    notebook: Kernel, served: Served
) -> None:
    served.start("Order", "old", qty=1)
    served.until_asked("old")
    said = notebook.run(DEFINITIONS.replace("ev.ok]", "ev.ok, 'new']"))
    served.start("Order", "new", qty=2)
    served.until_asked("new")
    for run_id in ("old", "new"):
        served.answer(run_id)

    assert said == ""
    assert served.result("old") == [1, True]
    assert served.result("new") == [2, True, "new"]


def test_serving_leaves_the_idle_timeout_as_it_was_set(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    notebook.run("%config DurableNotebook.idle_timeout = 0.05")
    served = Served(notebook.run("%durable_serve Order"))
    served.until_asked("a")
    text = notebook.run(
        "import asyncio\n"
        "for _ in range(1000):\n"
        "    if run.client.runtime.is_released('a'): break\n"
        "    await asyncio.sleep(0.01)\n"
        "print(run.client.runtime.is_released('a'))"
    )
    served.answer("a")

    assert text.strip() == "True"
    assert served.result("a") == [1, True]


# -- its end ---------------------------------------------------------------------------


def test_it_is_stopped_and_its_runs_go_on(notebook: Kernel, served: Served) -> None:
    served.start("Order", "h", qty=5)
    served.until_asked("h")
    said = notebook.run("%durable_serve --stop")
    again = notebook.run("%durable_serve --stop")
    notebook.run("run = %durable_resume h\n%durable_answer h ok=True")

    assert said.strip() == f"Stopped serving at {served.url}. Runs go on."
    assert again.strip() == "Nothing is served."
    assert not served.is_up()
    assert "[5, True]" in notebook.run("print(await run)")


@pytest.mark.parametrize(
    "line", ["%durable_restart", "%durable_connect", "%unload_ext durable_notebook"]
)
def test_it_stops_with_the_session(notebook: Kernel, served: Served, line: str) -> None:
    reader = served.http.stream("GET", "/events/h?after_sequence=-1")
    served.start("Order", "h", qty=5)
    with reader as reply:
        text = notebook.run(line)
        reply.read()

    assert "TRACEBACK" not in text
    assert not served.is_up()
    if "unload" not in line:
        assert "has stopped with the session" in text
        assert Served(notebook.run("%durable_serve Order")).is_up()


def test_it_ends_with_the_kernel_and_its_runs_go_on_in_the_next(
    tmp_path: Path,
) -> None:
    """Also those of an instance, which the server knows by its variable."""
    instance = "order = Order(timeout=None)"
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(f"{DEFINITIONS}\n{instance}")
        served = Served(first.run("%durable_serve Order order"))
        for name in ("Order", "order"):
            served.start(name, f"of-{name}", qty=4)
            served.until_asked(f"of-{name}")
    assert not served.is_up()

    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        defined = second.run(f"{DEFINITIONS}\n{instance}")
        results = [
            second.run(
                f"run = %durable_resume of-{name}\n"
                f"%durable_answer of-{name} ok=True\n"
                "print(await run)"
            )
            for name in ("Order", "order")
        ]

    assert defined.count("resumed by itself · 1 step ") == 2
    assert all("[4, True]" in result for result in results)


# -- who may ask, and mistakes ---------------------------------------------------------


def test_a_token_comes_from_the_environment(notebook: Kernel) -> None:
    notebook.run(f"import os; os.environ['SHOP_TOKEN'] = '{TOKEN}'")
    shown = notebook.run("%durable_serve Order --host 0.0.0.0 --token-env SHOP_TOKEN")
    served = Served(shown)
    known = {"authorization": f"Bearer {TOKEN}"}

    assert served.http.get("/workflows").status_code == 401
    assert served.http.get("/workflows", headers=known).is_success
    assert '-H "Authorization: Bearer $SHOP_TOKEN"' in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("%durable_serve Nope", "Run the cell that defines it. Defined: Order"),
        ("%durable_serve int", "int is no workflow of this notebook"),
        ("%durable_serve Order qty=1", "no fields"),
        ("%durable_serve Order --fast", "The options are: --port, --host"),
        ("%durable_serve Order --port x", "a number up to 65535"),
        ("%durable_serve Order --port {port}", "taken by another program"),
        ("%durable_serve Order --host 0.0.0.0", "$DURABLE_NOTEBOOK_TOKEN"),
        ("%durable_serve Order --token-env NONE", "$NONE is not set"),
        ("%durable_serve Order --origin *", "no exact origin"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_way_out(
    mistaken: Kernel, line: str, remedy: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = mistaken.run(line.replace("{port}", str(port)))

    assert text.startswith("UsageError:"), text
    assert remedy in text
    assert len(text.strip().splitlines()) == 1


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("mistakes")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def test_there_must_be_something_to_serve(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        text = notebook.run("%durable_serve")

    assert "Run the cell that defines one" in text
    assert not os.listdir(tmp_path)


def test_without_the_extra_it_names_the_command(notebook: Kernel) -> None:
    notebook.run("import sys; sys.modules['llama_agents'] = None")
    text = notebook.run("%durable_serve Order")

    assert text.startswith("UsageError:"), text
    assert "pip install 'durable-notebook[server]'" in text
