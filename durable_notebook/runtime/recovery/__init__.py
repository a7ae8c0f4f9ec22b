"""The way back: from entries to a run that can go on, with today's definitions.

`_registry` has the definitions and `_code` what they are made of; `_reduction` reads
the journal, `_restore` makes of it what can go on, `_snapshots` keeps the way short.
"""
