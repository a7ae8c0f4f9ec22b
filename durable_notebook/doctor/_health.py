"""What keeps a whole journal from being used, and the command that cures it."""

from __future__ import annotations

import os
import re
from importlib import metadata
from pathlib import Path

from durable_notebook._config import is_postgres, is_there, sqlite_path
from durable_notebook.doctor._finding import OURS, UPGRADE, Cause, Finding
from durable_notebook.errors import JournalTooNewError, StorageError
from durable_notebook.store import Store

# A program that works holds the write lock for milliseconds.
_PATIENCE_S = 2.0


def examine(url: str) -> list[Finding]:
    """What is wrong with this installation, or with the rights to a journal file."""
    found = _dbos()
    if not is_postgres(url):
        path = sqlite_path(url)
        # SQLite keeps two files beside it, also for who only reads.
        found += [*_rights(path), *_rights(path.parent)]
    return found


def examine_open(store: Store) -> list[Finding]:
    """What is wrong with a journal that could be opened."""
    if not store.is_locked(_PATIENCE_S):
        return []
    says = (
        f"Another program holds the write lock of {store.name}, so no run can commit. "
        "This shows which one; end it, or let it finish."
    )
    command = ("fuser", "--verbose", store.name)
    return [Finding(Cause.JOURNAL_LOCKED, says, commands=(command,))]


def refusal(problem: StorageError) -> Finding:
    """Why a journal could not be opened."""
    if isinstance(problem, JournalTooNewError):
        return Finding(Cause.JOURNAL_NEWER, str(problem), commands=(UPGRADE,))
    return Finding(Cause.JOURNAL_UNUSABLE, str(problem))


def _rights(path: Path) -> list[Finding]:
    if not is_there(path) or os.access(path, os.R_OK | os.W_OK):
        return []
    says = f"This user may not read and write {path}."
    command: tuple[str, ...] = ("chmod", "u+rwX", str(path))
    if path.stat().st_uid != os.getuid():
        says += " It belongs to somebody else."
        command = ("sudo", "chown", str(os.getuid()), str(path))
    return [Finding(Cause.NO_RIGHTS, says, commands=(command,))]


def _dbos() -> list[Finding]:
    asked = [r for r in metadata.requires(OURS) or [] if re.match(r"dbos\b", r)]
    version = metadata.version("dbos")
    bounds = re.findall(r"(>=|<)\s*([0-9.]+)", asked[0]) if asked else []
    if all(_is_within(version, sign, bound) for sign, bound in bounds):
        return []
    wanted = ",".join(f"{sign}{bound}" for sign, bound in sorted(bounds, reverse=True))
    says = f"dbos {version} is installed, and this version was tested with {wanted}."
    command = ("pip", "install", f"dbos{wanted}")
    return [Finding(Cause.DBOS_UNTESTED, says, commands=(command,))]


def _is_within(version: str, sign: str, bound: str) -> bool:
    return (_numbers(version) >= _numbers(bound)) is (sign == ">=")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)[:3]]
