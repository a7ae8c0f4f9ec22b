"""The graph of a workflow: its steps, the events between them, and the people.

Read off the class, or off what a run has recorded of it where no class is defined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from workflows import Workflow
from workflows.representation import WorkflowGraphNode, get_workflow_representation

from durable_notebook._model import Json

Kind = Literal["step", "event", "person"]

PERSON = "a person"


@dataclass(frozen=True, slots=True)
class Node:
    """A step, an event, or the person who is asked. `about` says more of it."""

    id: str
    kind: Kind
    label: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes, those that begin first; and which leads to which, by their ids."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


def graph_of_workflow(workflow: Workflow | type[Workflow]) -> Graph:
    """The graph of a workflow, as the library represents it."""
    found = get_workflow_representation(workflow)
    names = {node.id: node.label for node in found.nodes}
    uses: dict[str, list[str]] = {}
    for edge in found.edges:
        if edge.label is not None:
            uses.setdefault(edge.source, []).append(names[edge.target])
    read = (_node(node, uses.get(node.id, [])) for node in found.nodes)
    nodes = {node.id: node for node in read if node is not None}
    edges = ((edge.source, edge.target) for edge in found.edges)
    return _graph(found.name, nodes, edges)


def _node(node: WorkflowGraphNode, uses: list[str]) -> Node | None:
    if node.node_type == "step":
        about = (getattr(node, "description", None) or "").strip()
        said = [about] if about else []
        said += [f"uses {', '.join(uses)}"] if uses else []
        # `_done` is the library's, and every workflow has it.
        return (
            None
            if node.id == "_done"
            else Node(node.id, "step", node.label, "\n".join(said))
        )
    if node.node_type == "event":
        return Node(node.id, "event", node.label)
    if node.node_type == "external":
        return Node(node.id, "person", PERSON)
    # What a step uses is said with the step: it is no part of the flow.
    return None


def graph_of_code(name: str, recorded: Json) -> Graph:
    """The graph that a run has recorded: `graph` of its code."""
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for step, what in recorded["steps"].items():
        key = f"step {step}"
        nodes[key] = Node(key, "step", step)
        for event in (*what["takes"], *what["gives"]):
            nodes[event] = Node(event, "event", event.rpartition(".")[2])
        edges += [(event, key) for event in what["takes"]]
        edges += [(key, event) for event in what["gives"]]
    return _graph(name, nodes, edges)


def _graph(
    name: str, nodes: dict[str, Node], edges: Iterable[tuple[str, str]]
) -> Graph:
    known = dict.fromkeys(e for e in edges if e[0] in nodes and e[1] in nodes)
    taken = {target for _, target in known}
    # What nobody gives begins it: first the start event, which a step takes.
    order = sorted(nodes.values(), key=lambda n: (n.id in taken, n.kind != "event"))
    return Graph(name, tuple(order), tuple(known))
