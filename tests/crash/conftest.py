"""Processes to kill, made once."""

from __future__ import annotations

from .fixtures import attempt, opened, servers

__all__ = ["attempt", "opened", "servers"]
