"""Write `durable_notebook/docs/reference.md` from the docstrings: `make reference`.

The docstrings are the reference; this only puts them in an order. So that the page
cannot go stale, a test compares it with what this makes today.
"""

from __future__ import annotations

import inspect
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sized
from pathlib import Path
from typing import Any

import durable_notebook
from durable_notebook import errors, logs, server, testing
from durable_notebook.cli._command import Command
from durable_notebook.cli._main import COMMANDS
from durable_notebook.notebook.magics import ALL
from durable_notebook.runtime._options import ExecutorLease, Options

PAGE = Path(durable_notebook.__file__).parent / "docs" / "reference.md"

HEAD = """\
# Reference

Written by `make reference` from the docstrings: change those, not this page.

[The package](#durable_notebook) · [Magics](#magics) · [Command line](#command-line) ·
[Server](#durable_notebookserver) · [For tests](#durable_notebooktesting) ·
[Logs](#durable_notebooklogs) · [Errors](#errors)
"""

# What these classes have beside it is for the layers above them in the package.
MEMBERS = {
    "DBOSRuntime": "launch launch_sync destroy destroy_sync drain run_migrations "
    "release_idle_after is_launched executor_id lease_lost_event send resume pause "
    "go_on result stream create_workflow_store build_server_runtime",
    "Client": "start run runs inbox diagnose answer pause go_on cancel fork rewind "
    "reassign delete trim",
    "Run": "result events info journal output send answer pause go_on cancel",
    "Progress": "",
    "JournalStore": "",
}

# What an object of the class is called in the examples.
CALLED = {"DBOSRuntime": "runtime", "Client": "client", "Run": "run"}


def page() -> str:
    """The whole page."""
    parts = [
        HEAD,
        _section("durable_notebook", _package()),
        _section("Magics", _magics()),
        _section("Command line", map(_command, COMMANDS)),
        _section("durable_notebook.server", _all_of(server)),
        _section("durable_notebook.testing", _all_of(testing)),
        _section("durable_notebook.logs", [_item("JsonLines", logs.JsonLines)]),
        _section("Errors", _errors()),
    ]
    return "\n".join(parts)


def _section(title: str, items: Any) -> str:
    return "\n".join([f"## {title}\n", *items])


def _package() -> Iterator[str]:
    yield _item("DBOSRuntime", durable_notebook.DBOSRuntime)
    yield _item("Options", Options, "the further keywords of `DBOSRuntime`")
    yield _item("ExecutorLease", ExecutorLease, "what `executor_lease=` takes")
    yield _item("Client", durable_notebook.Client)
    yield _item("Run", durable_notebook.Run)
    yield _item("Progress", durable_notebook.Progress)


def _all_of(module: Any) -> Iterator[str]:
    yield _text(inspect.getdoc(module) or "")
    for name in module.__all__:
        yield _item(name, getattr(module, name))


def _item(name: str, found: Any, about: str = "") -> str:
    if isinstance(found, Sized):
        return f"### `{name}`\n\nA table of {len(found)} cases.\n"
    if not inspect.isroutine(found) and not inspect.isclass(found):
        return f"### `{name}`\n\nA type: `{re.sub(r'[a-z_.]+[.]', '', str(found))}`.\n"
    makers = [found] if inspect.isroutine(found) else found.__mro__
    is_ours = any(
        m.__module__.startswith("durable_notebook")
        and (inspect.isroutine(m) or "__init__" in vars(m))
        for m in makers
    )
    signature = _signature(found) if is_ours and not about else ""
    lines = [f"### `{name}{signature}`\n"]
    if about:
        lines.append(f"*{about}*\n")
    lines.append(_text(inspect.getdoc(found) or ""))
    if inspect.isclass(found):
        lines += _members(name, found)
    return "\n".join(lines)


