"""Processes to kill, made once."""

from __future__ import annotations

from .fixtures import attempt, backend, postgres, servers, sqlite

__all__ = ["attempt", "backend", "postgres", "servers", "sqlite"]
