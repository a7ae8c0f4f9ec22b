"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import WorkflowCancelledByUser
from workflows.events import StopEvent

from durable_notebook._model import Json, RunStatus
from durable_notebook.runtime.codec._codec import Codec, qualified_name
from durable_notebook.store import RunRow, Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: with a stop event, or with an error."""

    result: StopEvent | None = None
    error: Exception | None = None

    @property
    def status(self) -> RunStatus:
        """The word for it."""
        if self.error is None:
            return RunStatus.COMPLETED
        if isinstance(self.error, WorkflowCancelledByUser):
            return RunStatus.CANCELLED
        return RunStatus.FAILED

    def tree(self, codec: Codec) -> dict[str, Json]:
        """This as the journal's last entry holds it."""
        tree: dict[str, Json] = {"status": str(self.status)}
        if self.result is not None:
            tree["result"] = codec.event(self.result)
        if self.error is not None:
            tree["error"] = codec.exception(self.error)
        return tree

    @classmethod
    def read(cls, tree: dict[str, Json], codec: Codec) -> Outcome:
        """Read what `tree` wrote."""
        if "error" in tree:
            return cls(error=codec.read_exception(tree["error"]))
        result = codec.read_event(tree["result"])
        assert isinstance(result, StopEvent)
        return cls(result=result)


def recorded_end(store: Store, row: RunRow) -> dict[str, Json] | None:
    """How a run ended: in the journal's words, else by what DBOS's tools did to it."""
    entry = store.end_of(row)
    if entry is not None and entry.end is not None:
        return entry.end
    if row.dbos_status == "CANCELLED":
        name = qualified_name(WorkflowCancelledByUser)
        error = {"type": name, "message": "cancelled with DBOS"}
        return {"status": str(RunStatus.CANCELLED), "error": error}
    return None
