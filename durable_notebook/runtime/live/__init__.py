"""One run while this process executes it.

`_run` is the run and its way to disk; `_internal` the adapter that its control loop
has; `_execution` drives it to its end. `_idle` and `_released` are of one that waits.
"""
