"""What a run leaves on disk, and how it is read: no database, no classes of a user.

`_entry` is the journal entry and `_compact` its shorter form in the database. The
others read entries as something else: rows of a timeline, what was printed, progress,
usage; `_reading` is all of it at one look.
"""
