"""What a diagnosis says, in words: titles, times, and a report as text or HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from durable_notebook._model import RunInfo, short
from durable_notebook.doctor._finding import Cause, Examined, Finding
from durable_notebook.views import html as page
from durable_notebook.views import words
from durable_notebook.views.table import clip, harmless

KEPT = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, which stay together where a line is wrapped."""

_NONE = timedelta()

# A text of a run may be as long as it likes.
_LONGEST = 1500
_MOST_RUNS = 50
_MOST_MARKUP = _MOST_TEXT = 60_000
_MOST_OF_RUN = 30_000
_MOST_LINES = 20

Cures = Callable[[Finding], Sequence[str]]
"""The lines that cure a cause, as they are typed where the report is shown."""

TITLES = {
    Cause.ENDED: "There is nothing to do",
    Cause.FAILED: "It has failed",
    Cause.OUTCOME_LOST: "Its end was not recorded",
    Cause.UNREADABLE: "Its journal is damaged",
    Cause.NOBODY_TOOK_IT: "Nobody has taken it",
    Cause.EXECUTOR_DEAD: "Nobody executes it",
    Cause.NOT_TAKEN: "Its process has not taken it",
    Cause.BEGUN_OFTEN: "It was begun too often",
    Cause.WAITING_FOR_ANSWER: "It waits for an answer",
    Cause.PAUSED: "It is paused",
    Cause.RETRY_LATER: "A step is tried again later",
    Cause.STEP_RUNNING: "A step is running",
    Cause.NOT_BEGUN: "It has not begun",
    Cause.WAITING_FOR_RUN: "It waits for another run",
    Cause.WAITING_FOR_EVENT: "It waits for an event",
    Cause.TIMES_OUT: "It stops waiting by itself",
    Cause.LEFT_AT_REST: "It waits outside of memory",
    Cause.MESSAGE_UNREAD: "A message was not taken",
    Cause.JOURNAL_NEWER: "A newer version has written it",
    Cause.JOURNAL_LOCKED: "The database is locked",
    Cause.JOURNAL_UNUSABLE: "The database cannot be used",
    Cause.NO_RIGHTS: "Rights are missing",
    Cause.DBOS_UNTESTED: "This version of dbos was not tested",
    Cause.DEFINITION_MISSING: "Its definition is missing",
    Cause.GRAPH_CHANGED: "Its workflow has changed",
    Cause.OWNED_ELSEWHERE: "It is another process's",
    Cause.RELEASED: "It waits outside of memory",
    Cause.STOPPED: "It was stopped",
    Cause.JOURNAL_FULL: "The database is full",
    Cause.JOURNAL_REFUSED: "The database refused a write",
}


def title(found: Finding) -> str:
    """A cause in a few words."""
    return TITLES[found.cause]


def times(found: Finding) -> str:
    """Since when it is so, and when it ends by itself."""
    now = datetime.now(UTC)
    said = ""
    if found.since is not None:
        said += _time("Since", found.since, "", now - found.since)
    if found.due is not None:
        said += _time("Due", found.due, "in ", found.due - now)
    return said


def _time(word: str, moment: datetime, before: str, span: timedelta) -> str:
    text = f"{words.moment(moment)} ({before}{words.duration(max(span, _NONE))})."
    return f" {word} " + text.replace(" ", KEPT)


def says(found: Finding) -> str:
    """What is said of a cause, bounded and harmless."""
    return harmless(words.cut(found.says, _LONGEST))


def evidence(found: Finding) -> list[str]:
    """What was found of it, bounded and harmless."""
    return [harmless(words.cut(e, _LONGEST)) for e in found.evidence[:_MOST_LINES]]


def heading(info: RunInfo) -> str:
    """Which run, and who has it."""
    parts = [words.name(info.run_id), words.short_name(info.workflow), str(info.status)]
    if not info.status.is_final and info.executor_id is not None:
        parts.append(f"executor {words.name(info.executor_id)}")
    return " · ".join(parts)


