"""`binder/pins.txt`: all that a Binder installs, as it is installed here.

`make binder` writes it. The environment of the tests is held to it, so what a Binder
has is what was tested.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from .empty import ROOT

PINS = ROOT / "binder" / "pins.txt"

# What the lessons need beside the package itself.
EXTRAS = ("lab", "server", "local-postgres")

HEAD = "# Written by `make binder`: all that a Binder installs, and what is tested.\n"


def closure() -> dict[str, str]:
    """Everything that the package needs with its extras, and in which version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    left = [("durable-notebook", frozenset(EXTRAS))]
    while left:
        name, extras = left.pop()
        key = (canonicalize_name(name), extras)
        if key in seen:
            continue
        seen.add(key)
        distribution = metadata.distribution(name)
        found[key[0]] = distribution.version
        needed = map(Requirement, distribution.requires or ())
        left += [(r.name, frozenset(r.extras)) for r in needed if _applies(r, extras)]
    del found["durable-notebook"]
    return dict(sorted(found.items()))


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({"extra": extra}) for extra in ("", *extras)
    )


def unfit() -> list[str]:
    """The pins that the oldest supported Python refuses."""
    own = metadata.metadata("durable-notebook")["Requires-Python"]
    (oldest,) = (s.version for s in SpecifierSet(own) if s.operator == ">=")
    needs = {name: _python_of(name) for name in closure()}
    return [
        f"{name} needs Python {python}: pin an older release of it"
        for name, python in needs.items()
        if not SpecifierSet(python).contains(f"{oldest}.0")
    ]


def _python_of(name: str) -> str:
    return metadata.metadata(name).get("Requires-Python") or ""


def text() -> str:
    """What the file is to hold."""
    return HEAD + "".join(f"{name}=={version}\n" for name, version in closure().items())


def read(path: Path = PINS) -> dict[str, str]:
    """The pins as they are written."""
    lines = path.read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return dict(pairs)


if __name__ == "__main__":
    PINS.write_text(text(), encoding="utf-8")
