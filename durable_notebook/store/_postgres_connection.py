"""A connection that is given up when its server says nothing any more.

A server that was stopped, or that is behind a proxy which lost it, keeps the connection
alive and never answers: nothing but a clock tells.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class SilentServerError(psycopg.OperationalError):
    """The server took a request and has said nothing since."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """Waits for an answer so long and no longer, and then is closed.

    `backend` is the server's end of it: the process there, and when that began.
    """

    silence_s = 40.0
    backend: tuple[int, datetime] | None = None

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        bounded = _bounded(gen, self.silence_s)
        try:
            return super().wait(bounded, *arguments, **options)
        except SilentServerError:
            self.pgconn.finish()
            raise


def _bounded(gen: PQGen[T], silence_s: float) -> PQGen[T]:
    """What a generator does, until it has waited in vain for too long."""
    try:
        wanted = next(gen)
        heard_at = time.monotonic()
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard_at = now
            elif now - heard_at > silence_s:
                raise SilentServerError(
                    f"the server has said nothing for {silence_s:.0f} s"
                )
            wanted = gen.send(ready)
    except StopIteration as e:
        value: T = e.value
        return value