def _members(name: str, found: type[Any]) -> Iterator[str]:
    chosen = MEMBERS[name].split() if name in MEMBERS else _own(found)
    for member in chosen:
        static = inspect.getattr_static(found, member)
        text = inspect.getdoc(getattr(found, member))
        assert text, f"{name}.{member} has no docstring"
        shown = f"{CALLED.get(name, name)}.{member}"
        if not isinstance(static, property):
            function = getattr(found, member)
            shown += _signature(function)
            if inspect.iscoroutinefunction(function):
                shown = f"await {shown}"
        yield f"#### `{shown}`\n\n{_text(text)}"


def _own(found: type[Any]) -> list[str]:
    """The public members that a class of ours has a docstring for itself."""
    return [
        name
        for name, value in vars(found).items()
        if not name.startswith("_")
        and (inspect.isroutine(value) or isinstance(value, property))
        and getattr(value, "__doc__", None)
    ]


def _signature(found: Any) -> str:
    signature = inspect.signature(found)
    given = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in signature.parameters.values()
        if p.name not in ("self", "cls") or inspect.isclass(found)
    ]
    given = [p for p in given if not p.name.startswith("_")]
    text = str(signature.replace(parameters=given, return_annotation=signature.empty))
    return re.sub(r"<(?:function )?(\w+)(?: at 0x\w+)?>", r"\1", text)


def _magics() -> Iterator[str]:
    yield "After `%load_ext durable_notebook`; `%durable_run?` tells the same.\n"
    for magics in ALL:
        kinds = getattr(magics, "magics", {})
        for name in dict.fromkeys([*kinds["line"], *kinds["cell"]]):
            marks = [
                sign
                for sign, kind in (("%", "line"), ("%%", "cell"))
                if name in kinds[kind]
            ]
            title = ", ".join(f"`{mark}{name}`" for mark in marks)
            function = getattr(magics, kinds["line"].get(name) or kinds["cell"][name])
            # A line that shows a call stands for itself, and is code.
            text = re.sub(
                r"^(%%?durable_.*)$",
                r"    \1",
                inspect.getdoc(function) or "",
                flags=re.M,
            )
            yield f"### {title}\n\n{_text(text)}"


def _command(command: Command) -> str:
    parser = ArgumentParser(add_help=False)
    command.arguments(parser)
    lines = [f"### `durable-notebook {command.name}`\n", command.description, ""]
    for action in parser._actions:
        shown = ", ".join(action.option_strings)
        value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
        if isinstance(value, tuple):
            value = " ".join(value)
        lines.append(f"* `{' '.join(filter(None, [shown, value]))}`: {action.help}")
    if command.is_on_journal:
        lines.append(
            "* `--json`, `--database URL`: see [the command line](../cli/README.md)"
        )
    example = f"```sh\ndurable-notebook {command.example}\n```\n"
    return "\n".join([*lines, "", example])


def _errors() -> Iterator[str]:
    tree = (inspect.getdoc(errors) or "").split("\n\n")
    yield f"{tree[0]}\n\n```text\n{inspect.cleandoc(tree[1])}\n```\n"
    yield "What each has beside its sentence, which always ends with the next move:\n"
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and inspect.isfunction(kind.__init__):
            fields = [*inspect.signature(kind.__init__).parameters][1:]
            yield f"* `{name}`: {', '.join(f'`{f}`' for f in fields)}"
    yield ""


def _text(text: str) -> str:
    """A docstring as Markdown: its sections as lists."""
    out: list[str] = []
    in_section = False
    # A list of names may go over a line.
    for line in re.sub(r",\n +(?=[A-Z]\w+Error)", ", ", text).splitlines():
        if re.fullmatch(r"(Args|Attributes|Raises|Returns|Yields):", line):
            in_section = True
            out.append(f"**{line[:-1]}**\n")
        elif in_section and re.match(r"    \S.*", line) and ":" in line:
            name, _, rest = line.strip().partition(":")
            names = ", ".join(f"`{part.strip()}`" for part in name.split(","))
            out.append(f"* {names}:{rest}")
        elif in_section and line.startswith("    "):
            out.append(f"  {line.strip()}")
        else:
            in_section = in_section and not line
            out.append(line)
    return "\n".join([*out, ""])


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
