from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "notebooks/tour.py"


@pytest.mark.kernel
@pytest.mark.timeout(180)
def test_the_tour_finds_the_lesson_true() -> None:
    done = subprocess.run(
        [sys.executable, str(TOUR)],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "final_count = 20" in done.stdout
