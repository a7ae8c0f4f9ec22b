"""Where the nodes of a graph stand: in layers, from top to bottom.

A small Sugiyama layout: what leads back is set aside, each node is put a layer below
the last that leads to it, the layers are ordered so that few lines cross, and nodes
stand below what leads to them. What leads back is drawn beside the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

_GAP_X, _GAP_Y, _MARGIN = 34.0, 34.0, 12.0
_LANE = 14.0
_SWEEPS = 12

Edge = tuple[str, str]
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
    back = _back(list(sizes), edges)
    forward = [edge for edge in edges if edge not in back]
    layer = _layers(list(sizes), forward)
    chains, layers, all_sizes = _chains(sizes, forward, layer)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    _order(layers, links)
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


def _back(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """The edges without which nothing leads back to itself."""
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        targets[source].append(target)
    found: set[Edge] = set()
    seen: set[str] = set()
    above: set[str] = set()
    for root in nodes:
        # Without recursion: a chain may be longer than Python's stack.
        stack = [] if root in seen else [(root, iter(targets[root]))]
        seen.add(root)
        above.update(node for node, _ in stack)
        while stack:
            node, left = stack[-1]
            target = next(left, "")
            if not target:
                above.discard(node)
                stack.pop()
            elif target in above:
                found.add((node, target))
            elif target not in seen:
                seen.add(target)
                above.add(target)
                stack.append((target, iter(targets[target])))
    return found


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Each node a layer below the last of those that lead to it."""
    layer = dict.fromkeys(nodes, 0)
    waits = dict.fromkeys(nodes, 0)
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        targets[source].append(target)
        waits[target] += 1
    ready = [node for node in nodes if not waits[node]]
    for node in ready:
        for target in targets[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return layer


def _chains(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    layer: dict[str, int],
) -> tuple[dict[Edge, list[str]], list[list[str]], dict[str, tuple[float, float]]]:
    """Edges as chains with a place to pass by in each layer between."""
    layers: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in sizes:
        layers[layer[node]].append(node)
    everything = dict(sizes)
    chains: dict[Edge, list[str]] = {}
    for number, (source, target) in enumerate(edges):
        between = range(layer[source] + 1, layer[target])
        passed = [f"\0{number} {depth}" for depth in between]
        for depth, name in zip(between, passed, strict=True):
            layers[depth].append(name)
            everything[name] = (4.0, 0.0)
        chains[source, target] = [source, *passed, target]
    return chains, layers, everything


def _order(layers: list[list[str]], links: Sequence[Edge]) -> None:
    """Order each layer by the mean place of its neighbours, down and up again."""
    above, below = _neighbours(links)
    best, fewest = [list(row) for row in layers], _crossings(layers, links)
    place = {n: i for line in layers for i, n in enumerate(line)}
    for sweep in range(_SWEEPS):
        beside = above if sweep % 2 == 0 else below
        rows = layers[1:] if sweep % 2 == 0 else layers[-2::-1]
        for row in rows:
            row.sort(key=_mean(beside, place))
            place |= {node: i for i, node in enumerate(row)}
        count = _crossings(layers, links)
        if count < fewest:
            best, fewest = [list(row) for row in layers], count
    layers[:] = best


def _mean(
    beside: Mapping[str, list[str]], place: Mapping[str, float]
) -> Callable[[str], float]:
    def mean(node: str) -> float:
        others = beside.get(node)
        return fmean(place[n] for n in others) if others else place[node]

    return mean


def _neighbours(
    links: Sequence[Edge],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in links:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    return above, below


def _crossings(layers: list[list[str]], links: Sequence[Edge]) -> int:
    place = {n: (d, i) for d, row in enumerate(layers) for i, n in enumerate(row)}
    by_layer: dict[int, list[tuple[int, int]]] = {}
    for source, target in links:
        depth, left = place[source]
        by_layer.setdefault(depth, []).append((left, place[target][1]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for pairs in by_layer.values()
        for i, a in enumerate(pairs)
        for b in pairs[:i]
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
    above, below = _neighbours(links)
    for sweep in range(_SWEEPS * 2):
        beside = above if sweep % 2 == 0 else below
        for row in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean(beside, xs)(node) for node in row]
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
