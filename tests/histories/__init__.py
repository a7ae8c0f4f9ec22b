"""Journals that released versions wrote, gone on with by today's code.

    python -m tests.histories.record        those of this version, before its release

A journal is a whole database as SQL text, of a run whose processes were killed twice,
so that every table and every migration is tried. Those of a released version are
never changed: what reads them has to.
"""
