"""Workflows that step bodies run: an execution finds those that a crash took from it.

A run that a body begins notes which body that was. When the body is executed again, it
goes on with that run instead of beginning another one from nothing.
"""

from __future__ import annotations

import json

from durable_notebook._model import Json
from durable_notebook.engine import Parent
from durable_notebook.runtime.recovery._registry import current_run
from durable_notebook.runtime.state._flight import current_invocation
from durable_notebook.store import Store


def adopted(run_id: str, workflow: str, inputs: dict[str, Json], store: Store) -> str:
    """Note in a run's inputs which body begins it, if one does, and give its id.

    That is the one asked for, unless an interrupted execution of the same body had
    begun a run of the same workflow with the same inputs. Of several such it is again
    the one asked for, or else the oldest.
    """
    parent, body = current_run.get(), current_invocation.get()
    if parent is None or body is None:
        return run_id
    asked = _comparable(inputs)
    inputs["parent"] = [parent.run_id, body.id]
    found = [
        row.run_id
        for row in (store.children(parent.run_id) if body.carried.bodies else ())
        if begun_by(row.input) in body.carried.bodies
        and row.run_id not in body.adopted
        and row.workflow == workflow
        and _comparable(row.input) == asked
    ]
    if not found:
        return run_id
    own = run_id if run_id in found else found[0]
    body.adopted.add(own)
    return own


def parent_of(inputs: dict[str, Json]) -> str | None:
    """The run of which a step body began a run with these inputs; None if none did."""
    parent: str | None = inputs.get("parent", [None])[0]
    return parent


def held_parent(inputs: dict[str, Json]) -> Parent | None:
    """The same with the token of its execution here, by which alone it begins runs."""
    run, parent = current_run.get(), parent_of(inputs)
    return None if run is None or parent is None else Parent(parent, run.owner)


def begun_by(inputs: dict[str, Json]) -> str | None:
    """The invocation of the step body that began a run; None if none did."""
    invocation: str | None = inputs.get("parent", [None, None])[1]
    return invocation


def _comparable(inputs: dict[str, Json]) -> Json:
    """What a run depends on: not who began it, nor which variable held its workflow."""
    of_others = ("parent", "origin", "trace")
    of_the_run = {k: v for k, v in inputs.items() if k not in of_others}
    return json.loads(json.dumps(of_the_run))
