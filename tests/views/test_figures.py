"""Progress, tokens and what was kept, as a person reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from durable_notebook.journal._progress import Progress
from durable_notebook.journal._usage import Kept, Usage
from durable_notebook.views import figures


@pytest.mark.parametrize(
    ("done", "total", "said", "value"),
    [
        (3, 10, "3 of 10 (30%)", "0.3000"),
        (0, 0, "0 of 0", "0.0000"),
        (12_000, 10_000, "12,000 of 10,000 (100%)", "1.0000"),
        (-5, 10, "-5 of 10 (0%)", "0.0000"),
        (5, -10, "5 of -10", "0.0000"),
    ],
)
def test_progress_is_a_bar_with_its_numbers(
    done: int, total: int, said: str, value: str
) -> None:
    progress = Progress(done=done, total=total)

    assert figures.progress_text(progress) == said
    assert f'<progress max="1" value="{value}"' in figures.progress_html(progress)
    assert figures.progress_text(None) == figures.progress_html(None) == ""


def test_a_hostile_label_is_text() -> None:
    label = '"><img onerror=x>\x1b[31m\u202e' + "x" * 500

    shown = figures.progress_html(Progress(done=1, total=2, label=label))

    assert "<img" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 600


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (
            Kept(14, timedelta(seconds=200), 12_400),
            "14 steps, 3 min 20 s and 12,400 tokens kept from before",
        ),
        (Kept(1, timedelta(seconds=2)), "1 step and 2.0 s kept from before"),
        (Kept(1, timedelta(microseconds=400)), "1 step kept from before"),
        (Kept(), ""),
    ],
)
def test_what_was_kept_is_a_sentence(kept: Kept, said: str) -> None:
    assert figures.kept(kept) == said


def test_usage_names_the_steps_that_used_most() -> None:
    used = {f"s{n}": Usage(n, 1, n + 1) for n in range(1, 12)}

    assert figures.usage({"plan": Usage(10, 5, 15)}) == (
        "15 tokens (10 in, 5 out): plan 15"
    )
    assert figures.usage(used).startswith("77 tokens (66 in, 11 out): s11 12, s10 11")
    assert figures.usage(used).endswith("s4 5, 3 other steps")
    assert figures.usage({}) == ""
