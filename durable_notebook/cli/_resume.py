"""`durable-notebook resume`: the one command that executes."""

from __future__ import annotations

import asyncio
import logging
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from durable_notebook._model import EventView, Json, RunInfo, RunStatus
from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_app, add_run
from durable_notebook.cli._command import (
    INTERRUPTED,
    Command,
    RefusalError,
    database_url,
    open_journal,
    terminal_width,
    typed,
)
from durable_notebook.client._journal import Journal
from durable_notebook.doctor._finding import OURS, ours
from durable_notebook.errors import DurableNotebookError
from durable_notebook.operations._retention import known
from durable_notebook.store import RunRow, Store
from durable_notebook.views import words

# Who takes a run that nobody had: DBOS's own name for a process without one.
_DEFAULT_EXECUTOR = "local"


@dataclass(frozen=True, slots=True)
class _Ended:
    """Where the run stands when this command is done with it."""

    info: RunInfo
    result: EventView | None


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    add_app(parser, required=False)
    parser.add_argument(
        "--executor-id",
        metavar="ID",
        help="as which executor a run is taken that nobody had, such as a fork; by "
        f"default {_DEFAULT_EXECUTOR!r}. Any other run keeps its own",
    )


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        info, row = journal.info(args.run_id), known(journal.store, args.run_id)
        if row.is_paused and journal.go_on(args.run_id) is not None:
            _show_going_on(args, journal)
            return 0
        executor_id = _executor(args, journal, row)
        if info.status.is_final:
            ended = _Ended(info, _result(journal.store, args.run_id))
    if not info.status.is_final:
        if args.app is None:
            raise RefusalError(
                f"No live process has run {args.run_id!r}, so it goes on in this one. "
                "Say which module defines its workflow: --app MODULE."
            )
        try:
            ended = _go_on(args, row, executor_id)
        except KeyboardInterrupt:
            resume = ours("resume", args.run_id, options={"app": args.app})
            said = (
                f"{OURS}: Stopped. Run {args.run_id!r} stays resumable, with all its "
                f"completed steps: '{typed(args, *resume)}' goes on."
            )
            print(words.sentence(said), file=sys.stderr)
            return INTERRUPTED
    document = {
        "run": _documents.run(ended.info),
        "result": _documents.event(ended.result),
    }
    _documents.show(args, document, _said(args, ended))
    if ended.info.status in (RunStatus.INTERRUPTED, RunStatus.FAILED):
        raise RefusalError(_failure(ended.info))
    return 0


def _show_going_on(args: Namespace, journal: Journal) -> None:
    """Tell that a run which was paused goes on in the live process that has it."""
    info = journal.info(args.run_id)
    document = {"run": _documents.run(info), "result": None}
    said = f"Run {info.run_id} goes on, in executor {info.executor_id}."
    _documents.show(args, document, words.sentence(said))


def _executor(args: Namespace, journal: Journal, row: RunRow) -> str:
    """As which executor the run goes on.

    Raises:
        RefusalError: A live process is that executor.
    """
    owner = row.executor_id
    executor_id: str = owner or args.executor_id or _DEFAULT_EXECUTOR
    if not row.is_unfinished or not journal.store.is_held(executor_id):
        return executor_id
    if owner is None:
        raise RefusalError(
            f"Another live process is executor {executor_id!r}. Give this one an id of "
            "its own: --executor-id ID."
        )
    doctor = typed(args, *ours("doctor", row.run_id))
    raise RefusalError(
        f"Run {row.run_id!r} belongs to executor {executor_id!r}, which is a live "
        f"process: it goes on there, and not twice. '{doctor}' tells what it waits for."
    )


def _go_on(args: Namespace, row: RunRow, executor_id: str) -> _Ended:
    # DBOS and the library of workflows are imported for this command only.
    from durable_notebook._config import Settings
    from durable_notebook.cli import _app, _execution

    app = _app.load(args.app, is_program=_app.is_of_program(row.workflow))
    origin = row.input.get("origin")
    workflow = app.workflow(row.workflow, None if origin is None else str(origin))
    settings = Settings(
        database_url=database_url(args),
        executor_id=executor_id,
        recover=(row.run_id,),
        migrate=False,
    )
    is_shown = sys.stdout.isatty() and not args.json
    execution = _execution.Execution(
        settings, row.run_id, is_shown=is_shown, width=terminal_width()
    )
    logger = logging.getLogger("durable_notebook")
    logger.addFilter(_is_no_error_of_ours)
    try:
        info, end = asyncio.run(execution.go_on(workflow, origin))
    finally:
        logger.removeFilter(_is_no_error_of_ours)
    return _Ended(info, _view(end))


def _is_no_error_of_ours(record: logging.LogRecord) -> bool:
    """Drop what this command tells by itself, when it is done."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(each, DurableNotebookError) for each in arguments)


def _result(store: Store, run_id: str) -> EventView | None:
    last = store.last_entry(run_id)
    return _view(None if last is None else last.entry.end)


def _view(end: dict[str, Json] | None) -> EventView | None:
    return EventView.of((end or {}).get("result"))


def _said(args: Namespace, ended: _Ended) -> str:
    info = ended.info
    done = words.plural(info.steps, "completed step")
    lines = [f"Run {info.run_id} is {info.status} ({done})."]
    if ended.result is not None:
        lines.append(f"result: {ended.result}")
    for prompt in info.prompts:
        doctor = typed(args, *ours("doctor", info.run_id))
        lines.append(f"It asks {prompt.asked or prompt.answer_name}; see '{doctor}'.")
    return "\n".join(map(words.sentence, lines))


def _failure(info: RunInfo) -> str:
    if info.status is RunStatus.FAILED:
        return f"Run {info.run_id!r} has failed: {info.error or 'its outcome is lost'}."
    return info.waits_for or f"Run {info.run_id!r} stands still."


COMMAND = Command(
    name="resume",
    summary="go on with a run here, until it ends or waits",
    description="Go on with a run in this process, until it ends or waits for a "
    "person. The module\nthat defines its workflow is imported. It becomes the "
    "executor that the run belongs\nto, and is refused while a live process is that. "
    "No other run is touched. Ctrl-C leaves\nthe run resumable.\n\nA run that is "
    "paused goes on in the live process that has it, if there is one: then\n--app is "
    "not needed.",
    example="resume order-17 --app orders",
    arguments=_arguments,
    run=_run,
)
