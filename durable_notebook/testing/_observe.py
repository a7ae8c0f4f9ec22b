"""Runs a case on a runtime, in one process life or in two, and compares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from workflows.plugins.basic import BasicRuntime
from workflows.runtime.types.plugin import Runtime

from durable_notebook.testing._case import Case
from durable_notebook.testing._life import Progress, begin
from durable_notebook.testing._observed import Observed, differences, text_of

OpenRuntime = Callable[[], AbstractAsyncContextManager[Runtime]]

_DEADLINE_S = 20


async def observe(case: Case, runtime: Runtime) -> Observed:
    """Run a case to its end on a launched runtime."""
    return await _to_the_end(case, runtime, Progress.of(case))


async def observe_lives(case: Case, open_runtime: OpenRuntime) -> list[Observed]:
    """Run a case over several process lives, and observe those in which it has ended.

    The first life ends where the case says, if it does; the next brings the run to its
    end; the last one only reads it.

    Args:
        case: What to run.
        open_runtime: Makes a launched runtime on the same database each time.
            Leaving it interrupts what is unfinished; `run` with the id of such a
            run goes on with it.

    Raises:
        ValueError: The run was over before it could be interrupted.
    """
    progress = Progress.of(case)
    if case.interrupt is not None:
        async with open_runtime() as runtime, asyncio.timeout(_DEADLINE_S):
            life = await begin(case, runtime, progress, is_last=False)
            await life.to_the_interruption()
    observed = []
    for _ in ("executes", "reads"):
        async with open_runtime() as runtime:
            observed.append(await _to_the_end(case, runtime, progress))
    is_interrupted = case.interrupt is not None
    return [replace(each, is_interrupted=is_interrupted) for each in observed]


async def _to_the_end(case: Case, runtime: Runtime, progress: Progress) -> Observed:
    async with asyncio.timeout(_DEADLINE_S):
        try:
            life = await begin(case, runtime, progress)
        except Exception as e:  # The case's own, or the runtime's refusal: an outcome.
            return Observed(None, text_of(e), (), (), "")
        return await life.to_the_end()


async def expected(case: Case) -> Observed:
    """Observe a case on the default runtime, which keeps everything in memory."""
    return await observe(case, BasicRuntime())


async def compare(case: Case, runtime: Runtime) -> list[str]:
    """Say in words where a runtime is not like the default one; empty if nowhere."""
    return differences(case, await expected(case), await observe(case, runtime))


async def compare_lives(case: Case, open_runtime: OpenRuntime) -> list[str]:
    """Say where a run over several lives is not like a default one in one life."""
    wanted = await expected(case)
    executed, read = await observe_lives(case, open_runtime)
    found = differences(case, wanted, executed)
    later = differences(case, wanted, read)
    # One that was refused has not ended, and goes on while it is read.
    if executed.internal != read.internal and not case.may_refuse:
        later.append("the internal stream is another than it was")
    return [*found, *(f"read later, {each}" for each in later)]
