"""Views: values in, a pandas frame or an HTML string out. Nothing is displayed here."""

from __future__ import annotations

from durable_notebook.views.frames import JournalFrame, RunsFrame, journal, runs

__all__ = ["JournalFrame", "RunsFrame", "journal", "runs"]
