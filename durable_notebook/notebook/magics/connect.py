"""`%durable_connect`: which journal is open."""

from __future__ import annotations

from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook._config import check_url
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
