"""The command line: `durable-notebook`, a face beside the notebook.

A command is a module with a `Command` in it, named in `_main.COMMANDS`: it adds its
arguments, does one thing with a `Journal`, and prints text or one JSON document.
Looking executes nothing; only `resume` and `serve` launch a runtime.
"""

from __future__ import annotations

from durable_notebook.cli._main import main

__all__ = ["main"]
