"""The figures in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from tests.benchmarks.lab import Figures
from tests.benchmarks.scenarios import Figure, Scenario

Measured = dict[str, list[Figures]]
"""What was measured of a scenario: the figures of each round, by runtime."""

_HEADINGS = (
    "scenario",
    "figure",
    "memory",
    "floor",
    "**ours**",
    "peer",
    "to the floor",
    "to the peer",
    "to be reached",
)


def table(measured: Iterable[tuple[Scenario, int, Measured]]) -> str:
    """One row a figure: medians, and how ours compares."""
    rows = [_HEADINGS, ("---",) * 2 + ("--:",) * 6 + ("---",)]
    for scenario, n, runs in measured:
        named = f"{scenario.name} {n:,}: {scenario.about}"
        for figure in scenario.figures:
            rows.append(_row(named, figure, medians(scenario, n, figure, runs)))
            named = ""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def medians(
    scenario: Scenario, n: int, figure: Figure, runs: Measured
) -> dict[str, float]:
    """The median of a figure by runtime; the floor's is computed from its commits."""
    found = {}
    for runtime, rounds in runs.items():
        values = [
            _floor(scenario, n, figure, figures)
            if runtime == "floor"
            else figures.get(figure.key)
            for figures in rounds
        ]
        known = [value for value in values if value is not None]
        if known:
            found[runtime] = statistics.median(known)
    return found


def _floor(scenario: Scenario, n: int, figure: Figure, figures: Figures) -> float:
    """What the commits of a scenario take, in the figure's unit."""
    if figure.is_rate:
        return n / figures["seconds"]
    return figures["seconds"] * 1e3 / (n if scenario.name == "counter" else 1)


def _row(named: str, figure: Figure, found: dict[str, float]) -> tuple[str, ...]:
    ours, peer = found.get("ours"), found.get("peer")
    to_floor = to_peer = ""
    if ours and "memory" in found and "floor" in found:
        to_floor = f"{_slower(ours, _both(figure, found), figure):.2f} ×"
    if ours and peer and figure.unit:
        to_peer = f"{_cell(_slower(peer, ours, figure))} ×"
    unit = f"{figure.label}, {figure.unit}" if figure.unit else figure.label
    cells = [_cell(found.get(name)) for name in ("memory", "floor", "ours", "peer")]
    cells[2] = f"**{cells[2]}**" if cells[2] else ""
    return (named, unit, *cells, to_floor, to_peer, figure.target)


def _both(figure: Figure, found: dict[str, float]) -> float:
    """Memory and floor, one after the other: what durability cannot be below."""
    memory, floor = found["memory"], found["floor"]
    return 1 / (1 / memory + 1 / floor) if figure.is_rate else memory + floor


def _slower(one: float, other: float, figure: Figure) -> float:
    return other / one if figure.is_rate else one / other


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
