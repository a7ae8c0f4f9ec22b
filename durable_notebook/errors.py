"""Every error this package raises.

    DurableNotebookError
    ├── NotLaunchedError            the runtime was used before launch()
    ├── RuntimeClosedError          ... or it was closed under a caller that waits
    ├── DrainingError               ... or it is about to be, and takes no runs
    ├── ConfigError                 settings that cannot work together
    ├── UnknownTablesError          DBOS's tables are not those that were tested
    ├── ExecutorInUseError          another live process owns this executor id
    ├── NoFreeExecutorError         ... or all those of a pool
    ├── LeaseLostError              this process is its executor no more
    ├── UnknownRunError             no run has this id
    ├── InvalidRunIdError           this text cannot be a run id
    ├── RunIdTakenError             the id belongs to another run
    ├── OtherArgumentsError         ... or to one with other arguments
    ├── StrandedRunError            its executor is dead, and is not this process
    ├── LiveElsewhereError          another live process executes the run
    ├── ReassignmentError           runs cannot be given to another executor
    ├── TooManyRecoveriesError      it was begun again too often
    ├── InvalidPositionError        the journal has no such position to go on from
    ├── UndefinedClassError         what was recorded needs a class that is missing
    ├── RunFinishedError            the run ended; it takes no more messages
    ├── UnfinishedRunError          the run has not ended; it cannot be rewound
    ├── NoPromptError               the run does not wait for a person
    ├── NeverAskedError             the run has never asked a question of this number
    ├── AlreadyAnsweredError        somebody answered first
    ├── InvalidFieldsError          fields an event does not accept
    ├── UncheckedAnswerError        nobody here knows which fields an answer has
    ├── NotAWorkflowError           this object is no workflow
    ├── UnstorableValueError        a value that JSON cannot hold
    ├── ReplayMismatchError         the journal does not fit today's workflow
    │   └── DamagedJournalError     ... because something of it is missing or torn
    ├── LostOutcomeError            DBOS says the run ended, its journal does not
    ├── LostOwnershipError          another executor took the run over
    └── StorageError                the database refused a write
        └── JournalTooNewError      ... because a newer version wrote it

The fields of an error are its ``args``, so that it pickles and compares by
value; the sentence is built by ``__str__`` and always ends with the next move.
The module is longer than others, because whoever reads one wants to see them all.
"""

from __future__ import annotations


class DurableNotebookError(Exception):
    """Base of every error that this package raises."""


class NotLaunchedError(DurableNotebookError, RuntimeError):
    """The runtime was used before it was launched."""

    def __str__(self) -> str:
        return (
            "The runtime is not launched. "
            "Call 'await runtime.launch()' first, or use 'async with runtime:'."
        )


class DrainingError(DurableNotebookError, RuntimeError):
    """A run was to begin in a process that is about to end."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} was not started: this process is about to end and "
            "takes no new runs. Start it in another process, or when this one is back."
        )


class RuntimeClosedError(DurableNotebookError, RuntimeError):
    """The runtime was closed while somebody waited for a run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"The runtime was closed while run {self.run_id!r} went on. Its completed "
            "steps are kept: launch a runtime and ask for the run again by its id."
        )


