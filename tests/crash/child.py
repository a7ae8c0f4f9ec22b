"""What a process of a trial does: launch, run or go on, answer, write the outcome.

It runs in a fork of the forkserver and never returns.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflows.events import Event, InputRequiredEvent, InternalDispatchEvent
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook.runtime import DBOSRuntime

from . import bodies, points
from .workflows import WORKFLOWS, answer_to

RUN_ID = "r1"


@dataclass(frozen=True, slots=True)
class Job:
    """One process of a trial.

    `defined` is when the workflow is constructed, `answers` when its questions are
    answered: at once when the stream shows one, or when it is on disk. It ends
    without destroying the runtime: what it has told its caller has to be on disk.
    """

    workflow: str
    folder: str
    process: int
    kill_at: int | None = None
    when: points.When = "before"
    defined: str = "before launch"
    answers: str = "on disk"
    deadline_s: float = 20.0
    only_launch: bool = False

    def path(self, name: str) -> Path:
        """A file of the trial."""
        return Path(self.folder) / name


def main(job: Job) -> None:
    """Do the job in this process and end it: 0 done, 1 failed, 3 hung."""
    code = 1
    try:
        output = os.open(
            job.path(f"output-{job.process}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        )
        os.dup2(output, 1)
        os.dup2(output, 2)
        log = os.open(
            job.path(f"commits-{job.process}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        )
        bodies.open_log(job.path("bodies"), job.process)
        points.install(points.Points(log, job.kill_at, job.when))
        code = asyncio.run(_in_time(job))
    except BaseException:  # noqa: BLE001 - the border of the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _in_time(job: Job) -> int:
    work = asyncio.create_task(_live(job))
    done, _ = await asyncio.wait([work], timeout=job.deadline_s)
    if not done:
        for task in asyncio.all_tasks():
            task.print_stack(file=sys.stderr)
        os._exit(3)
    work.result()
    return 0


async def _live(job: Job) -> None:
    runtime = DBOSRuntime(database_url=f"sqlite:///{job.path('journal.sqlite')}")
    kind = WORKFLOWS[job.workflow]
    workflow = None
    if job.defined == "before launch":
        workflow = kind(runtime=runtime, timeout=None)
    await runtime.launch()
    if not job.only_launch:
        workflow = workflow or kind(runtime=runtime, timeout=None)
        handler = workflow.run(run_id=RUN_ID)
        answering = asyncio.create_task(_answer_recorded(runtime))
        stream = []
        async for event in handler.stream_events():
            stream.append(_plain(event))
            if job.answers == "at once" and isinstance(event, InputRequiredEvent):
                await _answer(runtime)
        result = await handler
        outcome = {"result": result, "stream": stream}
        job.path(f"outcome-{job.process}").write_text(json.dumps(outcome))


async def _answer_recorded(runtime: DBOSRuntime) -> None:
    """Answer every question after the entry that asks it is on disk."""
    while True:
        run = runtime.live(RUN_ID)
        if run is None:
            await asyncio.sleep(0.001)
            continue
        changed = run.changed
        if run.position > 0:
            await _answer(runtime)
        await changed.wait()


async def _answer(runtime: DBOSRuntime) -> None:
    run = runtime.live(RUN_ID)
    for prompt in [] if run is None else run.prompts.tree():
        tick = TickAddEvent(event=answer_to(prompt["asked"]["value"]["about"]))
        await runtime.post(RUN_ID, tick, key=f"answer:{prompt['number']}")


def _plain(event: Event) -> list[Any]:
    assert not isinstance(event, InternalDispatchEvent)
    return [type(event).__name__, event.model_dump(mode="json")]
