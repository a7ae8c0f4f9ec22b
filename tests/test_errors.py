"""Errors: they pickle, they compare by value, and they end with the next move."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from durable_notebook import errors
from durable_notebook.errors import (
    AlreadyAnsweredError,
    ConfigError,
    DamagedJournalError,
    DrainingError,
    DurableNotebookError,
    ExecutorInUseError,
    InvalidFieldsError,
    InvalidPositionError,
    InvalidRunIdError,
    JournalTooNewError,
    LeaseLostError,
    LiveElsewhereError,
    LostOutcomeError,
    LostOwnershipError,
    NeverAskedError,
    NoFreeExecutorError,
    NoPromptError,
    NotAWorkflowError,
    NotLaunchedError,
    OtherArgumentsError,
    ReassignmentError,
    ReplayMismatchError,
    RunFinishedError,
    RunIdTakenError,
    RuntimeClosedError,
    StorageError,
    StrandedRunError,
    TooManyRecoveriesError,
    UncheckedAnswerError,
    UndefinedClassError,
    UnfinishedRunError,
    UnknownRunError,
    UnknownTablesError,
    UnstorableValueError,
)

# Each error with how it ends: what its reader can do next.
REMEDIES: list[tuple[DurableNotebookError, str]] = [
    (NotLaunchedError(), "or use 'async with runtime:'."),
    (RuntimeClosedError("r1"), "ask for the run again by its id."),
    (ConfigError("There is no database.", "Name one."), "Name one."),
    (ExecutorInUseError("local", "a.sqlite"), "an 'executor_id' of its own."),
    (
        UnknownTablesError("a.sqlite", ["streams.key is gone"], "3.9", ">=3.4,<3.5"),
        'pip install "dbos>=3.4,<3.5"\'.',
    ),
    (
        NoFreeExecutorError("a", "executor", 5.0, ("executor-0 by process 7 on b",)),
        "with a larger 'pool_size' or 'acquire_timeout'.",
    ),
    (LeaseLostError("executor-0", "a", True), "to be another executor."),
    (LeaseLostError("executor-0", "a", False), "database can be reached again."),
    (UnknownRunError("r1"), "and check the database URL."),
    (InvalidRunIdError("a\0b", "it is bad"), "for example 'order-17'."),
    (DrainingError("r1"), "Start it in another process, or when this one is back."),
    (RunIdTakenError("r1", "A", "B"), "or run 'A' to go on with it."),
    (RunIdTakenError("r1", "A", None), "Choose another id for the new run."),
    (OtherArgumentsError("r1", "Go(n=1)", "Go(n=2)"), "to go on with it."),
    (StrandedRunError("r1", "nb"), "use 'client.fork('r1')'."),
    (LiveElsewhereError("r1", "nb"), "and delete it when it has ended."),
    (ReassignmentError("'a' has no runs.", "Look at them."), "Look at them."),
    (TooManyRecoveriesError("r1", 4), "a larger 'max_recovery_attempts'."),
    (InvalidPositionError("r1", 9, 4), "to 4 (keep all it has)."),
    (UndefinedClassError("r1", "__main__.Done"), "and read the run again."),
    (RunFinishedError("r1", "completed"), "Start a new run under another id."),
    (NoPromptError("r1", "running"), "List what waits with 'client.runs()'."),
    (NeverAskedError("r1", 7, 3), "give no number for the oldest open one."),
    (AlreadyAnsweredError("r1"), "with 'client.run('r1').info()'."),
    (
        InvalidFieldsError("Answer", {"x": "unknown"}, ["text", "by"]),
        "Correct them and try again.",
    ),
    (UncheckedAnswerError("r1", "Verdict"), "its module first (--app MODULE)."),
    (NotAWorkflowError("x", "a list"), "or an instance of one."),
    (
        UnstorableValueError("r1", "ctx.store['x']", "a socket is not JSON"),
        "and resume: completed steps are kept.",
    ),
    (ReplayMismatchError("r1", 4, "no step 'b'"), "and resume."),
    (DamagedJournalError("r1", 4, "no entry"), "the run whole, and resume."),
    (LostOutcomeError("r1", "ERROR", 6), "rewind_workflow('r1', start_step=6)'."),
    (UnfinishedRunError("r1"), "at the position with 'client.fork('r1', ...)'."),
    (LostOwnershipError("r1"), "Read it with 'client.run('r1')'."),
    (StorageError("a.sqlite", "database is locked"), "and resume the run."),
    (JournalTooNewError("a.sqlite", "version 9"), "-U durable-notebook'."),
]
IDS = [type(error).__name__ for error, _ in REMEDIES]


@pytest.mark.parametrize(("error", "remedy"), REMEDIES, ids=IDS)
def test_an_error_ends_with_the_next_move(
    error: DurableNotebookError, remedy: str
) -> None:
    assert str(error).endswith(remedy), str(error)


@pytest.mark.parametrize("error", [e for e, _ in REMEDIES], ids=IDS)
def test_an_error_comes_back_equal_from_a_pickle(error: DurableNotebookError) -> None:
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert copy.args == error.args
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("error", [e for e, _ in REMEDIES], ids=IDS)
def test_the_fields_of_an_error_are_its_arguments(error: DurableNotebookError) -> None:
    names = list(inspect.signature(type(error).__init__).parameters)[1:]

    if type(error) is not NotLaunchedError:
        assert error.args == tuple(getattr(error, name) for name in names)


@pytest.mark.parametrize("error", [e for e, _ in REMEDIES], ids=IDS)
def test_an_error_names_its_run(error: DurableNotebookError) -> None:
    if hasattr(error, "run_id") and not isinstance(error, InvalidRunIdError):
        assert "'r1'" in str(error)


def test_every_error_is_in_the_list_and_in_the_tree() -> None:
    kinds = {k for _, k in inspect.getmembers(errors, inspect.isclass)}
    tree = re.findall(r"\w+Error", errors.__doc__ or "")

    assert kinds - {DurableNotebookError} == {type(error) for error, _ in REMEDIES}
    assert {kind.__name__ for kind in kinds} == set(tree)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (UnknownRunError, LookupError),
        (ConfigError, ValueError),
        (InvalidRunIdError, ValueError),
        (UnstorableValueError, TypeError),
        (StorageError, OSError),
        (JournalTooNewError, StorageError),
        (NotLaunchedError, RuntimeError),
    ],
)
def test_an_error_is_what_a_caller_would_expect(
    kind: type[Exception], base: type[Exception]
) -> None:
    assert issubclass(kind, base)


def test_a_run_id_that_is_no_text_is_shown_in_short() -> None:
    message = str(InvalidRunIdError("x" * 5_000, "it has 5000 characters"))

    assert len(message) < 250
