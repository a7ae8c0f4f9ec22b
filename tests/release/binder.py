"""Is a Binder of this tree what a newcomer needs? `make binder`.

Installs exactly what Binder would install into an empty environment, and runs lesson 1
there. It builds no image: `jupyter-repo2docker --no-build` says how it would be made.
"""

from __future__ import annotations

import subprocess
import sys

from .empty import ROOT, empty, say
from .pins import PINS, closure, text, unfit


def main() -> int:
    """Write the pins, and try them."""
    PINS.write_text(text(), encoding="utf-8")
    say(f"{len(closure())} packages are pinned in binder/pins.txt.")
    if too_new := unfit():
        say(f"WRONG: {'; '.join(too_new)}.")
        return 1
    if problem := plan_problem():
        say(f"WRONG: repo2docker cannot plan the image: {problem}")
        return 1
    say("repo2docker can plan the image.")
    with empty() as environment:
        environment.install("--no-deps", "-r", str(PINS))
        environment.install("--no-deps", str(ROOT))
        environment.run("-m", "pip", "check")
        say("It is installed. Lesson 1:")
        environment.tour(ROOT / "binder" / "prepare.py")
    say("A Binder of this tree runs lesson 1.")
    return 0


def plan_problem() -> str:
    """Why repo2docker cannot plan the image of this tree; empty if it can."""
    program = "from repo2docker.__main__ import main; main()"
    # It plans for a user of its own, whoever runs it.
    options = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    done = subprocess.run(
        [sys.executable, "-c", program, *options, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode:
        return said.strip().splitlines()[-1]
    wanted = ("binder/environment.yml", "binder/postBuild", "binder/start")
    missing = [name for name in wanted if name not in said]
    return f"it makes nothing of {', '.join(missing)}" if missing else ""


if __name__ == "__main__":
    sys.exit(main())
