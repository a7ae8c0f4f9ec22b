"""kill -9 before and after every database commit, go on in a new process, compare.

    pytest tests/crash                      the points, 50 seeds of several kills
    CRASH_SEEDS=1000 pytest tests/crash     more seeds
    CRASH_EVERYWHERE=1 pytest tests/crash   also at each launch, and on Postgres not
                                            only at every fifth point
    CRASH_JOBS=8 pytest tests/crash         more processes at a time (default 2)
    python -m tests.crash.replay counter before:12        one point
    python -m tests.crash.replay --seed 17                one seed, on its database
    python -m tests.crash.replay --postgres ...           any of these on Postgres

`points` kills, `child` is what a process does, `forkserver` makes one in 5 ms,
`trial` strings processes together, `verdict` compares with `expected`.
"""
