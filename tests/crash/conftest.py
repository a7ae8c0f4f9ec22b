"""Processes to kill, made once."""

from __future__ import annotations

from .fixtures import attempt, attempt_on_postgres, postgres, servers, sqlite

__all__ = ["attempt", "attempt_on_postgres", "postgres", "servers", "sqlite"]
