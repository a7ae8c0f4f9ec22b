"""Whether anybody goes on with a run that somebody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from durable_notebook.errors import StrandedRunError
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.store import RunRow

# A look asks the file system or a server, so not at every turn of the wait.
_LOOK_AFTER_EXECUTOR_S = 1.0


class Lookout:
    """Looks after the executor of one run, now and then, while it is waited for."""

    def __init__(self, runs: Runs, row: Callable[[str], RunRow]) -> None:
        self._runs = runs
        self._row = row
        self._looked_at = -_LOOK_AFTER_EXECUTOR_S

    def stranded(self, run_id: str) -> StrandedRunError | None:
        """Why waiting is in vain; None if it is not, or was looked at just now."""
        if self._runs.is_claimed(run_id):
            return None
        if time.monotonic() - self._looked_at > _LOOK_AFTER_EXECUTOR_S:
            self._looked_at = time.monotonic()
            try:
                self._runs.executor.check_goes_on(self._row(run_id))
            except StrandedRunError as e:
                return e
        return None


def is_over(has_ended: bool, stranded: StrandedRunError | None) -> bool:
    """Whether a stream has ended with what it gave.

    Raises:
        StrandedRunError: The run has not, and nobody will add to the stream.
    """
    if stranded is not None and not has_ended:
        raise stranded
    return has_ended
