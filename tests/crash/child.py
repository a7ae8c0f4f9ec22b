"""What a process of a trial does: launch, run or go on, answer, write the outcome.

It runs in a fork of the forkserver and never returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workflows import Workflow
from workflows.events import Event
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook._config import Settings
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import DrainingError, RunFinishedError, StorageError
from durable_notebook.runtime import DBOSRuntime

from . import bodies, points
from .events import Question, answer_to
from .workflows import WORKFLOWS

RUN_ID = "r1"

Answers = Literal["on-disk", "at-once"]
Defined = Literal["before-launch", "after-launch"]


@dataclass(frozen=True, slots=True)
class Job:
    """One process of a trial.

    `answers` says when a question is answered: once the entry that asks it is on disk,
    from the list of open prompts; or at once when the stream shows it, as a script
    does. `defined` says when the workflow is constructed, `closes` that the runtime is
    closed by its `async with` whatever happens. `lease` are the terms of an executor's
    lease. The process is stopped, not killed, in its body number `stop_at`; its id is
    in the file `pid-N`. With an `idle_timeout_s` the run is released from memory when
    it waits.
    """

    workflow: str
    folder: str
    url: str
    process: int
    kill_at: int | None = None
    when: points.When = "before"
    ending: points.Ending = "kill"
    stop_at: int | None = None
    executor_id: str | None = None
    lease: dict[str, Any] | None = None
    closes: bool = False
    answers: Answers = "on-disk"
    defined: Defined = "before-launch"
    snapshot_every: int = 256
    idle_timeout_s: float | None = None
    deadline_s: float = 20.0
    only_launch: bool = False

    def path(self, name: str) -> Path:
        """A file of the trial."""
        return Path(self.folder) / name


# The exit codes of what asyncio.run raises when it is ended from outside.
INTERRUPTED, STOPPED = 130, 131

# And of a process that has let its bodies end.
DRAINED = 132


def main(job: Job) -> None:
    """Do the job in this process and end it: 0 done, 1 failed, 3 hung."""
    code = 1
    try:
        output = _appending(job.path(f"output-{job.process}"))
        os.dup2(output, 1)
        os.dup2(output, 2)
        bodies.open_log(job.path("bodies"), job.process)
        bodies.stop_at(job.stop_at)
        job.path(f"pid-{job.process}").write_text(str(os.getpid()))
        commits = _appending(job.path(f"commits-{job.process}"))
        where = points.Points(commits, job.kill_at, job.when, job.ending)
        points.install(where)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(int(job.deadline_s) + 10)
        code = asyncio.run(_in_time(job, where))
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    except DrainingError:
        code = DRAINED
    except RuntimeError as e:
        if "Event loop stopped" in str(e):
            code = STOPPED
        else:
            traceback.print_exc()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing is destroyed or closed: what the caller was told has to be on disk.
        os._exit(code)


def _appending(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


async def _in_time(job: Job, where: points.Points) -> int:
    where.main = asyncio.current_task()
    if job.ending in ("interrupt", "stop", "cancel"):
        # What is ended is what a script runs, with nothing around it.
        await _live(job, where)
        return 0
    work = asyncio.create_task(_live(job, where))
    done, _ = await asyncio.wait([work], timeout=job.deadline_s)
    if not done:
        print(f"It hangs. After {job.deadline_s:.0f} s these tasks wait:")
        for task in asyncio.all_tasks():
            task.print_stack(file=sys.stdout)
        return 3
    work.result()
    return 0


async def _live(job: Job, where: points.Points) -> None:
    runtime = DBOSRuntime(
        Settings(
            database_url=job.url,
            executor_id=job.executor_id,
            executor_lease=None if job.lease is None else LeaseTerms(**job.lease),
            snapshot_every=job.snapshot_every,
            idle_timeout_s=job.idle_timeout_s,
        )
    )
    ending: list[asyncio.Task[None]] = []
    where.drain = lambda: ending.append(asyncio.create_task(_drain(job, runtime)))
    kind = WORKFLOWS[job.workflow]
    workflow: Workflow | None = None
    if job.defined == "before-launch":
        workflow = kind(runtime=runtime, timeout=None)
    refused = _Refused(job, where)
    await refused.until_done(runtime.launch)
    if job.only_launch:
        return
    made = workflow or kind(runtime=runtime, timeout=None)
    async with runtime if job.closes else contextlib.nullcontext():
        await refused.until_done(lambda: _run(job, runtime, made, refused))


async def _run(
    job: Job, runtime: DBOSRuntime, workflow: Workflow, refused: _Refused
) -> None:
    handler = workflow.run(run_id=RUN_ID)
    answering = None
    if job.answers == "on-disk":
        answering = asyncio.create_task(_answer_prompts(runtime, refused))
    stream = []
    try:
        async for event in handler.stream_events():
            stream.append(_plain(event))
            if job.answers == "at-once" and isinstance(event, Question):
                await _answer(runtime, event.about, event.about, refused)
        try:
            result = await handler
        except LookupError as e:
            result = f"{type(e).__name__}: {e.args[0]}"
    finally:
        if answering is not None:
            answering.cancel()
    outcome = {"result": result, "stream": stream}
    job.path(f"outcome-{job.process}").write_text(json.dumps(outcome))


async def _drain(job: Job, runtime: DBOSRuntime) -> None:
    while not runtime.is_launched:
        await asyncio.sleep(0.001)
    cut = await runtime.drain(job.deadline_s)
    if cut:
        print(f"{cut} were cut")
    sys.stdout.flush()
    os._exit(DRAINED)


class _Refused:
    """What the database refuses is noted, the disk is given room, and it is repeated.

    Nobody but a process that is told to fill its disk is refused anything.
    """

    def __init__(self, job: Job, where: points.Points) -> None:
        self._is_expected = job.ending in ("full", "limit")
        self._file = job.path(f"refused-{job.process}")
        self._points = where

    async def until_done(self, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await do()
            except StorageError as e:
                if not self._is_expected:
                    raise
                self._points.free()
                bodies.next_life()
                with self._file.open("a") as file:
                    print(e, file=file)


async def _answer_prompts(runtime: DBOSRuntime, refused: _Refused) -> None:
    """Answer every open prompt of which an entry tells."""
    while runtime.is_launched:
        run = runtime.live(RUN_ID)
        prompts = run.prompts.tree() if run is not None and run.position else []
        if run is None and runtime.is_released(RUN_ID):
            recorded = runtime.store.last_entry(RUN_ID)
            prompts = [] if recorded is None else recorded.entry.prompts
        # A prompt that nothing can answer is an event that a body wrote itself.
        for prompt in prompts:
            if prompt["expects"]:
                fields = prompt["requirements"] or prompt["asked"]["value"]
                await _answer(runtime, fields["about"], prompt["number"], refused)
        # Not a wait with a timeout: a cancellation that meets that is lost.
        await asyncio.sleep(0.001)


async def _answer(
    runtime: DBOSRuntime, about: str, key: object, refused: _Refused
) -> None:
    tick = TickAddEvent(event=answer_to(about))

    async def post() -> None:
        # A replayed question may be one of a run that has ended in the meantime.
        with contextlib.suppress(RunFinishedError):
            await runtime.post(RUN_ID, tick, key=f"answer:{key}")

    await refused.until_done(post)


def _plain(event: Event) -> list[Any]:
    return [type(event).__name__, event.model_dump(mode="json")]
