"""Several processes on one Postgres: killed, stopped, drained, and started again.

`CHAOS_S=60 CHAOS_SEED=7 python -m pytest tests/replicas/test_chaos.py` repeats a plan.
"""
