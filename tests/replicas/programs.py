"""The document's server programs as replicas: its configuration, its workflows.

Beside the import lines only what is of a machine is changed: the database, the name of
the replica, loopback and the port.
"""

from __future__ import annotations

from tests.server.programs import COUNTER, GREETER

# "Using Postgres for Multi-Replica Deployments".
CONFIGURATION = """
DBOS(config={
    "name": "my-app",
    "system_database_url": "postgresql://user:pass@localhost:5432/mydb",
    "run_admin_server": False,
    "executor_id": "replica-1",  # unique per replica
})
"""


def replica(program: str, url: str, executor_id: str) -> str:
    """A program of the document that serves on one loop, as this replica."""
    configured = CONFIGURATION.replace(
        "postgresql://user:pass@localhost:5432/mydb", url
    ).replace("replica-1", executor_id)
    before, _, rest = program.partition("\nDBOS(")
    return before + configured + rest.partition("\n")[2]


def counter(url: str, executor_id: str) -> str:
    """A replica that counts."""
    return replica(COUNTER, url, executor_id)


def greeter(url: str, executor_id: str) -> str:
    """A replica that asks for a name."""
    return replica(GREETER, url, executor_id)
