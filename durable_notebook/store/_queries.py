"""Named SQL statements, read once from a `.sql` file.

A statement begins with a line `-- name --`; what stands between two such lines is
its text. Values are always bound, so there is nothing to quote.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from durable_notebook.errors import ConfigError

_HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def statements(dialect: str) -> dict[str, str]:
    """The statements of a dialect by name."""
    text = resources.files(__package__).joinpath(f"{dialect}.sql").read_text("utf-8")
    parts = _HEADING.split(text)
    return {
        name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


@cache
def migrations(dialect: str) -> list[tuple[int, str, str]]:
    """Number, name and script of each migration of a dialect, in order."""
    folder = resources.files(__package__).joinpath("migrations", dialect)
    found = [
        (int(f.name[:4]), f.name.removesuffix(".sql"), f.read_text("utf-8"))
        for f in folder.iterdir()
        if f.name.endswith(".sql")
    ]
    return sorted(found)


def tables_are_old(database: str, found: int, wanted: int) -> ConfigError:
    """The error for tables that may not be brought up to date on opening."""
    problem = f"The tables of {database} are those of version {found}, not of {wanted}."
    if not found:
        problem = f"There is no journal in {database} yet (version 0, not {wanted})."
    return ConfigError(
        problem,
        "Launch a runtime on it without 'run_migrations_on_launch=False', or call "
        "'await runtime.run_migrations()', and they are brought up to date.",
    )