class ConfigError(DurableNotebookError, ValueError):
    """Settings that cannot work together."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class UnknownTablesError(DurableNotebookError, RuntimeError):
    """DBOS's tables are of another release than those that were tested.

    `differences` names each table and column, `installed` the release of dbos here and
    `tested` the releases that this package knows.
    """

    def __init__(
        self, database: str, differences: list[str], installed: str, tested: str
    ) -> None:
        super().__init__(database, differences, installed, tested)
        self.database = database
        self.differences = differences
        self.installed = installed
        self.tested = tested

    def __str__(self) -> str:
        return (
            f"The tables of DBOS in {self.database} are not those that this "
            f"durable_notebook knows: {'; '.join(self.differences)}. It was tested "
            f"with dbos {self.tested}, and dbos {self.installed} is installed. Nothing "
            "was executed and no run was changed. Upgrade with 'pip install -U "
            "durable-notebook', or go back with 'pip install "
            f'"dbos{self.tested}"\'.'
        )


class ExecutorInUseError(DurableNotebookError, RuntimeError):
    """Another live process owns this executor id."""

    def __init__(self, executor_id: str, database: str) -> None:
        super().__init__(executor_id, database)
        self.executor_id = executor_id
        self.database = database

    def __str__(self) -> str:
        return (
            f"Another live process is executor {self.executor_id!r} on "
            f"{self.database}, and one executor runs in one process only. "
            "End that process, or give this "
            "one an 'executor_id' of its own."
        )


class NoFreeExecutorError(DurableNotebookError, TimeoutError):
    """Every executor id of a pool is taken; `holders` says by whom, since when."""

    def __init__(
        self, database: str, prefix: str, waited_s: float, holders: tuple[str, ...]
    ) -> None:
        super().__init__()
        # An OSError would make an errno of the first, and drop the third.
        self.args = (database, prefix, waited_s, holders)
        self.database = database
        self.prefix = prefix
        self.waited_s = waited_s
        self.holders = holders

    def __str__(self) -> str:
        return (
            f"All {len(self.holders)} executor ids of the pool {self.prefix!r} on "
            f"{self.database} are taken, and none became free within "
            f"{self.waited_s:g} s: {'; '.join(self.holders)}. End one of these "
            "processes, or launch with a larger 'pool_size' or 'acquire_timeout'."
        )


class LeaseLostError(DurableNotebookError, RuntimeError):
    """The lease by which this process was an executor has run out.

    `is_taken` says that another process is the executor; otherwise that may be, and
    the database cannot be asked.
    """

    def __init__(self, executor_id: str, database: str, is_taken: bool) -> None:
        super().__init__(executor_id, database, is_taken)
        self.executor_id = executor_id
        self.database = database
        self.is_taken = is_taken

    def __str__(self) -> str:
        if self.is_taken:
            return (
                f"The lease by which this process was executor {self.executor_id!r} of "
                f"{self.database} ran out and another process has taken it, so this "
                "one begins no step more; its runs go on there. Launch again to be "
                "another executor."
            )
        return (
            f"The lease by which this process is executor {self.executor_id!r} of "
            f"{self.database} could not be renewed in time, and another process may "
            "have taken it, so this one begins no step meanwhile. Its runs go on when "
            "the database can be reached again."
        )


class UnknownRunError(DurableNotebookError, LookupError):
    """No run in the journal has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"No run {self.run_id!r} in this journal. "
            "List the known ones with 'client.runs()', and check the database URL."
        )


class InvalidRunIdError(DurableNotebookError, ValueError):
    """A text that cannot be a run id."""

    def __init__(self, run_id: object, reason: str) -> None:
        super().__init__(run_id, reason)
        self.run_id = run_id
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{str(self.run_id)[:60]!r} cannot be a run id: {self.reason}. "
            "Use 1 to 200 printable characters, for example 'order-17'."
        )


class RunIdTakenError(DurableNotebookError, ValueError):
    """The id belongs to another run; `offered` is None where a new one was needed."""

    def __init__(self, run_id: str, recorded: str, offered: str | None) -> None:
        super().__init__(run_id, recorded, offered)
        self.run_id = run_id
        self.recorded = recorded
        self.offered = offered

    def __str__(self) -> str:
        if self.offered is None:
            return (
                f"There is a run {self.run_id!r} already (of {self.recorded!r}). "
                "Choose another id for the new run."
            )
        return (
            f"Run {self.run_id!r} is a run of {self.recorded!r}, not of "
            f"{self.offered!r}. Choose another run id, or run {self.recorded!r} to go "
            "on with it."
        )


class OtherArgumentsError(DurableNotebookError, ValueError):
    """The id belongs to a run that was begun with other arguments."""

    def __init__(self, run_id: str, recorded: str, offered: str) -> None:
        super().__init__(run_id, recorded, offered)
        self.run_id = run_id
        self.recorded = recorded
        self.offered = offered

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} was begun with {self.recorded}, not with "
            f"{self.offered}. Choose another run id, or give no arguments to go on "
            "with it."
        )


