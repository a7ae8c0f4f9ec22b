"""Is a runtime like the default one? A table of cases, and how to run them.

Each case is one thing that the in-memory runtime of llama-index-workflows does. It is
run on your runtime and on the default one, and what a caller can see is compared: the
result or the error, the events of the stream and their order, and the store.

    import asyncio

    from durable_notebook import DBOSRuntime
    from durable_notebook.testing import CASES, compare, compare_lives

    def open_runtime() -> DBOSRuntime:
        return DBOSRuntime(database_url="sqlite:///conformance.sqlite")

    async def main() -> None:
        for case in CASES[:2]:
            async with open_runtime() as runtime:
                print(case.name, await compare(case, runtime))
            print("over lives:", await compare_lives(case, open_runtime))

    asyncio.run(main())

An empty list says that there is no difference; else each is a sentence.

* `compare` runs a case once, on a launched runtime.
* `compare_lives` runs it over three process lives: `open_runtime()` makes a launched
  runtime on the same database for each, and leaving it interrupts what is unfinished.
  The first life ends where the case says, in the middle of a step body or of a wait;
  the second brings the run to its end, the third only reads it. In all of them the run
  is `workflow.run(run_id=...)` with the same id, which must go on with what there is.
  A body that begins again may announce that again among the internal events; whatever
  else differs there is said, and the third life must read what the second has seen.

`observe` and `observe_lives` give what was seen instead. A `Case` of your own takes a
workflow class, best an `Interruptible` one, whose bodies say where a life may end:

    from workflows import step
    from workflows.events import StartEvent, StopEvent

    from durable_notebook.testing import Case, Interruptible, made_from

    class Mine(Interruptible):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            await self.passing()
            return StopEvent(result=1)

    case = Case("mine", made_from(Mine))
"""

from __future__ import annotations

from durable_notebook.testing import (
    _callers,
    _children,
    _ends,
    _failures,
    _lists,
    _opaque,
    _patience,
    _resources,
    _retries,
    _routes,
    _shapes,
    _stores,
    _streams,
    _waits,
)
from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    AtGate,
    Case,
    Gate,
    Interruptible,
    cancelling,
    made_from,
    sending,
)
from durable_notebook.testing._observe import (
    OpenRuntime,
    compare,
    compare_lives,
    expected,
    observe,
    observe_lives,
)
from durable_notebook.testing._observed import Observed, differences

CASES: tuple[Case, ...] = (
    *_shapes.CASES,
    *_routes.CASES,
    *_lists.CASES,
    *_waits.CASES,
    *_patience.CASES,
    *_ends.CASES,
    *_failures.CASES,
    *_stores.CASES,
    *_resources.CASES,
    *_streams.CASES,
    *_children.CASES,
    *_opaque.CASES,
    *_retries.CASES,
    *_callers.CASES,
)

__all__ = [
    "CASES",
    "Act",
    "AfterEvent",
    "AtGate",
    "Case",
    "Gate",
    "Interruptible",
    "Observed",
    "OpenRuntime",
    "cancelling",
    "compare",
    "compare_lives",
    "differences",
    "expected",
    "made_from",
    "observe",
    "observe_lives",
    "sending",
]
