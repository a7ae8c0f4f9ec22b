"""DBOS's writes, in order with ours.

Private: `SystemDatabase.engine`. No public setting makes DBOS write on one connection
without making it read on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from durable_notebook.store import Turns

# Where a connection keeps the turn that it has.
_TURN = "durable_notebook_turn"

# The statements before which SQLite's driver begins a transaction that writes.
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


@contextmanager
def writes_in_turn(dbos: DBOS, turns: Turns) -> Iterator[None]:
    """Inside this block DBOS's transactions take turns with whoever else writes.

    It has many threads that write to SQLite, and SQLite keeps no order among them.
    """
    engine = dbos._sys_db.engine
    pool = engine.pool

    def begin(c: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if _TURN not in c.info and statement.lstrip().upper().startswith(_WRITES):
            c.info[_TURN] = turns.take()

    def end(_connection: Any, record: Any) -> None:
        turn = record.info.pop(_TURN, None)
        if turn is not None:
            turns.give_back(turn)

    # A connection is given back when its transaction has ended, in whatever way.
    sa.event.listen(engine, "before_cursor_execute", begin)
    sa.event.listen(pool, "checkin", end)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", begin)
        sa.event.remove(pool, "checkin", end)
