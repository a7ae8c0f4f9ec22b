"""Where a server is, and what to paste: for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from workflows import Workflow

from durable_notebook._model import short
from durable_notebook.client._samples import asks, sample_start
from durable_notebook.views import curl, html
from durable_notebook.views.table import harmless

_LONGEST = 4_000


@dataclass(frozen=True, slots=True, repr=False)
class Served:
    """A server as it is shown: `starts` has a line for a shell by workflow."""

    url: str
    starts: Mapping[str, str]
    watch: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [
            f"Serving {', '.join(self.starts)} at {self.url}",
            f"  page   {self.url}/",
            *(f"  start  {line}" for line in self.starts.values()),
            f"  watch  {self.watch}",
            *self.notes,
        ]
        return "\n".join(map(_bounded, lines))

    def _repr_html_(self) -> str:
        link = f'<a href="{escape(self.url)}/" target="_blank" rel="noopener">'
        lines = [
            f'<p class="dn-head"><b>{_markup(", ".join(self.starts))}</b> served at '
            f"{link}{escape(self.url)}</a></p>",
            *(f"<p><code>{_markup(line)}</code></p>" for line in self.starts.values()),
            f"<p><code>{_markup(self.watch)}</code></p>",
            *map(html.line, self.notes),
        ]
        return html.page("".join(lines))


def _bounded(line: str) -> str:
    return harmless(short(line, _LONGEST))


def _markup(line: str) -> str:
    return escape(_bounded(line))


def served(
    url: str,
    workflows: Mapping[str, Workflow],
    token: str | None,
    notes: tuple[str, ...] = (),
) -> Served:
    """What there is to show. `token` is what a shell makes the token of."""
    starts = {
        name: curl.start(
            url,
            name,
            sample_start(workflow),
            is_answered=asks(workflow),
            token=token,
        )
        for name, workflow in workflows.items()
    }
    return Served(url, starts, curl.events(url, "RUN", token), notes)


# Listening there is listening everywhere; asked is one address.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


def asked_at(url: str) -> str:
    """An address that can be asked, of a server that may listen on all of them."""
    for everywhere, one in _EVERYWHERE.items():
        url = url.replace(f"//{everywhere}:", f"//{one}:")
    return url
