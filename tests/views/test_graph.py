"""The graph of a workflow: what is in it, and where it is drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from durable_notebook._graph import Graph, Node, graph_of_code, graph_of_workflow
from durable_notebook._model import Attempt, AttemptStatus, EventView, RunStatus
from durable_notebook.runtime.recovery._code import Code
from durable_notebook.views import graph
from durable_notebook.views.layout import Layout, layout
from tests.views.samples import attempt, info, interrupted
from tests.views.test_views import HOSTILE, Tags


class Draft(Event):
    text: str


class Ask(InputRequiredEvent):
    pass


class Answer(HumanResponseEvent):
    ok: bool


class Writing(Workflow):
    @step
    async def write(self, ctx: Context, ev: StartEvent) -> Draft:
        """Write the first draft."""
        return Draft(text="")

    @step
    async def improve(self, ev: Draft) -> Draft | Ask:
        return Ask()

    @step
    async def publish(self, ev: Answer) -> StopEvent:
        return StopEvent()


def placed(*edges: str) -> Layout:
    pairs = [(edge[0], edge[1]) for edge in edges]
    return layout(dict.fromkeys(sorted(set("".join(edges))), (100.0, 30.0)), pairs)


def overlaps(found: Layout) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, one), (b, two) in combinations(found.boxes.items(), 2)
        if abs(one.x - two.x) < (one.width + two.width) / 2
        and abs(one.y - two.y) < (one.height + two.height) / 2
    ]


def test_a_chain_stands_in_one_column() -> None:
    found = placed("ab", "bc", "cd")

    assert len({round(box.x, 3) for box in found.boxes.values()}) == 1
    assert [n for n, _ in sorted(found.boxes.items(), key=lambda i: i[1].y)] == [
        *"abcd"
    ]
    assert not any(line.is_back for line in found.lines)


def test_a_fork_and_a_join_are_even() -> None:
    boxes = placed("ab", "ac", "bd", "cd").boxes

    assert boxes["b"].y == boxes["c"].y
    assert boxes["a"].x == pytest.approx((boxes["b"].x + boxes["c"].x) / 2)
    assert boxes["d"].x == pytest.approx(boxes["a"].x)


def test_no_node_is_on_another_and_all_are_inside() -> None:
    names = "abcdefghijkl"
    edges = [a + b for i, a in enumerate(names) for b in names[i + 1 :: 3]]
    found = placed(*edges, "la", "hb", "kk", "ba")

    assert overlaps(found) == []
    for box in found.boxes.values():
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= found.width
        assert box.y + box.height / 2 <= found.height
    for line in found.lines:
        assert all(0 <= x <= found.width for x, _ in line.points)


def test_what_leads_back_is_drawn_beside_what_it_leads_around() -> None:
    found = placed("ab", "bc", "ca")

    (back,) = [line for line in found.lines if line.is_back]
    assert back.edge == ("c", "a")
    lane = back.points[1][0]
    sides = [box.x + box.width / 2 for box in found.boxes.values()]
    assert lane > max(sides)


def test_lines_do_not_cross_where_they_need_not() -> None:
    boxes = placed("ac", "ad", "be", "bf", "cg", "dg", "eh", "fh").boxes

    left, right = sorted("ab", key=lambda n: boxes[n].x)
    below = {"a": "cd", "b": "ef"}
    assert max(boxes[n].x for n in below[left]) < min(boxes[n].x for n in below[right])


def test_a_very_long_chain_is_laid_out() -> None:
    names = [str(n) for n in range(1_500)]
    edges = list(pairwise(names))

    found = layout(dict.fromkeys(names, (50.0, 20.0)), edges)

    assert found.height > 1_500 * 20


def test_the_graph_is_that_of_the_class() -> None:
    found = graph_of_workflow(Writing)

    kinds = {node.label: node.kind for node in found.nodes}
    assert kinds == {
        "StartEvent": "event",
        "write": "step",
        "Draft": "event",
        "improve": "step",
        "Ask": "event",
        "a person": "person",
        "Answer": "event",
        "publish": "step",
        "StopEvent": "event",
    }
    assert found.nodes[0].label == "StartEvent"
    assert ("Draft", "improve") in found.edges
    assert ("improve", "Draft") in found.edges
    (write,) = [node for node in found.nodes if node.label == "write"]
    assert write.about == "Write the first draft."


def test_what_a_run_has_recorded_has_the_same_steps_and_events() -> None:
    of_class = graph_of_workflow(Writing)
    recorded = graph_of_code("Writing", Code.of(Writing()).graph)

    def flow(found: Graph) -> set[tuple[str, str]]:
        names = {node.id: node.label for node in found.nodes}
        pairs = {(names[a], names[b]) for a, b in found.edges}
        return {pair for pair in pairs if "a person" not in pair}

    assert flow(recorded) == flow(of_class)


def test_a_run_is_told_of_in_words_and_colours() -> None:
    rows = [
        attempt(0, name="write"),
        replace(attempt(1, name="improve"), returned=(EventView("Draft"),)),
        replace(attempt(2, name="improve"), status=AttemptStatus.FAILED),
        replace(attempt(3, name="improve"), status=AttemptStatus.RUNNING),
    ]
    rows[0] = replace(rows[0], returned=(EventView("Draft"),))
    rows[0] = replace(rows[0], received=EventView("StartEvent"))
    run = info(status=RunStatus.RUNNING)
    found = graph_of_workflow(Writing)

    markup, plain = graph.twin(found, run, graph.doings(run, rows))

    assert 'aria-label="improve: 1 running, 1 completed, 1 failed"' in markup
    assert "not run yet" in markup
    assert "Draft ×2" in markup
    assert "StartEvent ×1" in markup
    assert "write: StartEvent → Draft · 1 completed" in plain
    assert "Writing · run a · running" in plain


def test_a_step_looks_like_its_latest_execution_unless_one_needs_somebody() -> None:
    again = replace(attempt(3601, session=2, name="write"), is_repeat=True)
    rows = [attempt(0, name="write"), interrupted(1), again]
    rows[1] = replace(rows[1], step="write")

    def seen(more: list[Attempt]) -> str:
        return graph.doings(info(), rows + more).states["write"]

    assert seen([]) == "re-executed"
    failed = replace(again, status=AttemptStatus.FAILED)
    assert seen([failed, replace(again, is_repeat=False)]) == "failed"
    found = graph.doings(info(), [*rows, failed, replace(failed, is_retried=True)])
    picture = graph.picture(graph_of_workflow(Writing), found)
    assert "1 failed, 1 re-executed +3</text>" in picture
    said = "1 re-executed, 1 replayed, 1 interrupted, 1 failed, retried, 1 failed"
    assert said in picture


def test_a_workflow_that_nobody_has_run_is_drawn_without_counts() -> None:
    markup, plain = graph.twin(graph_of_workflow(Writing))

    assert "not run yet" not in markup
    assert plain.splitlines()[0] == "Writing"
    assert "publish: Answer → StopEvent" in plain


def test_a_run_of_which_nothing_is_known_says_so() -> None:
    run = info()

    for form in graph.twin(Graph("Lost", (), ()), run, graph.doings(run, [])):
        assert "no class of this name is defined" in form


@pytest.mark.parametrize("text", [*HOSTILE, "\x00\ud800", "x" * 1_000_000])
def test_hostile_names_are_text_and_bounded(text: str) -> None:
    nodes = (Node("1", "event", text), Node("2", "step", text, text))
    found = Graph(text, nodes, (("1", "2"), ("2", "1")))
    run = info(run_id=text)
    rows = [attempt(0, name=text)]

    markup, plain = graph.twin(found, run, graph.doings(run, rows))
    tags = Tags()
    tags.feed(markup)
    picture = graph.picture(found, graph.doings(run, rows))

    assert "script" not in tags.seen
    # The one image is ours; what it draws is quoted in its address.
    assert [src.partition(",")[0] for src in tags.sources] == ["data:image/svg+xml"]
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert len(picture) < 10_000
    assert len(plain) < 3_000
    assert "\u202e" not in picture + plain
    ElementTree.fromstring(picture)


def test_a_graph_that_is_too_large_is_text() -> None:
    nodes = tuple(Node(str(n), "step", f"step{n}") for n in range(5_000))

    markup, plain = graph.twin(Graph("Large", nodes, ()))

    assert "<svg" not in markup
    assert "5000 steps and events are too many" in markup
    assert len(plain.splitlines()) < 200
