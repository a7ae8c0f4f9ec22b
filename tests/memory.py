"""Where the tests write: in memory, where there is room for it.

Each commit waits for the disk, and a disk takes longer than the rest of a commit. What
a power cut would lose is no business of the tests: they end processes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# Linux keeps this folder in memory; in a container it often has only 64 MB.
_MEMORY = Path("/dev/shm")
# A whole session takes less than half of it.
_ENOUGH = 3 * 2**30


def write_in_memory() -> None:
    """Have this process and those that it starts write there, unless told otherwise."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    if shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # It is looked for once.


def is_in_memory(folder: Path) -> bool:
    """Whether what is written there waits for no disk."""
    return folder.is_relative_to(_MEMORY)
