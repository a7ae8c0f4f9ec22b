"""Progress, tokens and what was kept, in words and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape

from durable_notebook.journal._progress import Progress
from durable_notebook.journal._usage import Kept, Usage
from durable_notebook.views import words
from durable_notebook.views.table import harmless

_MOST_STEPS = 8


def progress_html(progress: Progress | None) -> str:
    """A bar with its numbers beside it."""
    if progress is None:
        return ""
    said = escape(progress_text(progress))
    return (
        f'<p class="dn-progress"><progress max="1" value="{progress.part:.4f}" '
        f'aria-label="{said}"></progress> {said}</p>'
    )


def progress_text(progress: Progress | None) -> str:
    """How much is done of what."""
    if progress is None:
        return ""
    return words.how_far(progress.done, progress.total, progress.label)


def kept(found: Kept) -> str:
    """What a resumed run did not do, and pay for, again; empty if that is nothing."""
    if not found.steps:
        return ""
    parts = [words.plural(found.steps, "step")]
    if found.time >= timedelta(milliseconds=1):
        parts.append(words.duration(found.time))
    if found.tokens:
        parts.append(tokens(found.tokens))
    said = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{said} kept from before"


def spared(found: Kept) -> str:
    """What is not paid again of a run that ended before, beside its steps and time."""
    return f"{tokens(found.tokens)} not paid again" if found.tokens else ""


def tokens(count: int) -> str:
    """A number of tokens."""
    return f"{count:,} token" if count == 1 else f"{count:,} tokens"


def usage(by_step: Mapping[str, Usage]) -> str:
    """What model calls used in all, and the steps that used the most."""
    if not by_step:
        return ""
    first = sorted(by_step.items(), key=lambda item: -item[1].total)
    parts = [f"{harmless(step)} {used.total:,}" for step, used in first[:_MOST_STEPS]]
    more = len(first) - _MOST_STEPS
    if more > 0:
        parts.append(f"{words.plural(more, 'other step')}")
    whole = sum(by_step.values(), Usage())
    split = f" ({whole.given:,} in, {whole.made:,} out)" if whole.given else ""
    return f"{tokens(whole.total)}{split}: {', '.join(parts)}"