class StrandedRunError(DurableNotebookError, RuntimeError):
    """The run belongs to an executor that no live process is."""

    def __init__(self, run_id: str, executor_id: str) -> None:
        super().__init__(run_id, executor_id)
        self.run_id = run_id
        self.executor_id = executor_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} belongs to executor {self.executor_id!r}, and no "
            "live process is that executor, so nobody goes on with it. Open its "
            f"notebook, or launch a runtime with executor_id={self.executor_id!r}; to "
            f"go on with a copy of it here, use 'client.fork({self.run_id!r})'."
        )


class LiveElsewhereError(DurableNotebookError, RuntimeError):
    """Another live process executes the run."""

    def __init__(self, run_id: str, executor_id: str) -> None:
        super().__init__(run_id, executor_id)
        self.run_id = run_id
        self.executor_id = executor_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} is executed by another live process, executor "
            f"{self.executor_id!r}, so it was not deleted. Cancel it with "
            f"'client.cancel({self.run_id!r})', and delete it when it has ended."
        )


class ReassignmentError(DurableNotebookError, ValueError):
    """Runs cannot be given to another executor; none of them was."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class TooManyRecoveriesError(DurableNotebookError, RuntimeError):
    """The run was begun again more often than the runtime was told to."""

    def __init__(self, run_id: str, count: int) -> None:
        super().__init__(run_id, count)
        self.run_id = run_id
        self.count = count

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} was begun {self.count} times and has not ended, so "
            "it is left alone; all it has is kept. Correct what ends its process, and "
            "launch with a larger 'max_recovery_attempts'."
        )


class InvalidPositionError(DurableNotebookError, ValueError):
    """The journal of the run has no such position to go on from."""

    def __init__(self, run_id: str, position: object, last: int) -> None:
        super().__init__(run_id, position, last)
        self.run_id = run_id
        self.position = position
        self.last = last

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} cannot go on from position {self.position!r}. "
            f"Give a number from 0 (begin anew) to {self.last} (keep all it has)."
        )


class UndefinedClassError(DurableNotebookError, LookupError):
    """What was recorded for the run needs a class that this process does not have."""

    def __init__(self, run_id: str, name: str) -> None:
        super().__init__(run_id, name)
        self.run_id = run_id
        self.name = name

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} recorded a {self.name}, and there is no such class "
            "here. Run the cell (or import the module) that defines it, and read the "
            "run again."
        )


class RunFinishedError(DurableNotebookError, RuntimeError):
    """The run ended and takes no more messages."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id, status)
        self.run_id = run_id
        self.status = status

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} has already ended ({self.status}), so nothing was "
            "sent. Start a new run under another id."
        )


class UnfinishedRunError(DurableNotebookError, RuntimeError):
    """The run has not ended, so it cannot be rewound."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} has not ended, so it cannot be rewound. Cancel it "
            f"first with 'client.cancel({self.run_id!r})', or begin another one at the "
            f"position with 'client.fork({self.run_id!r}, ...)'."
        )


class NoPromptError(DurableNotebookError, RuntimeError):
    """The run does not wait for a person."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id, status)
        self.run_id = run_id
        self.status = status

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} does not wait for an answer (it is {self.status}). "
            "List what waits with 'client.runs()'."
        )


class NeverAskedError(DurableNotebookError, LookupError):
    """The run has never asked a question of this number; it has asked `asked`."""

    def __init__(self, run_id: str, number: int, asked: int) -> None:
        super().__init__(run_id, number, asked)
        self.run_id = run_id
        self.number = number
        self.asked = asked

    def __str__(self) -> str:
        has = "none so far"
        if self.asked:
            last = f" to {self.asked - 1}" if self.asked > 1 else " only"
            has = f"number 0{last}"
        return (
            f"Run {self.run_id!r} has never asked question {self.number}: it has asked "
            f"{has}. See what it waits for with 'client.run({self.run_id!r}).info()', "
            "or give no number for the oldest open one."
        )


