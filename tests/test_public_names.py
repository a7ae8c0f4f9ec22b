"""The names a user may rely on. A change of this list is a change of the contract."""

from __future__ import annotations

import inspect
from importlib import metadata, resources

import durable_notebook
from durable_notebook import errors, server, testing

NAMES = [
    "Client",
    "DBOSRuntime",
    "DurableNotebookError",
    "Progress",
    "Run",
    "__version__",
]


def test_the_public_names_are_these() -> None:
    assert durable_notebook.__all__ == NAMES
    assert all(hasattr(durable_notebook, name) for name in NAMES)


TESTING = [
    "CASES",
    "Act",
    "AfterEvent",
    "AtGate",
    "Case",
    "Gate",
    "Interruptible",
    "Observed",
    "OpenRuntime",
    "cancelling",
    "compare",
    "compare_lives",
    "differences",
    "expected",
    "made_from",
    "observe",
    "observe_lives",
    "sending",
]


def test_the_public_names_for_tests_are_these() -> None:
    assert testing.__all__ == TESTING
    assert all(hasattr(testing, name) for name in TESTING)


SERVER = ["AccessPolicy", "JournalStore", "Listener", "ServedRuntime", "WorkflowServer"]


def test_the_public_names_for_servers_are_these() -> None:
    assert server.__all__ == SERVER
    assert all(inspect.getdoc(getattr(server, name)) for name in SERVER)


def test_the_version_is_that_of_the_distribution() -> None:
    assert durable_notebook.__version__ == metadata.version("durable-notebook")


def test_the_package_is_typed() -> None:
    assert resources.files("durable_notebook").joinpath("py.typed").is_file()


def test_every_public_name_says_what_it_is() -> None:
    for name in NAMES[:-1]:
        assert inspect.getdoc(getattr(durable_notebook, name)), name


def test_every_error_is_public_and_ours() -> None:
    found = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]

    assert all(issubclass(k, durable_notebook.DurableNotebookError) for k in found)
    assert all(kind.__module__ == errors.__name__ for kind in found)
