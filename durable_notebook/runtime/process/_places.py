"""How many runs of a workflow are executed here at once, and who waits for a place."""

from __future__ import annotations

import itertools
from collections.abc import Callable


class Places:
    """The places of each workflow of this process; the first to wait is the next.

    Counted by the workflow's name: a class that is defined again has no further places.
    """

    def __init__(
        self, limit_of: Callable[[str], int | None], enter: Callable[[str], None]
    ) -> None:
        """`enter` is called with a run that has waited, and has a place from now on."""
        self._limit_of = limit_of
        self._enter = enter
        self._inside: dict[str, set[str]] = {}
        # In the order of their turns, by workflow; and the turns of those inside that
        # have waited.
        self._waiting: dict[str, dict[str, int]] = {}
        self._turn_of: dict[str, int] = {}
        self._turns = itertools.count()
        self._workflow_of: dict[str, str] = {}
        self._is_closed = False

    def take(self, run_id: str, workflow: str) -> bool:
        """Take a place, or wait for one behind the others; True if it has one."""
        if not self.has(run_id):
            self._workflow_of[run_id] = workflow
            waiting = self._waiting.setdefault(workflow, {})
            is_next = next(iter(waiting), run_id) == run_id
            if not (is_next and self._has_room(workflow)):
                waiting.setdefault(run_id, next(self._turns))
                return False
            self.hold(run_id, workflow)
        return True

    def hold(self, run_id: str, workflow: str) -> None:
        """Count a run that is executed, whether there is room for it or not."""
        self._workflow_of[run_id] = workflow
        turn = self._waiting.get(workflow, {}).pop(run_id, None)
        if turn is not None:
            self._turn_of[run_id] = turn
        self._inside.setdefault(workflow, set()).add(run_id)

    def leave(self, run_id: str) -> None:
        """Give a place back, or wait for none; the next of its workflow enters."""
        workflow = self._workflow_of.pop(run_id, None)
        self._turn_of.pop(run_id, None)
        if workflow is not None:
            self._inside.get(workflow, set()).discard(run_id)
            self._waiting.get(workflow, {}).pop(run_id, None)
            self.fill(workflow)

    def put_back(self, run_id: str) -> bool:
        """Have a run that could not use its place wait again, at its old turn.

        Nobody enters in its stead. False for one that has never waited: it stays.
        """
        turn = self._turn_of.pop(run_id, None)
        if turn is None:
            return False
        workflow = self._workflow_of[run_id]
        self._inside[workflow].discard(run_id)
        waiting = {**self._waiting.get(workflow, {}), run_id: turn}
        in_turn = sorted(waiting.items(), key=lambda item: item[1])
        self._waiting[workflow] = dict(in_turn)
        return True

    def fill(self, workflow: str) -> None:
        """Let in who waits, as far as there is room."""
        waiting = self._waiting.get(workflow, {})
        while waiting and self._has_room(workflow) and not self._is_closed:
            run_id = next(iter(waiting))
            self.hold(run_id, workflow)
            self._enter(run_id)

    def fill_all(self) -> None:
        """Let in whoever waits, as the limits may be others by now."""
        for workflow in list(self._waiting):
            self.fill(workflow)

    def close(self) -> None:
        """Let nobody in any more."""
        self._is_closed = True

    def has(self, run_id: str) -> bool:
        """Whether a run has a place."""
        return run_id in self._inside.get(self._workflow_of.get(run_id, ""), ())

    def has_waited(self, run_id: str) -> bool:
        """Whether a run has a place for which it had to wait."""
        return run_id in self._turn_of

    def waiting(self) -> list[str]:
        """The runs that wait for a place."""
        return [run_id for waiting in self._waiting.values() for run_id in waiting]

    def before(self, run_id: str) -> int | None:
        """How many wait before a run; None if it does not wait."""
        waiting = self._waiting.get(self._workflow_of.get(run_id, ""), {})
        return list(waiting).index(run_id) if run_id in waiting else None

    def is_waiting(self, run_id: str) -> bool:
        """Whether a run waits for a place."""
        return run_id in self._waiting.get(self._workflow_of.get(run_id, ""), ())

    def _has_room(self, workflow: str) -> bool:
        limit = self._limit_of(workflow)
        return limit is None or len(self._inside.get(workflow, ())) < limit
