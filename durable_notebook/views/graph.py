"""The graph of a workflow, or of one of its runs, as a picture and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from durable_notebook._graph import PERSON, Graph, Node
from durable_notebook._model import Attempt, RunInfo, RunStatus, short
from durable_notebook.views import html, states, svg, words
from durable_notebook.views.layout import Box, Layout, Line, layout
from durable_notebook.views.table import harmless

MOST_DRAWN = 150
"""Nodes of a picture: more are text only."""

_FONT = 12
_CHARACTER = 7.2
_LETTERS = 30
# What is worth to be seen even where later executions went well.
_URGENT = ("waiting", "running", "failed")
# How much of what was done at a step is in its box; its title has all.
_MOST_SAID = 33


@dataclass(frozen=True, slots=True)
class Doings:
    """What a run has done at each node: executions of a step by state, and events.

    `states` has of each step the one to be seen.
    """

    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    waits: str = ""


def doings(info: RunInfo, rows: Sequence[Attempt]) -> Doings:
    """Count what a run has done."""
    newest = states.newest_session(rows)
    by_step: dict[str, list[Attempt]] = {}
    events: Counter[str] = Counter()
    taken: dict[str, Counter[str]] = {}
    for row in rows:
        by_step.setdefault(row.step, []).append(row)
        events.update(view.name for view in row.returned)
        if row.received is not None and not row.is_repeat and row.attempt == 1:
            taken.setdefault(row.received.name, Counter())[row.step] += 1
    for name, steps in taken.items():
        # What no step has given came from outside; several steps may have taken it.
        events[name] = events[name] or max(steps.values())
    waits = ""
    if info.status is RunStatus.WAITING and info.prompts:
        waits = f"asked for {info.prompts[0].answer_name}"
    tallies = {step: states.tally(found, newest) for step, found in by_step.items()}
    latest = {step: states.state(found[-1], newest) for step, found in by_step.items()}
    return Doings(
        tallies,
        {
            step: next((name for name in _URGENT if name in tally), latest[step])
            for step, tally in tallies.items()
        },
        events,
        waits,
    )


def twin(
    graph: Graph, info: RunInfo | None = None, done: Doings | None = None
) -> tuple[str, str]:
    """What stays in the notebook: as HTML, and as text."""
    done = done or Doings()
    head = f"<p><b>{escape(short(graph.name))}</b></p>"
    if info is not None:
        head = html.head(info, words.plural(info.steps, "completed step"))
    plain = text(graph, info, done)
    if not graph.nodes:
        return f"{head}{html.line(_NOTHING)}", plain
    if len(graph.nodes) > MOST_DRAWN:
        note = f"{len(graph.nodes)} steps and events are too many for a picture."
        return f"{head}{html.line(note)}<pre>{escape(plain)}</pre>", plain
    # For whoever cannot see the picture, and for a host that drops it.
    folded = f"<summary>The same as text</summary><pre>{escape(plain)}</pre>"
    drawn = svg.shown(picture(graph, done), f"Graph of {graph.name}")
    return f"{head}{drawn}<details>{folded}</details>", plain


_NOTHING = (
    "Its steps are not known yet: nothing of it is on record, and no class of "
    "this name is defined."
)


def text(graph: Graph, info: RunInfo | None, done: Doings) -> str:
    """A line a step: what it takes, what it gives, and what became of it."""
    names = {node.id: harmless(short(node.label, 60)) for node in graph.nodes}
    head = harmless(short(graph.name))
    if info is not None:
        head += f" · run {harmless(short(info.run_id))} · {info.status}"
    lines = [head]
    for node in graph.nodes[:MOST_DRAWN]:
        if node.kind == "step":
            takes = [names[a] for a, b in graph.edges if b == node.id]
            gives = [names[b] for a, b in graph.edges if a == node.id]
            line = f"{names[node.id]}: {_or(takes)} → {_or(gives)}"
            counts = _counts(done.steps.get(node.label, {}))
            lines.append(f"{line} · {counts}" if counts else line)
    if len(graph.nodes) > MOST_DRAWN:
        lines.append("…")
    if done.waits:
        lines.append(f"{PERSON}: {harmless(done.waits)}")
    return "\n".join(lines if graph.nodes else [head, _NOTHING])


def _or(names: list[str]) -> str:
    return " or ".join(names[:8]) + (" …" if len(names) > 8 else "") or "nothing"


def _counts(tally: dict[str, int]) -> str:
    return ", ".join(f"{count} {states.LABELS[name]}" for name, count in tally.items())


# -- the picture -----------------------------------------------------------------------


def picture(graph: Graph, done: Doings) -> str:
    """Steps as boxes, events between them; what a run did in colour and in words."""
    found = _laid_out(graph)
    label = f"Graph of {svg.clean(graph.name, 80)}"
    root = svg.drawing(found.width, found.height, label)
    root.set("text-anchor", "middle")
    ends = {node.id: node for node in graph.nodes}
    for line in found.lines:
        is_used = all(_is_used(ends[end], done) for end in line.edge)
        _draw_line(root, line, is_used=is_used)
    for node in graph.nodes:
        _draw_node(root, node, found.boxes[node.id], done)
    return svg.written(root)


@lru_cache(maxsize=16)
def _laid_out(graph: Graph) -> Layout:
    """A run is drawn again and again, and its nodes stay where they are."""
    sizes = {node.id: _size(node) for node in graph.nodes}
    return layout(sizes, graph.edges)


def _size(node: Node) -> tuple[float, float]:
    letters = min(len(node.label), _LETTERS)
    if node.kind != "event":
        return max(letters * _CHARACTER + 32, 220.0), 46.0
    return letters * _CHARACTER + 40, 24.0


def _is_used(node: Node, done: Doings) -> bool:
    if node.kind == "step":
        return node.label in done.steps
    return node.kind == "person" or bool(done.events[node.label])


def _draw_node(root: svg.Element, node: Node, box: Box, done: Doings) -> None:
    group = svg.add(root, "g")
    said = {"step": _step, "event": _event, "person": _person}[node.kind](
        group, node, box, done
    )
    whole = (
        f"{svg.clean(node.label, 200)}: {said}" if said else svg.clean(node.label, 200)
    )
    group.set("aria-label", whole)
    about = svg.clean(node.about, 300)
    svg.add(group, "title", f"{whole}. {about}" if about else whole)


def _box(group: svg.Element, box: Box, colour: str | None, **more: object) -> None:
    svg.add(
        group,
        "rect",
        x=box.x - box.width / 2,
        y=box.y - box.height / 2,
        width=box.width,
        height=box.height,
        stroke=colour or "currentColor",
        stroke_opacity=None if colour else 0.35,
        fill=colour or "currentColor",
        fill_opacity=0.1 if colour else 0.03,
        **more,
    )


def _step(group: svg.Element, node: Node, box: Box, done: Doings) -> str:
    tally = done.steps.get(node.label, {})
    state = done.states.get(node.label)
    _box(
        group,
        box,
        svg.COLOURS[state] if state else None,
        rx=6,
        stroke_width=2.5 if state in _URGENT else 1.2,
    )
    _two_lines(group, node, box, _shortly(tally), is_run=bool(done.steps))
    return _counts(tally)


def _shortly(tally: dict[str, int]) -> str:
    """The counts, as far as there is room for them."""
    order = sorted(tally, key=lambda name: name not in _URGENT)
    labels = states.LABELS | {"retried": "retried"}
    parts = [f"{tally[name]} {labels[name]}" for name in order]
    shown = parts[:1]
    for part in parts[1:]:
        if len(", ".join([*shown, part])) > _MOST_SAID:
            return f"{', '.join(shown)} +{len(parts) - len(shown)}"
        shown.append(part)
    return ", ".join(shown)


def _two_lines(
    group: svg.Element, node: Node, box: Box, said: str, *, is_run: bool
) -> None:
    room = box.width - 12
    below = said or ("not run yet" if is_run and node.kind == "step" else "")
    weight = (
        {"font_weight": "bold"} if node.kind == "step" else {"font_style": "italic"}
    )
    svg.text(group, node.label, box.x, box.y + (-3 if below else 4), room, **weight)
    if below:
        svg.text(group, below, box.x, box.y + 14, room, font_size=10, fill_opacity=0.85)


def _event(group: svg.Element, node: Node, box: Box, done: Doings) -> str:
    count = done.events[node.label]
    _box(group, box, None, rx=12)
    label = short(node.label, _LETTERS)
    shown = f"{label} ×{count}" if count else label
    svg.text(group, shown, box.x, box.y + 4, box.width - 4, font_size=11)
    return words.plural(count, "time") if count else ""


def _person(group: svg.Element, node: Node, box: Box, done: Doings) -> str:
    colour = svg.COLOURS["waiting"] if done.waits else None
    width = 2.5 if colour else 1.2
    _box(group, box, colour, rx=22, stroke_dasharray="4 3", stroke_width=width)
    _two_lines(group, node, box, done.waits, is_run=False)
    return done.waits


def _draw_line(root: svg.Element, line: Line, *, is_used: bool) -> None:
    shade = 0.75 if is_used else 0.35
    svg.add(
        root,
        "path",
        d=_back_path(line) if line.is_back else _path(line),
        fill="none",
        stroke="currentColor",
        stroke_opacity=shade,
        stroke_width=1.4,
    )
    (x, y) = line.points[-1]
    # No marker: those are found by an id, and a page may hold many pictures.
    head = f"{x:.1f},{y:.1f} {x - 4:.1f},{y - 7:.1f} {x + 4:.1f},{y - 7:.1f}"
    if line.is_back:
        far = x + (7 if line.points[1][0] > x else -7)
        head = f"{x:.1f},{y:.1f} {far:.1f},{y - 4:.1f} {far:.1f},{y + 4:.1f}"
    svg.add(root, "polygon", points=head, fill_opacity=shade)


def _path(line: Line) -> str:
    (x, y), *rest = line.points
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        parts.append(
            f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        )
        x, y = to_x, to_y
    return "".join(parts)


def _back_path(line: Line) -> str:
    (x, y), (lane, _), (_, to_y), (to_x, _) = line.points
    turn = 8.0 if to_y > y else -8.0
    side = 8.0 if lane > x else -8.0
    return (
        f"M{x:.1f} {y:.1f}H{lane - side:.1f}"
        f"Q{lane:.1f} {y:.1f} {lane:.1f} {y + turn:.1f}V{to_y - turn:.1f}"
        f"Q{lane:.1f} {to_y:.1f} {lane - side:.1f} {to_y:.1f}H{to_x:.1f}"
    )
