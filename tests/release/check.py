"""Does what is released work for a stranger? `make release-check`.

Builds the wheel, installs it into an empty environment with whatever its dependencies
are today, and runs lesson 1 there, outside of this tree.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .empty import built, empty, say

IS_INSTALLED = """
import sys, durable_notebook
from importlib import metadata
where = durable_notebook.__file__
assert where.startswith(sys.prefix), where
assert durable_notebook.__version__ == metadata.version("durable-notebook")
print("durable_notebook", durable_notebook.__version__)
"""


def main() -> int:
    """Build, install, run."""
    with tempfile.TemporaryDirectory(prefix="durable-built-") as name:
        wheel, sdist = built(Path(name))
        say(f"Built {wheel.name} ({wheel.stat().st_size // 1024} KB) and {sdist.name}.")
        with empty() as environment:
            environment.install(f"durable-notebook[lab] @ {wheel.as_uri()}")
            environment.run("-m", "pip", "check")
            environment.run("-c", IS_INSTALLED)
            say("It is installed. Its commands:")
            environment.run("-m", "durable_notebook.cli", "--version")
            environment.tour()
    say("The wheel works in an empty environment.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
