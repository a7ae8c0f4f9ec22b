"""Starts runs, answers their questions and follows their streams, whoever is up.

Beside it a plan is carried out, by which the replicas die. What a replica has
acknowledged is remembered, for the verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from durable_notebook.client._journal import Journal
from durable_notebook.errors import ReassignmentError

from .bodies import clock
from .plan import LEASE, Event, Plan
from .processes import Fate, GoneError, Nursery, Process, RefusedError

# How long a replica may take for anything: no test of speed.
WITHIN_S = 120.0

_LOOK_S = 0.05


class Driver:
    """Carries out a plan, and keeps what it has seen."""

    def __init__(self, plan: Plan, url: str, folder: Path, nursery: Nursery) -> None:
        self.plan = plan
        self._nursery = nursery
        self.fates: list[Fate] = []
        self.acknowledged: Counter[str] = Counter()
        self.streams: dict[str, list[Any]] = {}
        self.acts: Counter[str] = Counter()
        self.given = 0
        self.problems: list[str] = []
        self._url = url
        self._folder = folder
        self._chance = random.Random(plan.seed + 1)
        self._slots: list[Process | None] = [None, None]
        self._strays: list[Process] = []
        self._asked: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()

    @property
    def log(self) -> Path:
        """Where the bodies are logged."""
        return self._folder / "bodies"

    @property
    def outputs(self) -> str:
        """What the replicas have said on stderr."""
        return "\n".join(path.read_text() for path in self._folder.glob("output-*"))

    # -- the replicas --------------------------------------------------------------

    @asynccontextmanager
    async def replicas(self) -> AsyncIterator[None]:
        """Two of them, until the block ends."""
        try:
            for number in (0, 1):
                await self._launch(number)
            async with asyncio.timeout(WITHIN_S):
                for slot in self._slots:
                    assert slot is not None
                    await slot.is_up.wait()
            yield
        finally:
            for task in self._work:
                task.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)
            for process in (*self._slots, *self._strays):
                if process is not None:
                    process.go_on()
                    await process.kill()

    async def _launch(self, number: int) -> None:
        """Put a fresh process into a slot."""
        options: dict[str, Any] = {"log": str(self.log), "database_url": self._url}
        if self.plan.leased:
            options["executor_lease"] = LEASE
        else:
            options["executor_id"] = f"replica-{number}"
        # Some runs are out of memory while they wait: those of one of the two.
        if number == 1:
            options["idle_timeout"] = 0.2
        process = await self._nursery.launch(options)
        self.fates.append(process.fate)
        self._slots[number] = process

    def up(self) -> list[Process]:
        """The replicas that can be asked."""
        every = [*self._slots, *self._strays]
        return [each for each in every if each is not None and each.can_be_asked]

    async def ask(self, do: str, **asked: Any) -> Any:
        """Have any replica do something that may be done twice, until it is done."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                up = self.up()
                if up:
                    with contextlib.suppress(GoneError):
                        return await self._chance.choice(up).ask(do, **asked)
                await asyncio.sleep(_LOOK_S)

    # -- the plan ------------------------------------------------------------------

    async def carry_out(self, seconds: float) -> None:
        """Start the runs, answer, follow, and have the replicas die meanwhile."""
        self._spawn(self._start_all(seconds * 0.8))
        self._spawn(self._answer())
        self._spawn(self._tend())
        for run in self.plan.runs[::8]:
            self._spawn(self._follow(run))
        until = clock() + seconds
        for event in self.plan.events:
            try:
                async with asyncio.timeout(max(0.0, until - clock())):
                    await self._is_due(event)
            except TimeoutError:
                break
            await self._act(event)
        await asyncio.sleep(max(0.0, until - clock()))

    async def _is_due(self, event: Event) -> None:
        while not event.is_early:
            process = self._slots[event.replica]
            if process is not None and process.can_be_asked:
                break
            await asyncio.sleep(_LOOK_S)
        await asyncio.sleep(event.pause_s)

    async def _act(self, event: Event) -> None:
        process = self._slots[event.replica]
        # What is being launched is killed too; to end and to stop it must be up.
        if process is None or (event.act != "kill" and not process.can_be_asked):
            return
        self.acts[event.act] += 1
        if event.act == "stop":
            process.stop()
            if self.plan.leased:
                self._strays.append(process)
                await self._launch(event.replica)
                self._spawn(self._wake(process, event.for_s))
            else:
                await asyncio.sleep(event.for_s)
                process.go_on()
            return
        self._slots[event.replica] = None
        if event.act != "drain":
            await process.kill()
        if event.act == "give":
            await asyncio.to_thread(self._give, event.replica)
        if event.act == "drain":
            self._spawn(self._drain(process, event))
            return
        await self._again(event)

    def _give(self, number: int) -> None:
        """Give the runs of a replica that was killed to the other."""
        both = f"replica-{number}", f"replica-{1 - number}"
        deadline = clock() + WITHIN_S
        with Journal.open(self._url) as journal:
            while journal.store.is_held(both[0]):  # The server hears of it in a moment.
                assert clock() < deadline, "the server keeps the lock of a dead process"
                time.sleep(_LOOK_S)
            with contextlib.suppress(ReassignmentError):  # It may have none.
                given = journal.reassignable(*both)
                self.given += len(journal.reassign(*both, given))

    async def _drain(self, process: Process, event: Event) -> None:
        code = await process.drain()
        if code != 0:
            self.problems.append(f"a drained replica ended with {code}")
        await self._again(event)

    async def _again(self, event: Event) -> None:
        await asyncio.sleep(event.for_s)
        await self._launch(event.replica)

    async def _wake(self, process: Process, after_s: float) -> None:
        """Continue one whose place another has taken by now, or is about to."""
        await asyncio.sleep(after_s)
        process.go_on()
        await asyncio.sleep(1.0)
        await process.kill()
        self._strays.remove(process)

    async def _tend(self) -> None:
        """Start what has ended by itself again, as whoever runs replicas does.

        A machine that is slow for a moment costs a replica its lease.
        """
        while True:
            for number, process in enumerate(self._slots):
                if process is not None and process.has_ended:
                    self._slots[number] = None
                    self.acts["ended by itself"] += 1
                    await process.ended()
                    await self._launch(number)
            await asyncio.sleep(_LOOK_S)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.problems.append(f"the driver: {task.exception()!r}")

    # -- what people do ------------------------------------------------------------

    async def _start_all(self, within_s: float) -> None:
        for run in self.plan.runs:
            self._spawn(self._start(run))
            await asyncio.sleep(within_s / len(self.plan.runs))

    async def _start(self, run: str) -> None:
        while True:
            try:
                await self.ask("start", run=run)
            except RefusedError as e:
                if not _may_be_repeated(e):
                    self.problems.append(f"start of {run}: {e}")
                    return
                await asyncio.sleep(_LOOK_S)
            else:
                return

    async def _answer(self) -> None:
        while True:
            try:
                questions = await self.ask("questions")
            except RefusedError as e:
                if not _may_be_repeated(e):
                    self.problems.append(f"questions: {e}")
                questions = []
            for run, about in questions:
                if about not in self._asked:
                    self._asked.add(about)
                    self._spawn(self._send(run, about))
            await asyncio.sleep(_LOOK_S)

    async def _send(self, run: str, about: str) -> None:
        await asyncio.sleep(self._chance.choice((0.0, 0.1, 1.0)))
        while True:
            try:
                self.acknowledged[about] += await self.ask("send", run=run, about=about)
            except RefusedError as e:
                if not _may_be_repeated(e):
                    self.problems.append(f"answer {about}: {e}")
                    return
                await asyncio.sleep(_LOOK_S)
            else:
                return

    async def _follow(self, run: str) -> None:
        """Read a stream as it comes, and go on with it where the last reader died."""
        seen = self.streams.setdefault(run, [])
        while True:
            up = self.up()
            try:
                if up and await self._read(self._chance.choice(up), run, seen):
                    return
            except (GoneError, RefusedError):
                pass
            await asyncio.sleep(_LOOK_S)

    async def _read(self, process: Process, run: str, seen: list[Any]) -> bool:
        async for said in process.asked("follow", run=run, after=len(seen)):
            if "event" not in said:
                return True
            seen.append(said["event"])
        return False

    # -- the end -------------------------------------------------------------------

    async def until_ended(self) -> None:
        """Wait until every run has ended, as both replicas are up."""
        deadline = clock() + WITHIN_S
        while True:
            with contextlib.suppress(RefusedError):
                unfinished = await self.ask("unfinished")
                if not unfinished and not self._work - self._endless():
                    return
            if clock() > deadline:
                self.problems += [
                    f"{run} has not ended: {how}" for run, how in unfinished
                ]
                for run, _ in unfinished:
                    for process in self.up():
                        with contextlib.suppress(GoneError, RefusedError):
                            known = await process.ask("known", run=run)
                            self.problems.append(f"{process.fate.pid}: {run}: {known}")
                up = [each.fate.pid for each in self.up()]
                self.problems.append(f"up: {up}, acknowledged {self.acknowledged}")
                self.problems += [f"still at work: {task}" for task in self._work]
                return
            await asyncio.sleep(_LOOK_S)

    def _endless(self) -> set[asyncio.Task[None]]:
        endless = ("_answer", "_tend")
        return {t for t in self._work if t.get_coro().__name__ in endless}  # type: ignore[union-attr]

    async def read_by_each(self, run: str) -> list[tuple[Any, list[Any], list[Any]]]:
        """What each replica says of a run that has ended: result, stream, its half."""
        found = []
        for process in self.up():
            result = await process.ask("result", run=run)
            whole: list[Any] = []
            await self._read(process, run, whole)
            half: list[Any] = whole[: len(whole) // 2]
            await self._read(process, run, half)
            found.append((result, whole, half))
        return found


def _may_be_repeated(refusal: RefusedError) -> bool:
    """Whether a replica that leaves, or has just lost its lease, has refused."""
    says = str(refusal)
    names = (
        "DrainingError",
        "LeaseLostError",
        "NotLaunchedError",
        "RuntimeClosedError",
    )
    return says.startswith(names)
