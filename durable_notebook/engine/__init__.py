"""The engine: DBOS, and the only `import dbos` of the package.

DBOS gives what is not the journal: a run's status row, who owns it, fencing,
listing, forking, its tools. `_dbos.py` uses its public calls; what has no public
call is in `_internals.py`, watched by a canary test.
"""

from __future__ import annotations

from durable_notebook.engine._dbos import Claim, Engine, LeavePending, new_owner
from durable_notebook.engine._internals import Parent
from durable_notebook.engine._outside import fork
from durable_notebook.engine._ownership import ExecutorLock, choose_executor

__all__ = [
    "Claim",
    "Engine",
    "ExecutorLock",
    "LeavePending",
    "Parent",
    "choose_executor",
    "fork",
    "new_owner",
]
