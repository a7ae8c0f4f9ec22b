"""From what a magic is given to a workflow: a name, or a cell that ends in one."""

from __future__ import annotations

import ast
from typing import Any

from IPython.core.error import UsageError
from workflows import Workflow

from durable_notebook._graph import graph_of_workflow

_CELL_VALUE = "__durable_cell__"


def workflow_named(shell: Any, name: str | None) -> Any:
    """The value of a name in the notebook.

    Raises:
        UsageError: There is none; it says which workflows there are.
    """
    defined = [
        key
        for key, value in shell.user_ns.items()
        if not key.startswith("_") and is_workflow(value)
    ]
    known = f"Defined: {', '.join(defined)}."
    if not defined:
        known = "None is defined yet: run a cell with a class that has steps."
    if name is None:
        raise UsageError(f"Name the workflow to run: %durable_run WORKFLOW. {known}")
    try:
        return shell.ev(name)
    except Exception as e:
        raise UsageError(
            f"There is no workflow {name} in this notebook. Run the cell that "
            f"defines it. {known}"
        ) from e


def run_cell(shell: Any, cell: str) -> tuple[bool, Any]:
    """Run a cell; whether it ran, and the value of its last expression."""
    source: str = shell.transform_cell(cell)
    try:
        last = ast.parse(source).body[-1:]
    except SyntaxError:
        # Run as it is, so that the notebook shows the error as ever.
        shell.run_cell(cell)
        return False, None
    if not last or not isinstance(last[0], ast.Expr):
        raise UsageError(
            "The cell must end in an expression that names the workflow to run, "
            "for example its class."
        )
    expression = ast.get_source_segment(source, last[0])
    lines = source.splitlines(keepends=True)[: last[0].lineno]
    # Columns count bytes. What is on the line before the expression is run too.
    lines[-1] = lines[-1].encode()[: last[0].col_offset].decode()
    result = shell.run_cell(f"{''.join(lines)}{_CELL_VALUE} = ({expression}\n)")
    if not result.success:
        return False, None
    return True, shell.user_ns.pop(_CELL_VALUE)


def is_workflow(value: object) -> bool:
    """Whether something can be run: an instance, or a class of them."""
    is_class = isinstance(value, type) and issubclass(value, Workflow)
    return isinstance(value, Workflow) or (is_class and value is not Workflow)


def steps_of(names: dict[str, Any]) -> dict[str, None]:
    """The steps of every workflow that a notebook defines, in their order."""
    found: dict[str, None] = {}
    for key, value in list(names.items()):
        if key[:1] != "_" and is_workflow(value):
            nodes = graph_of_workflow(value).nodes
            found |= {node.label: None for node in nodes if node.kind == "step"}
    return found
