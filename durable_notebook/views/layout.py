"""Where the nodes of a graph stand: in layers, from top to bottom.

A small Sugiyama layout: what leads back is set aside, each node is put a layer below
the last that leads to it, the layers are ordered so that few lines cross, and nodes
stand below what leads to them. What leads back is drawn beside the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from durable_notebook.views.layers import (
    SWEEPS,
    Edge,
    backward,
    chains_of,
    layers_of,
    mean_of,
    neighbours,
    put_in_order,
)

_GAP_X, _GAP_Y, _MARGIN = 34.0, 34.0, 12.0
_LANE = 14.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A node's middle and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as points; `is_back` leads against the flow, at the side."""

    edge: Edge
    points: tuple[Point, ...]
    is_back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size and what is where in it."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    lines: tuple[Line, ...]


def layout(sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Lay a graph out. `sizes` has each node's width and height, beginnings first.

    The same graph always gives the same picture.
    """
    back = backward(list(sizes), edges)
    forward = [edge for edge in edges if edge not in back]
    layer = layers_of(list(sizes), forward)
    chains, layers, all_sizes = chains_of(sizes, forward, layer)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    put_in_order(layers, links)
    xs = _columns(layers, links, all_sizes)
    ys = _rows(layers, all_sizes)
    boxes = {n: Box(xs[n], ys[n], *sizes[n]) for n in sizes}
    lines = [
        _line(edge, [(xs[n], ys[n]) for n in chains[edge][1:-1]], boxes)
        for edge in forward
    ]
    lanes: list[float] = []
    for edge in sorted(back, key=lambda e: abs(boxes[e[0]].y - boxes[e[1]].y)):
        lanes.append(_lane(edge, boxes, lanes))
        lines.append(_return(edge, boxes, lanes[-1]))
    return _framed(boxes, lines)


def _framed(boxes: Mapping[str, Box], lines: Sequence[Line]) -> Layout:
    """Everything moved so that the picture begins at zero."""
    at = [x for line in lines for x, _ in line.points]
    at += [box.x + sign * box.width / 2 for box in boxes.values() for sign in (-1, 1)]
    left, right = min(at, default=0.0) - _MARGIN, max(at, default=0.0) + _MARGIN
    height = max((b.y + b.height / 2 for b in boxes.values()), default=0.0) + _MARGIN
    return Layout(
        right - left,
        height,
        {n: replace(box, x=box.x - left) for n, box in boxes.items()},
        tuple(
            replace(line, points=tuple((x - left, y) for x, y in line.points))
            for line in lines
        ),
    )


def _columns(
    layers: list[list[str]],
    links: Sequence[Edge],
    sizes: Mapping[str, tuple[float, float]],
) -> dict[str, float]:
    """The middle of each node: as near to its neighbours as the layer allows."""
    xs: dict[str, float] = {}
    for row in layers:
        left = -sum(sizes[n][0] + _GAP_X for n in row) / 2
        for node in row:
            xs[node] = left + sizes[node][0] / 2
            left += sizes[node][0] + _GAP_X
    above, below = neighbours(links)
    for sweep in range(SWEEPS * 2):
        beside = above if sweep % 2 == 0 else below
        for row in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [mean_of(beside, xs)(node) for node in row]
            xs |= zip(row, _apart(row, wanted, sizes), strict=True)
    return xs


def _apart(
    row: Sequence[str],
    wanted: Sequence[float],
    sizes: Mapping[str, tuple[float, float]],
) -> list[float]:
    """Places as wanted, but none on another: groups that touch share the way."""
    half = [sizes[node][0] / 2 for node in row]
    offset = [0.0]
    for i in range(1, len(row)):
        offset.append(offset[-1] + half[i - 1] + half[i] + _GAP_X)
    # Isotonic: merge neighbours whose wishes contradict each other.
    groups: list[list[float]] = []  # Of each: sum of wishes, count.
    for want, shift in zip(wanted, offset, strict=True):
        groups.append([want - shift, 1])
        while (
            len(groups) > 1
            and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]
        ):
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    flat = [total / count for total, count in groups for _ in range(int(count))]
    return [base + shift for base, shift in zip(flat, offset, strict=True)]


def _rows(
    layers: list[list[str]], sizes: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    ys: dict[str, float] = {}
    top = _MARGIN
    for row in layers:
        height = max(sizes[node][1] for node in row)
        ys |= dict.fromkeys(row, top + height / 2)
        top += height + _GAP_Y
    return ys


def _line(edge: Edge, passed: Sequence[Point], boxes: Mapping[str, Box]) -> Line:
    first, last = boxes[edge[0]], boxes[edge[1]]
    begin = (first.x, first.y + first.height / 2)
    end = (last.x, last.y - last.height / 2)
    return Line(edge, (begin, *passed, end), is_back=False)


def _lane(edge: Edge, boxes: Mapping[str, Box], taken: Sequence[float]) -> float:
    """Where an edge that leads back goes up: near its nodes, if nothing is there."""
    first, last = boxes[edge[0]], boxes[edge[1]]
    ends = [
        max(first.x + first.width / 2, last.x + last.width / 2) + _LANE,
        min(first.x - first.width / 2, last.x - last.width / 2) - _LANE,
        max(box.x + box.width / 2 for box in boxes.values()) + _LANE,
        min(box.x - box.width / 2 for box in boxes.values()) - _LANE,
    ]
    found = []
    for place, end in enumerate(ends):
        away = _LANE if place % 2 == 0 else -_LANE
        free = (end + n * away for n in range(len(taken) + 1))
        found.append(
            next(x for x in free if all(abs(x - t) >= _LANE / 2 for t in taken))
        )
    return min(found, key=lambda lane: _in_the_way(edge, boxes, lane))


def _in_the_way(edge: Edge, boxes: Mapping[str, Box], lane: float) -> int:
    """How many boxes a lane, and the ways there, would run through."""
    first, last = boxes[edge[0]], boxes[edge[1]]
    top, bottom = sorted((first.y, last.y))
    count = 0
    for name, box in boxes.items():
        if name in edge:
            continue
        left, right = box.x - box.width / 2 - 4, box.x + box.width / 2 + 4
        over, under = box.y - box.height / 2, box.y + box.height / 2
        count += left < lane < right and over < bottom and under > top
        for end in (first, last):
            from_x, to_x = sorted((end.x, lane))
            count += left < to_x and right > from_x and over < end.y < under
    return count


def _return(edge: Edge, boxes: Mapping[str, Box], lane: float) -> Line:
    first, last = boxes[edge[0]], boxes[edge[1]]
    side = 1 if lane > first.x else -1
    points = (
        (first.x + side * first.width / 2, first.y),
        (lane, first.y),
        (lane, last.y),
        (last.x + side * last.width / 2, last.y),
    )
    return Line(edge, points, is_back=True)
