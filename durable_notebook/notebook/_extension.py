"""`%load_ext` and `%unload_ext`: register the magics, take them back."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from IPython.core.error import UsageError
from traitlets.config import Config

from durable_notebook.notebook._capture import Capture
from durable_notebook.notebook._completion import Completer
from durable_notebook.notebook._flood import flood
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook._terminal import has_front_end
from durable_notebook.notebook._workspace import DurableNotebook
from durable_notebook.notebook.magics import ALL
from durable_notebook.notebook.magics._base import DurableMagics


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a shell got, and gives back."""

    durable: DurableNotebook
    magics: list[DurableMagics]
    completer: Completer
    capture: Capture | None
    config: Config


_SECTION = DurableNotebook.__name__
_loaded: dict[int, Loaded] = {}
# By shell too: runs that a notebook still has find the next one through it.
_unloaded: dict[int, DurableNotebook] = {}


def load(shell: Any) -> None:
    """Register the magics and open the journal beside the notebook, if it exists."""
    if has_front_end(shell):
        _refuse_an_old_kernel()
    config = deepcopy(shell.config[_SECTION])
    durable = DurableNotebook(shell)
    before = _unloaded.pop(id(shell), None)
    if before is not None:
        before.successor = durable
    magics = [kind(shell, durable) for kind in ALL]
    shell.configurables.append(durable)
    shell.register_magics(*magics)
    completer = Completer(shell, durable)
    completer.register()
    for hook in _hooks(durable, magics):
        shell.events.register("post_run_cell", hook)
    # A terminal shows what is printed as it comes; it has no panel to keep it on.
    capture = Capture(shell) if has_front_end(shell) else None
    if capture is not None:
        capture.install()
    _loaded[id(shell)] = Loaded(durable, magics, completer, capture, config)
    with plainly():
        durable.open_existing()


def _refuse_an_old_kernel() -> None:
    """What runs is asked: installing us puts a new ipykernel beside an old kernel."""
    running = str(import_module("ipykernel").__version__)
    on_disk = version("ipykernel")
    if _major(running) >= 7:
        return
    way_out = (
        f"Restart the kernel: ipykernel {on_disk} is installed by now."
        if _major(on_disk) >= 7
        else "Run '%pip install -U ipykernel' and restart the kernel."
    )
    raise UsageError(
        "durable_notebook needs ipykernel 7 or newer, and this kernel runs "
        f"{running}: forms would hang. {way_out}"
    )


def _major(release: str) -> int:
    return int(release.partition(".")[0])


def unload(shell: Any) -> None:
    """Close the journal and take back what `load` registered."""
    loaded = _loaded.pop(id(shell), None)
    if loaded is None:
        return
    for hook in _hooks(loaded.durable, loaded.magics):
        shell.events.unregister("post_run_cell", hook)
    loaded.completer.unregister()
    manager = shell.magics_manager
    for magic in loaded.magics:
        for kind, names in magic.magics.items():
            for name in names:
                manager.magics[kind].pop(name, None)
        manager.registry.pop(type(magic).__name__, None)
    ours = (loaded.durable, *loaded.magics)
    shell.configurables[:] = [c for c in shell.configurables if c not in ours]
    # `%config` writes what it sets into the shell's configuration too.
    shell.config[_SECTION] = loaded.config
    if not loaded.config:
        del shell.config[_SECTION]
    loaded.durable.close()
    loaded.durable.is_unloaded = True
    _unloaded[id(shell)] = loaded.durable
    if loaded.capture is not None:
        loaded.capture.remove()


def _leave() -> None:
    for loaded in _loaded.values():
        loaded.durable.leave()


# A process that ends takes its threads and the notebook's names away while runs go on:
# a body that misses them would fail, and its run with it. `atexit` is called after the
# threads' end; the private call is how `concurrent.futures` hears of it before.
getattr(threading, "_register_atexit", atexit.register)(_leave)


def _hooks(
    durable: DurableNotebook, magics: list[DurableMagics]
) -> list[Callable[[object], None]]:
    first = [
        durable.stops.after_cell,
        durable.after_cell,
        durable.interrupts.after_cell,
    ]
    return [*first, *(magic.after_cell for magic in magics), flood.cell_ended]
