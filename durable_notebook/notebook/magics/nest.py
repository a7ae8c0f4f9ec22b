"""`%durable_nest`: scripts that call `asyncio.run()`, pasted into a cell."""

from __future__ import annotations

import ast

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class

from durable_notebook.notebook.magics._base import DurableMagics

# What asyncio says where a loop runs already, as it does in a notebook.
_REFUSALS = (
    "asyncio.run() cannot be called from a running event loop",
    "This event loop is already running",
)
_RUNS = ("run", "run_until_complete")


@magics_class
class NestMagics(DurableMagics):
    """Lets a script run as it is."""

    @line_magic
    def durable_nest(self, line: str) -> None:
        """Let `asyncio.run()` work in cells: `%durable_nest`.

        A notebook has an event loop that runs, and `asyncio.run()` refuses to begin
        another. Mostly `await main()` in its place is all that it takes; this is for
        scripts that are to stay as they are. It changes asyncio in this kernel, with
        nest_asyncio2, until the kernel restarts; forms are answered as ever while a
        cell runs. nest_asyncio must not have been applied before.
        """
        if line.strip():
            raise UsageError("%durable_nest takes nothing: write it alone on its line.")
        import nest_asyncio2

        try:
            nest_asyncio2.apply(error_on_mispatched=True)
        except RuntimeError as e:
            raise UsageError(
                "nest_asyncio has been applied in this kernel, and loses messages of "
                "forms. Restart the kernel, and run %durable_nest in its place."
            ) from e
        print("asyncio.run() works in cells now, until the kernel restarts.")  # noqa: T201

    def after_cell(self, result: object) -> None:
        error = getattr(result, "error_in_exec", None)
        if isinstance(error, RuntimeError) and str(error) in _REFUSALS:
            source = getattr(getattr(result, "info", None), "raw_cell", "")
            print(_way_out(str(source)))  # noqa: T201


def _way_out(source: str) -> str:
    """What to write in the place of the call that was refused, if it can be told."""
    call = next(filter(_begins_a_loop, _walk(source)), None)
    if call is None:
        return "A notebook has an event loop already: use await, or run %durable_nest."
    assert isinstance(call, ast.Call)
    instead = ast.unparse(call.args[0])
    return (
        "A notebook has an event loop already. Write 'await "
        f"{instead}' for '{ast.unparse(call)}', or run %durable_nest once."
    )


def _walk(source: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(source)))
    except SyntaxError:  # It has a magic in it.
        return []


def _begins_a_loop(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _RUNS
        and len(node.args) > 0
    )
