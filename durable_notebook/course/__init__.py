"""What the lessons in `notebooks/` are made of, for lessons of your own too.

`OfflineModel` stands in for a paid model: no network, no keys, and each call is counted
and priced. `Ledger` is the world outside of the journal. `grade` is what the magic
`%durable_check` asks: guesses about a run, judged by its journal.
"""

from __future__ import annotations

from durable_notebook.course._grading import Evidence, Graded, Verdict, grade
from durable_notebook.course._ledger import Ledger
from durable_notebook.course._offline import Bill, OfflineModel, Reply

__all__ = [
    "Bill",
    "Evidence",
    "Graded",
    "Ledger",
    "OfflineModel",
    "Reply",
    "Verdict",
    "grade",
]
