"""Which node of a graph stands in which layer, and in which order.

The first half of a Sugiyama layout; `layout` places what is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

SWEEPS = 12
"""How often the layers are gone through, down and up again."""

Edge = tuple[str, str]
Size = tuple[float, float]


def backward(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
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


def layers_of(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
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


def chains_of(
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


def put_in_order(layers: list[list[str]], links: Sequence[Edge]) -> None:
    """Order each layer by the mean place of its neighbours, down and up again."""
    above, below = neighbours(links)
    best, fewest = [list(row) for row in layers], _crossings(layers, links)
    place = {n: i for line in layers for i, n in enumerate(line)}
    for sweep in range(SWEEPS):
        beside = above if sweep % 2 == 0 else below
        rows = layers[1:] if sweep % 2 == 0 else layers[-2::-1]
        for row in rows:
            row.sort(key=mean_of(beside, place))
            place |= {node: i for i, node in enumerate(row)}
        count = _crossings(layers, links)
        if count < fewest:
            best, fewest = [list(row) for row in layers], count
    layers[:] = best


def mean_of(
    beside: Mapping[str, list[str]], place: Mapping[str, float]
) -> Callable[[str], float]:
    """The mean place of what is beside a node; its own where nothing is."""

    def mean(node: str) -> float:
        others = beside.get(node)
        return fmean(place[n] for n in others) if others else place[node]

    return mean


def neighbours(
    links: Sequence[Edge],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What is linked to each node above it, and below it."""
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
