"""A replica: a process that does what it is asked through a socket, a JSON line each.

It is a fork of one that has imported all, so that a restart takes no second: that one
forks for each line on its stdin, and tells which forks have ended. A SIGTERM drains a
replica; who has lost its lease ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workflows import Workflow
from workflows.events import Event

from durable_notebook import Client, DBOSRuntime
from durable_notebook.errors import RunFinishedError, StrandedRunError

from . import bodies
from .workflows import KINDS, answer_to

Reply = Callable[..., None]


class Replica:
    """A launched runtime, and what may be asked of it."""

    def __init__(self, runtime: DBOSRuntime, out: asyncio.StreamWriter) -> None:
        self._out = out
        self._runtime = runtime
        self._client = Client(runtime)
        self._kinds: dict[str, Workflow] = {
            name: kind(runtime=runtime, timeout=None) for name, kind in KINDS.items()
        }

    def say(self, **said: Any) -> None:
        """Say something to the driver, and wait for nothing."""
        self._out.write(f"{json.dumps(said)}\n".encode())

    async def answer(self, asked: dict[str, Any]) -> None:
        """Do what a line asks, and reply to it."""
        number, do = asked.pop("number"), asked.pop("do")

        def reply(**said: Any) -> None:
            self.say(number=number, **said)

        try:
            value = await getattr(self, f"do_{do}")(reply=reply, **asked)
        except Exception as e:
            reply(error=f"{type(e).__name__}: {e}")
        else:
            reply(value=value)

    async def do_start(self, *, reply: Reply, run: str) -> str:
        """Start a run, or find that it is there already."""
        try:
            kind = self._kinds[run.split("-", maxsplit=1)[0]]
            await self._client.start(kind, run_id=run, name=run)
        except StrandedRunError:
            pass  # Another replica has it, which is dead just now.
        return run

    async def do_questions(self, *, reply: Reply) -> list[list[str]]:
        """What all runs ask: of each question its run, and what it is about."""
        return [
            [run.run_id, prompt.asked.fields["about"]]
            for run in await self._client.runs()
            for prompt in run.prompts
            if prompt.asked is not None
        ]

    async def do_send(self, *, reply: Reply, run: str, about: str) -> bool:
        """Send an answer; acknowledged when it is on disk."""
        try:
            await self._runtime.send(run, answer_to(about), key=f"answer:{about}")
        except RunFinishedError:
            return False
        return True

    async def do_follow(self, *, reply: Reply, run: str, after: int) -> None:
        """Give a run's events from a number on, up to its end."""
        async for event in self._runtime.stream(run, after, is_exact=True):
            reply(event=_plain(event))

    async def do_result(self, *, reply: Reply, run: str) -> Any:
        """The result of a run."""
        return await self._client.run(run).result()

    async def do_unfinished(self, *, reply: Reply) -> list[list[str]]:
        """The runs that have not ended, each with how it stands."""
        runs = await self._client.runs()
        return [
            [run.run_id, f"{run.status} in {run.executor_id}, {run.waits_for}"]
            for run in runs
            if not run.status.is_final
        ]

    async def do_known(self, *, reply: Reply, run: str) -> str:
        """How this replica has a run, to find out why it stands still."""
        runs = self._runtime._opened.runs
        live, row = runs.live.get(run), self._runtime.store.run(run)
        assert row is not None
        entry = self._runtime.store.last_entry(run)
        cursor = entry.entry.cursor if entry else 0
        unread = [mail.sequence for mail in self._runtime.store.mail(run, cursor)]
        where = {
            "live": live and (live.inbox, live.position),
            "released": runs.idle.is_released(run),
            "undefined": run in runs.undefined,
            "claimed": run in runs._claimed,
            "waits": runs.line.is_waiting(run),
            "problem": runs.problems.get(run),
        }
        return f"{where}, cursor {cursor}, unread {unread}, row {row.dbos_status}"


def _plain(event: Event) -> list[Any]:
    return [type(event).__name__, event.model_dump(mode="json")]


async def _main(options: dict[str, Any]) -> int:
    lines, out = await asyncio.open_unix_connection(options.pop("socket"))
    bodies.open_log(Path(options.pop("log")))
    runtime = DBOSRuntime(**options)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    replica = Replica(runtime, out)
    replica.say(pid=os.getpid())
    await runtime.launch()
    replica.say(up=runtime.executor_id)
    if runtime.lease_lost_event is not None:
        lost = asyncio.create_task(runtime.lease_lost_event.wait())
        lost.add_done_callback(lambda _: end.set())
    serving = asyncio.create_task(_serve(lines, replica))
    await end.wait()
    cut = await runtime.drain(20.0)
    serving.cancel()
    await runtime.destroy()
    if cut:
        print(f"{cut} were cut", file=sys.stderr)
    return 1 if cut else 0


async def _serve(lines: asyncio.StreamReader, replica: Replica) -> None:
    open_work = set()
    while line := await lines.readline():
        task = asyncio.create_task(replica.answer(json.loads(line)))
        open_work.add(task)
        task.add_done_callback(open_work.discard)


def _live(options: dict[str, Any]) -> None:
    """Be a replica, in a fork, and never return."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(options.pop("output"), os.O_WRONLY | os.O_CREAT, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        code = asyncio.run(_main(options))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _reap(*_: object) -> None:
    """Tell which forks have ended, and how."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**said: Any) -> None:
    os.write(1, f"{json.dumps(said)}\n".encode())


def main() -> None:
    """Fork a replica for each line."""
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(json.loads(line))
        _tell(pid=pid)


if __name__ == "__main__":
    main()
