"""DBOS's writes, in order with ours.

Private: `SQLiteSystemDatabase._create_engine`. No public setting makes DBOS write on
one connection without making it read on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dbos._sys_db_sqlite import SQLiteSystemDatabase

from durable_notebook.store import Turns

# Where a connection keeps the turn that it has.
_TURN = "durable_notebook_turn"

# The statements that take SQLite's lock, or before which its driver takes it. The turn
# comes first: who has the lock must not wait for one who has the turn.
_WRITES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "REPLACE")


@contextmanager
def writes_in_turn(turns: Turns | None) -> Iterator[None]:
    """A DBOS that is launched in this block takes turns with whoever else writes.

    It has many threads that write to SQLite, and SQLite keeps no order among them.
    Without `turns` nothing is changed.
    """
    original = SQLiteSystemDatabase._create_engine

    def create(self: SQLiteSystemDatabase, *arguments: Any) -> sa.Engine:
        engine = original(self, *arguments)
        if turns is not None:
            # At once, and for good: no thread goes through the listeners yet, and one
            # that does must not see them change.
            _listen(engine, turns)
        return engine

    setattr(SQLiteSystemDatabase, original.__name__, create)
    try:
        yield
    finally:
        setattr(SQLiteSystemDatabase, original.__name__, original)


def _listen(engine: sa.Engine, turns: Turns) -> None:
    def begin(c: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if _TURN not in c.info and statement.lstrip().upper().startswith(_WRITES):
            c.info[_TURN] = turns.take()

    def end(_connection: Any, record: Any) -> None:
        turn = record.info.pop(_TURN, None)
        if turn is not None:
            turns.give_back(turn)

    sa.event.listen(engine, "before_cursor_execute", begin)
    # A connection is given back when its transaction has ended, in whatever way.
    sa.event.listen(engine, "checkin", end)
