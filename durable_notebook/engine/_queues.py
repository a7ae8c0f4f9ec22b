"""The DBOS queues on which runs wait for a place: one a workflow, named after it."""

from __future__ import annotations

from dbos import DBOS, Queue

# DBOS looks at each queue that often, and finds nothing of ours that is its to take.
_NEVER_S = 3600.0


class Queues:
    """Queues as DBOS's tools show them, with how many runs are executed at once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Queue]] = {}

    async def of(self, workflow: str, limit: int) -> Queue:
        """A workflow's queue; it is registered when this returns."""
        found = self._known.get(workflow)
        if found is None or found[0] != limit:
            queue = await DBOS.register_queue_async(
                workflow,
                worker_concurrency=limit,
                polling_interval_sec=_NEVER_S,
                on_conflict="always_update",
            )
            found = self._known[workflow] = (limit, queue)
        return found[1]
