"""What machines do to a run, other than killing it: see each module's first line.

    pytest tests/faults                     the whole matrix, some minutes on two cores
    FAULTS_LONG=1 pytest tests/faults tests/runtime/test_postgres_outages.py
                                            also a lock held for a minute, an event of
                                            100 MB, a server away for half a minute

Kills are in `tests/crash`, whose processes and verdicts are used here.
"""
