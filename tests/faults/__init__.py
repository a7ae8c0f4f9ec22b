"""What machines do to a run, other than killing it: see each module's first line.

    pytest tests/faults                     the whole matrix, two minutes on two cores
    FAULTS_LONG=1 pytest tests/faults       also a lock held for a minute

Kills are in `tests/crash`, whose processes and verdicts are used here.
"""
