"""Looking again and again, as long as somebody watches a view, and never too often."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Self

logger = logging.getLogger("durable_notebook")

# A look that takes longer is repeated less often: never more than a tenth of the time.
_SELDOM = 10


class Watch:
    """Calls `look` on the session's loop while there is a page that shows the view.

    A page says `ready` when it draws the view and `away` when it no longer does.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[None]],
        *,
        least_s: float,
        before: Self | None = None,
    ) -> None:
        self._look = look
        self._least_s = least_s
        self._pages = before.pages if before is not None else 0
        self._news = asyncio.Event()
        self.is_left = False
        self.is_free = False
        """Set by a look that was no more than a first one: it costs no pause."""

    @property
    def pages(self) -> int:
        """How many pages show the view; more, if one was reloaded."""
        return self._pages

    def hear(self, kind: object) -> None:
        """Take what a page has said: it comes, goes, or wants a look soon."""
        if kind == "ready":
            self._pages += 1
        elif kind == "away":
            self._pages = max(0, self._pages - 1)
        self._news.set()

    async def follow(self) -> None:
        """Look until it is left."""
        try:
            while not self.is_left:
                if not self._pages:
                    await self._news.wait()
                self._news.clear()
                began = time.monotonic()
                await self._look()
                cost = 0.0 if self.is_free else time.monotonic() - began
                pause = max(self._least_s, _SELDOM * cost)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception("A live view stopped.")
