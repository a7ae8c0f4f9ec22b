"""Run lesson 1 in real kernels, with its kill, and check what it promises.

`make tour` runs it on a copy and prints the journal. Exits 0 only if no completed step
ran twice and the result is right.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from lessons import HERE, Taught, say, teach

LESSON = HERE / "01_crash_and_resume.ipynb"


def check(taught: Taught) -> list[str]:
    """What is not as the lesson promises, in plain words."""
    counter = taught.journals()["counter-run-1"]
    print(f"\n{counter}\n")
    interrupted = list(counter[counter["status"] == "interrupted"]["received"])
    done = counter[counter["status"] == "completed"]["received"]
    sessions = sorted(set(counter["session"]))
    facts = {
        f"there were {taught.lives} kernels": taught.lives == 2,
        f"the counter is {counter.run.status}": counter.run.status == "completed",
        f"steps completed twice: {_twice(done)}": not _twice(done),
        f"the sessions of the counter are {sessions}": sessions == [1, 2],
        f"interrupted were {interrupted}": len(interrupted) == 1,
    }
    wrong = [text for text, is_right in facts.items() if not is_right]
    return wrong or check_second_life(taught, interrupted[0])


def check_second_life(taught: Taught, interrupted: str) -> list[str]:
    """What the second kernel printed that it should not have, or the reverse."""
    cells = taught.notebook.cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    panels = [output.get("data", {}).get("text/plain", "") for output in outputs]
    # What steps print is on the panel of their run, under a line for each life.
    again = "".join(panel.partition("── session 2\n")[2] for panel in panels)
    # On a slow machine the kill lands a tick later than the lesson says.
    first = int("".join(re.findall(r"\d+", interrupted))) + 1
    ticks = [int(n) for n in re.findall(r"\[Tick +(\d+)\]", again)]
    facts = {
        "no 'final_count = 20' was printed": "Result: final_count = 20" in printed,
        "a step printed into a cell": "[Tick" not in printed,
        "'[Start]' was printed again": "[Start]" not in again,
        f"the second life printed the ticks {ticks}": ticks == [*range(first, 21)],
    }
    return [text for text, is_right in facts.items() if not is_right]


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def report(taught: Taught) -> int:
    """Tell what came of the lesson; 0 if all is as it promises."""
    say("The run is complete. Its journal, both lives:")
    wrong = check(taught)
    for problem in wrong:
        say(f"WRONG: {problem}.")
    if not wrong:
        say("No completed step ran twice, the counter is exact: final_count = 20.")
    return 1 if wrong else 0


def main() -> int:
    """Run the lesson and tell what came of it."""
    with tempfile.TemporaryDirectory(prefix="durable-tour-") as name:
        return report(teach(LESSON, Path(name), is_quiet=False))


if __name__ == "__main__":
    sys.exit(main())
