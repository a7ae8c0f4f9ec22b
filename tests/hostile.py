"""What nobody should have named anything, and whether it acts where it is shown."""

from __future__ import annotations

ACTS = "<img src=x onerror=alert(1)></script>\u202egnp\x1b[31m\x07\x9b2J\u2066\u2028"
"""Markup, marks that turn text round, what a terminal obeys, and an end of a line."""

# Between a number and its unit, and the marks of a direction, which turn nothing round.
_SPARED = "\n\xa0\u200e\u200f"


def acts(shown: str) -> set[str]:
    """The characters in a text that do something to a screen."""
    return {c for c in shown if not c.isprintable() and c not in _SPARED}
