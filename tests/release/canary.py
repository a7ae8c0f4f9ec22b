"""What would break with the newest releases of what we build upon? `make canary`.

Installs them beyond our caps into an empty environment, runs the tests that look for
each thing we use of them by its name, and a short suite that uses them, and says in
words what came of it. `make canary CANARY="dbos==3.3.0"` tries a release that is named.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from xml.etree import ElementTree as ET

from packaging.requirements import Requirement

from .empty import ROOT, Empty, empty, say

WATCHED = ("dbos", "llama-index-workflows", "llama-agents-server", "ipykernel")

# By name, then in use.
SUITES = {
    "dbos, by name": ["tests/engine/test_canary.py"],
    "llama-index-workflows, by name": ["tests/runtime/test_library_canary.py"],
    "llama-agents-server, by name": ["tests/server/test_their_canary.py"],
    "runs and crashes": [
        "tests/runtime/test_counter.py",
        "tests/runtime/test_resume.py",
        "tests/runtime/test_dbos_tools.py",
        "tests/test_quick_start.py",
    ],
    "a server": ["tests/server/test_routes.py"],
    "a notebook": [
        "tests/notebook/test_magics.py",
        "tests/test_lessons.py::test_crash_and_resume",
    ],
}

PARTS = (
    "durable_notebook.runtime",
    "durable_notebook.client._client",
    "durable_notebook.server",
    "durable_notebook.notebook",
    "durable_notebook.cli",
)

MOST_SHOWN = 12

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Outcome:
    """What came of a suite: how many tests passed, and why others did not."""

    passed: int
    problems: tuple[str, ...]


def main(named: list[str]) -> int:
    """Try the newest releases, or those that are named."""
    wanted = [Requirement(text) for text in named]
    with empty() as environment:
        install(environment, wanted)
        installed = versions(environment)
        outcomes = {"an import of each part": imported(environment)}
        cannot_run = bool(outcomes["an import of each part"].problems)
        for name, paths in SUITES.items():
            if cannot_run and not name.endswith("by name"):
                continue  # Each of its tests would only say the same.
            outcomes[name] = outcome_of(environment, paths)
            say(f"{name}: {len(outcomes[name].problems)} problems")
    print("\n" + report(installed, outcomes))
    return int(any(outcome.problems for outcome in outcomes.values()))


def install(environment: Empty, wanted: list[Requirement]) -> None:
    """Install all that the tests need, then what is watched without our caps."""
    capped = [*_requirements(), *_PROJECT["dependency-groups"]["test"]]
    others = [text for text in capped if Requirement(text).name not in WATCHED]
    named = {requirement.name for requirement in wanted}
    free = [name for name in WATCHED if name not in named]
    environment.install("--upgrade", *free, *map(str, wanted), *others)
    # Ours last and alone: its caps would refuse them.
    environment.install("--no-deps", "--editable", str(ROOT))


def _requirements() -> list[str]:
    project = _PROJECT["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["server"], *extras["lab"]]


def versions(environment: Empty) -> dict[str, str]:
    """What is watched, in the versions that pip has chosen."""
    program = (
        "import json, sys; from importlib.metadata import version\n"
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    return dict(json.loads(environment.output("-c", program, *WATCHED)))


def imported(environment: Empty) -> Outcome:
    """Import what there is."""
    said: dict[str, list[str]] = {}
    for part in PARTS:
        printed = environment.output("-c", f"import {part}", may_fail=True)
        if "Traceback" in printed:
            said.setdefault(bare(last_line(printed)), []).append(part)
    passed = len(PARTS) - sum(map(len, said.values()))
    return Outcome(passed, tuple(starmap(problem, said.items())))


def outcome_of(environment: Empty, paths: list[str]) -> Outcome:
    """Run some tests there."""
    report = environment.folder / "report.xml"
    report.unlink(missing_ok=True)
    command = ["-m", "pytest", "-q", "--tb=short", f"--junitxml={report}"]
    command += ["--numprocesses=3", "--dist=loadfile"]
    said = environment.output(*command, *paths, folder=ROOT, may_fail=True)
    if not report.exists():
        return Outcome(0, (f"it does not begin: {last_line(said)}",))
    return read(report)


def read(report: Path) -> Outcome:
    """What a report in JUnit's form says; tests that say the same are one problem."""
    passed = 0
    said: dict[str, list[str]] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        failed = case.find("failure")
        failed = case.find("error") if failed is None else failed
        if failed is not None:
            said.setdefault(reason(failed), []).append(case.get("name") or "")
        elif case.find("skipped") is None:
            passed += 1
    return Outcome(passed, tuple(starmap(problem, said.items())))


def reason(failed: ET.Element) -> str:
    """The line that says what was wrong."""
    errors = re.findall(
        r"^E +(\w+(?:\.\w+)*(?:Error|Exception)\b.*)$", failed.text or "", re.M
    )
    if errors:
        return bare(errors[-1])
    message = (failed.get("message") or "").strip().splitlines() or [""]
    return bare(message[0])


def bare(line: str) -> str:
    """A line without the path of the file that Python puts behind it."""
    return re.sub(r" \(/[^()]*\)$", "", line)[:200]


def problem(why: str, tests: list[str]) -> str:
    """A problem with the first of the tests that found it."""
    others = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"{why} ({tests[0]}{others})"


def last_line(text: str) -> str:
    """The last line of a text that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def caps() -> dict[str, Requirement]:
    """Which releases we allow of what is watched."""
    found = map(Requirement, _requirements())
    return {r.name: r for r in found if r.name in WATCHED}


def report(installed: dict[str, str], outcomes: dict[str, Outcome]) -> str:
    """What came of it, in words."""
    lines = []
    for name, requirement in caps().items():
        version = installed[name]
        is_allowed = requirement.specifier.contains(version, prereleases=True)
        says = (
            "is allowed" if is_allowed else f"is NOT allowed ({requirement.specifier})"
        )
        lines.append(f"{name} {version} {says}")
    lines.append("")
    for name, outcome in outcomes.items():
        if not outcome.problems:
            lines.append(f"fine   {name}: {outcome.passed} checks passed")
            continue
        lines.append(f"BROKEN {name}:")
        lines += [f"         {problem}" for problem in outcome.problems[:MOST_SHOWN]]
        if len(outcome.problems) > MOST_SHOWN:
            lines.append(f"         and {len(outcome.problems) - MOST_SHOWN} more")
    lines.append("")
    broken = any(outcome.problems for outcome in outcomes.values())
    beyond = [
        f"{name} {installed[name]}"
        for name, requirement in caps().items()
        if not requirement.specifier.contains(installed[name], prereleases=True)
    ]
    if broken:
        lines.append(
            "Begin with what is broken by name: it says which module needs it."
        )
    elif beyond:
        lines.append(
            f"Nothing broke with {', '.join(beyond)}: raise the caps, test all."
        )
    else:
        lines.append("Nothing broke, and nothing newer than our caps was there.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
