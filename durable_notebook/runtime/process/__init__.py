"""All the runs of this process: what begins, pauses, leaves, and is watched.

`_runs` begins runs and brings them to their ends; `_executor` says whose they are.
"""
