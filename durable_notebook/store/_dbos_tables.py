"""What the SQL of this package needs of DBOS's own tables, and what is missing of it.

DBOS does not publish its tables. `DBOS_TABLES` is every column that the statements of
this package name; the canary test watches it at each release of DBOS, and a launch
compares it with the database at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DBOS_TABLES: Mapping[str, tuple[str, ...]] = {
    "workflow_status": (
        "workflow_uuid",
        "name",
        "status",
        "executor_id",
        "owner_xid",
        "recovery_attempts",
        "queue_name",
        "forked_from",
        "parent_workflow_id",
        "application_name",
        "created_at",
        "updated_at",
    ),
    "workflow_input": ("workflow_uuid", "inputs"),
    "workflow_output": ("workflow_uuid", "error"),
    "notifications": ("destination_uuid",),
    "workflow_events": ("workflow_uuid",),
    "workflow_events_history": ("workflow_uuid",),
    "streams": ("workflow_uuid",),
    "operation_outputs": (
        "workflow_uuid",
        "function_id",
        "function_name",
        "output",
        "serialization",
        "started_at_epoch_ms",
        "completed_at_epoch_ms",
        "application_name",
        "retention_timestamp",
    ),
}

# Where this package inserts: a column that must be filled would refuse each entry.
_FILLED = "operation_outputs"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as the database has it."""

    table: str
    name: str
    must_be_filled: bool


def dbos_differences(columns: Iterable[Column]) -> list[str]:
    """Say what DBOS's tables have otherwise than this package needs it."""
    found: dict[str, dict[str, Column]] = {}
    for column in columns:
        found.setdefault(column.table, {})[column.name] = column
    said = []
    for table, needed in DBOS_TABLES.items():
        has = found.get(table)
        if has is None:
            said.append(f"there is no table {table}")
        else:
            said += [f"{table}.{name} is gone" for name in needed if name not in has]
    return said + [
        f"{_FILLED}.{name} is new and must be filled"
        for name, column in found.get(_FILLED, {}).items()
        if column.must_be_filled and name not in DBOS_TABLES[_FILLED]
    ]
