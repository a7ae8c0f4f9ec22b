"""What `%config DurableNotebook` sets."""

from __future__ import annotations

from typing import Any

from traitlets import Float, List, TraitError, Unicode, validate
from traitlets.config.configurable import Configurable

from durable_notebook._config import Settings
from durable_notebook.errors import ConfigError


class Traits(Configurable):
    """The settings that a notebook, or a profile of IPython, may change."""

    database_url = Unicode(
        "",
        help="The journal: sqlite:///file or postgresql://user@host/database. Empty "
        "means .durable_notebook/journal.sqlite beside the notebook, or "
        "$DURABLE_NOTEBOOK_URL.",
    ).tag(config=True)

    redact = List(
        Unicode(),
        help="Names of fields whose values are masked before they are written.",
    ).tag(config=True)

    idle_timeout = Float(
        None,
        allow_none=True,
        help="After how many seconds a run that waits is released from memory; None "
        "for never. It comes back by itself when it is answered. Takes effect at once.",
    ).tag(config=True)

    @validate("idle_timeout")
    def _check_idle_timeout(self, proposal: dict[str, Any]) -> Any:
        try:
            Settings(idle_timeout_s=proposal["value"])
        except ConfigError as e:
            raise TraitError(str(e)) from e
        return proposal["value"]
