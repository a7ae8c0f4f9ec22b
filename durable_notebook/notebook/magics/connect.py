"""`%durable_connect` and `%durable_restart`: which journal is open, and from when."""

from __future__ import annotations

import os
import signal
import sys
import time

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook._config import check_url
from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class ConnectMagics(DurableMagics):
    """Opens journals."""

    @no_var_expand
    @line_magic
    def durable_connect(self, line: str) -> None:
        """Choose the journal and open it: `%durable_connect sqlite:///runs.sqlite`.

        Without a URL, opens the default one. The file is created if need be.
        `%durable_connect --postgres` starts a Postgres server beside that, on a socket
        and with its data in the same folder, and stops it when no notebook uses it.
        """
        with plainly():
            url = line.strip().strip("'\"")
            if url == "--postgres":
                self._durable.connect_local_postgres()
                return
            if url:
                check_url(url)
            self._durable.connect(url)

    @line_magic
    def durable_restart(self, line: str) -> None:
        """Simulate a restart of the kernel: `%durable_restart`, or `--kill` for real.

        Everything of DBOS, the runtime and the runs that is in memory is dropped as a
        kill would, with no goodbye written; then the journal is opened again and runs
        go on from their last completed step. Your variables stay. With `--kill`, the
        kernel itself gets SIGKILL.
        """
        with plainly():
            request = parse(line, flags=("kill",))
            if request.options.get("kill"):
                self._kill()
            if not self._durable.is_open:
                raise UsageError(
                    "The journal is not open, so there is nothing to restart. "
                    "Start a run first with %durable_run."
                )
            self._durable.restart()

    def _kill(self) -> None:
        print(  # noqa: T201
            "Killing this kernel now. When it is back, run these again from the top: "
            "the cell with %load_ext durable_notebook, then the one that defines the "
            "workflow. The run goes on from there."
        )
        sys.stdout.flush()
        # What was printed leaves through a thread of the kernel; SIGKILL waits for
        # nobody.
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