NOTHING = "Nothing stands still here: no run is unfinished."


def text(found: Sequence[Finding], runs: Sequence[Examined], cures: Cures) -> str:
    """A report for a terminal, a finding below the other."""
    lines = lambda each, indent: _lines(each, cures, indent)  # noqa: E731
    return report(found, runs, lines, left_out)


def report(
    found: Sequence[Finding],
    runs: Sequence[Examined],
    lines: Callable[[Finding, str], Sequence[str]],
    more: Callable[[int], str],
    width: int | None = None,
) -> str:
    """A report of which `lines` gives those of a finding, behind an indent.

    It is bounded; `more` says of how many runs it tells nothing. `width` is what the
    heading of a run may take, None for any.
    """
    if not found and not runs:
        return NOTHING

    def group(run: Examined) -> str:
        blocks = ("\n".join(lines(each, "  ")) for each in run.found)
        said = page.within(blocks, _MOST_OF_RUN)
        rest = len(run.found) - len(said)
        said += [f"  and {words.plural(rest, 'more cause')}"] if rest else []
        return "\n".join([clip(harmless(heading(run.info)), width), *said])

    parts = page.within("\n".join(lines(each, "")) for each in found)
    room = _MOST_TEXT - sum(map(len, parts))
    groups = page.within(map(group, shown(runs)), room)
    parts += groups
    if len(groups) < len(runs):
        parts.append(more(len(runs) - len(groups)))
    return "\n\n".join(parts)


def left_out(count: int) -> str:
    """What is said of the runs that a report does not show."""
    verb = "is" if count == 1 else "are"
    return f"{words.plural(count, 'older run')} {verb} in the frame."


def _lines(found: Finding, cures: Cures, indent: str) -> list[str]:
    said = f"{says(found)}{times(found)}"
    lines = [f"{indent}{title(found)}. {said}".replace(KEPT, " ")]
    lines += [f"{indent}  – {each}" for each in evidence(found)]
    return lines + [f"{indent}    {typed(line)}" for line in cures(found)]


def typed(line: str) -> str:
    """A line that cures something, bounded and harmless."""
    return harmless(short(line, _LONGEST))


def html(found: Sequence[Finding], runs: Sequence[Examined], cures: Cures) -> str:
    """A report as a fragment of HTML."""
    if not found and not runs:
        return page.line(NOTHING) + page.as_of_now()
    groups = (_group(run, cures) for run in runs[:_MOST_RUNS])
    parts = page.within(_block(each, cures) for each in found)
    room = _MOST_MARKUP - sum(map(len, parts))
    said = page.within(groups, room)
    parts += said
    if len(said) < len(runs):
        parts.append(page.line(left_out(len(runs) - len(said))))
    return "".join([*parts, page.as_of_now()])


def _group(run: Examined, cures: Cures) -> str:
    info = run.info
    head = (
        f'<p class="dn-head"><b>{escape(words.name(info.run_id))}</b> '
        f"{escape(words.name(words.short_name(info.workflow)))} "
        f'<span class="dn-badge dn-{info.status}">{info.status}</span></p>'
    )
    return head + "".join(
        page.within((_block(e, cures) for e in run.found), _MOST_OF_RUN)
    )


def _block(found: Finding, cures: Cures) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in evidence(found))
    lines = "".join(
        f"<p><code>{escape(typed(line))}</code></p>" for line in cures(found)
    )
    when = times(found).strip()
    return (
        f'<div class="dn-finding"><p><b>{title(found)}</b></p><p>{escape(says(found))}'
        f' <span class="dn-quiet">{escape(when)}</span></p>'
        f"{f'<ul>{items}</ul>' if items else ''}{lines}</div>"
    )


def shown(runs: Sequence[Examined]) -> Sequence[Examined]:
    """The runs that a report shows."""
    return runs[:_MOST_RUNS]