class AlreadyAnsweredError(DurableNotebookError, RuntimeError):
    """Somebody answered this prompt first."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"This question of run {self.run_id!r} was answered before; the first "
            "answer counts and nothing was sent. Look at what the run does now with "
            f"'client.run({self.run_id!r}).info()'."
        )


class InvalidFieldsError(DurableNotebookError, ValueError):
    """Fields that an event does not accept."""

    def __init__(self, event: str, problems: dict[str, str], fields: list[str]) -> None:
        super().__init__(event, problems, fields)
        self.event = event
        self.problems = problems
        self.fields = fields

    def __str__(self) -> str:
        found = "; ".join(f"{name}: {text}" for name, text in self.problems.items())
        has = ", ".join(self.fields) if self.fields else "none"
        return (
            f"{self.event} cannot be made: {found}. Its fields are: {has}. Correct "
            "them and try again."
        )


class UncheckedAnswerError(DurableNotebookError, LookupError):
    """An answer that cannot be checked: its class is not here, nor its fields."""

    def __init__(self, run_id: str, event: str) -> None:
        super().__init__(run_id, event)
        self.run_id = run_id
        self.event = event

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} waits for {self.event}, and its journal does not say "
            "which fields that has, so nothing was sent. Answer where the class is "
            "defined, or import its module first (--app MODULE)."
        )


class NotAWorkflowError(DurableNotebookError, TypeError):
    """An object that is no workflow was given as one."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name, kind)
        self.name = name
        self.kind = kind

    def __str__(self) -> str:
        return (
            f"{self.name} is {self.kind}, not a workflow. "
            "Give a subclass of 'workflows.Workflow', or an instance of one."
        )


class UnstorableValueError(DurableNotebookError, TypeError):
    """A value that cannot be written as JSON."""

    def __init__(self, run_id: str, where: str, problem: str) -> None:
        super().__init__(run_id, where, problem)
        self.run_id = run_id
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} cannot store {self.where}: {self.problem}. "
            "Keep live objects out of events and 'ctx.store' (make them in the step, "
            "or use a Resource), correct the step, and resume: completed steps are "
            "kept."
        )


class ReplayMismatchError(DurableNotebookError, RuntimeError):
    """The journal does not fit the workflow as it is defined today.

    `changes` says what is another graph than the one that the run recorded.
    """

    def __init__(
        self, run_id: str, position: int, problem: str, changes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(run_id, position, problem, changes)
        self.run_id = run_id
        self.position = position
        self.problem = problem
        self.changes = changes

    def __str__(self) -> str:
        changes = f" Since then: {'; '.join(self.changes)}." if self.changes else ""
        return (
            f"Run {self.run_id!r} cannot go on: its journal does not fit today's "
            f"workflow at position {self.position} ({self.problem}).{changes} Nothing "
            "was changed on disk. Restore the steps and events the run began with, and "
            "resume."
        )


class DamagedJournalError(ReplayMismatchError):
    """Something of the journal is missing, torn or out of its place."""

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} cannot go on: its journal is damaged at position "
            f"{self.position} ({self.problem}). Nothing was changed. Put the database "
            "back from a copy that has the run whole, and resume."
        )


class LostOutcomeError(DurableNotebookError, RuntimeError):
    """DBOS has a run as ended, and its journal does not say how."""

    def __init__(self, run_id: str, status: str, step: int) -> None:
        super().__init__(run_id, status, step)
        self.run_id = run_id
        self.status = status
        self.step = step

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} was ended outside its journal: DBOS has it as "
            f"{self.status}, and no entry says how it ended. Its completed steps are "
            f"kept. Go on with 'DBOS.rewind_workflow({self.run_id!r}, "
            f"start_step={self.step})'."
        )


class LostOwnershipError(DurableNotebookError, RuntimeError):
    """Another executor took the run over, so this process stopped running it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id!r} was taken over by another executor or cancelled, or "
            "the lease of its executor has run out, so this process stopped before its "
            f"next effect. Read it with 'client.run({self.run_id!r})'."
        )


class StorageError(DurableNotebookError, OSError):
    """The database refused a write; what was committed before is intact."""

    def __init__(self, database: str, problem: str) -> None:
        super().__init__(database, problem)
        self.database = database
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.database} could not be used: {self.problem}. Every completed "
            "step is kept. Remove the cause (a lock, a full disk, missing rights) and "
            "resume the run."
        )


class JournalTooNewError(StorageError):
    """A newer version of this package wrote the journal."""

    def __str__(self) -> str:
        return (
            f"{self.database} was written by a newer durable_notebook "
            f"({self.problem}). Nothing was changed. "
            "Upgrade with 'pip install -U durable-notebook'."
        )
