"""kill -9 before and after every database commit, go on in a new process, compare.

    pytest tests/crash                      every point, 50 seeds of several kills
    CRASH_SEEDS=1000 pytest tests/crash     more seeds
    CRASH_POSTGRES_EVERY=1 pytest ...       every point on Postgres too, not each fifth
    CRASH_JOBS=8 pytest tests/crash         more processes at a time (default 2)
    python -m tests.crash.replay counter before:12        one point
    python -m tests.crash.replay --seed 17                one seed, on its database
    python -m tests.crash.replay --postgres ...           any of these on Postgres

`points` kills, `child` is what a process does, `forkserver` makes one in 5 ms,
`trial` strings processes together, `verdict` compares with `expected`.
"""
