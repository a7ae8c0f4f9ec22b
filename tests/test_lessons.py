"""Every lesson runs from top to bottom, with its kills, and its exercise is judged.

Each is run once, in real kernels, with the right guesses filled in; in the place of the
cell with the verdict wrong guesses are judged too.
"""

from __future__ import annotations

from pathlib import Path

import lessons
import nbformat
import pytest
import tour

from durable_notebook.client._journal import Journal

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240)]

RIGHT = {
    "01": ("short-1", "sessions=3 start=1 count=5 runs_again=['increment']"),
    "02": ("order-3", "charge=2 ship=1 ledger_lines=3"),
    "03": ("pages-3", "translate=5 count=3 ledger_lines=5 goes_on_with='translate'"),
    "04": ("post-2", "sessions=3 draft=1 publish=2 runs_again=['publish']"),
    "05": ("pages-4", "fetch=7 collect=4 runs_again=['fetch'] ledger_lines=7"),
    "06": (
        "note-1",
        "write=1 check=2 sign=1 writer='version 1' checker='version 2' "
        "status='completed'",
    ),
    "07": ("order-99", "sessions=2 quote=1 send=2 ledger_lines=2"),
    "08": (
        "book-9",
        "sessions=3 translate=6 ledger_lines=6 runs_again=['translate']",
    ),
    "09": ("bills-2", "sessions=3 summarise=5 report=1 ledger_lines=5"),
}
WRONG = {
    "01": "sessions=2 start=3 count=7 runs_again=['start']",
    "02": "charge=1 ship=2 ledger_lines=2",
    "03": "translate=3 count=5 ledger_lines=3 goes_on_with='begin'",
    "04": "sessions=1 draft=2 publish=1 runs_again=[]",
    "05": "fetch=4 collect=8 runs_again=['collect'] ledger_lines=4",
    "06": (
        "write=2 check=1 sign=0 writer='version 2' checker='version 1' status='failed'"
    ),
    "07": "sessions=3 quote=2 send=1 ledger_lines=1",
    "08": "sessions=2 translate=7 ledger_lines=5 runs_again=['open_book']",
    "09": "sessions=1 summarise=4 report=2 ledger_lines=6",
}

_VERDICTS = """
right = %durable_check {run_id}
wrong = %durable_check {run_id} {wrong}
print(right)
print("---")
print(wrong)
"""


def learn(number: str, folder: Path) -> lessons.Taught:
    """Run a lesson as somebody does who guesses right, and then wrong."""
    (lesson,) = (path for path in lessons.LESSONS if path.name.startswith(number))
    run_id, right = RIGHT[number]
    cells = nbformat.read(lesson, as_version=4).cells
    (dots,) = (cell.source for cell in cells if cell.id == "guess")
    ledger = dots.splitlines()[0].partition(" --")[2]
    line = f"%durable_check {run_id} {right}" + (f" --{ledger}" if ledger else "")
    verdicts = _VERDICTS.format(run_id=run_id, wrong=WRONG[number])
    taught = lessons.teach(lesson, folder, filled={"guess": line, "verdict": verdicts})
    good, _, bad = taught.outputs("verdict").partition("---")

    count = len(WRONG[number].split("="))
    assert f"All {count - 1} right." in good, good
    assert f"0 of {count - 1} right." in bad, bad
    assert "interrupted" in bad
    assert left_behind(cells[-1].source, taught) == []
    return taught


def left_behind(end: str, taught: lessons.Taught) -> list[str]:
    """What the lesson made that the cell at its end does not delete, to begin again."""
    lines = [line.split() for line in end.splitlines() if line.startswith("%")]
    again = {name: words for name, *words in lines}
    patterns = again.get("%rm", [])
    given = {path.name for path in lessons.HERE.iterdir()}
    made = [path for path in taught.folder.glob("[!._]*") if path.name not in given]
    left = [path.name for path in made if not any(map(path.match, patterns))]
    if "%durable_delete" in again and "%durable_connect" not in again:
        with Journal.open(
            f"sqlite:///{taught.folder}/.durable_notebook/journal.sqlite"
        ) as j:
            left += {run.run_id for run in j.runs()} - set(again["%durable_delete"])
    return left


def test_every_lesson_is_tested() -> None:
    assert [path.name[:2] for path in lessons.LESSONS] == sorted(RIGHT)


@pytest.mark.parametrize("lesson", lessons.LESSONS, ids=lambda path: path.name[:2])
def test_a_lesson_keeps_its_outputs_and_no_answer(lesson: Path) -> None:
    notebook = nbformat.read(lesson, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert "..." in cells["guess"].source
    assert "Guess first" in str(cells["verdict"].outputs)
    assert any(cell.outputs for cell in code)
    assert "widgets" not in notebook.metadata


def test_crash_and_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taught = learn("01", tmp_path)

    assert tour.report(taught) == 0
    assert "final_count = 20" in capsys.readouterr().out
    assert "was begun with" in taught.printed()


def test_what_runs_twice(tmp_path: Path) -> None:
    taught = learn("02", tmp_path)

    lines = {
        name: (tmp_path / name).read_text().splitlines()
        for name in ("bank.txt", "bank_2.txt")
    }
    assert taught.lives == 2
    assert lines["bank.txt"] == ["charged 40", "charged 40", "shipped"]
    assert [line.split("\t")[0] for line in lines["bank_2.txt"]] == [
        "charged 40",
        "shipped",
    ]
    assert "the card was charged 2 times" in taught.printed()


def test_one_commit(tmp_path: Path) -> None:
    taught = learn("03", tmp_path)

    said = taught.printed()
    assert "page 1 was printed 2 times" in said
    assert said.count("count in the store: 3") == 2
    assert said.count("announced:          [1, 2, 3]") == 2
    assert "['page 1', 'page 2', 'page 2', 'page 3']" in said
    assert "['page 1', 'page 2', 'page 3']" in said


def test_a_person_in_the_middle(tmp_path: Path) -> None:
    taught = learn("04", tmp_path)

    said = taught.printed()
    assert taught.lives == 2
    assert "it stands still, and says why" in said
    assert "the run goes on: it is waiting" in said
    assert "by notebook 04_the_other_notebook.ipynb" in said
    assert "1 call, " in said
    assert "published" in said


def test_side_by_side(tmp_path: Path) -> None:
    taught = learn("05", tmp_path)

    said = taught.printed()
    assert taught.lives == 2
    assert "the stations were asked 9 times" in said
    assert "it waited 3." in said
    assert "offer: too late" in said
    assert "the visit is waiting" in said
    assert "WorkflowTimeoutError" in said
    assert "the print is running" in said
    assert "WorkflowCancelledByUser" in said
    assert "0 unfinished runs\ncancelled\npage 1\n" in said


def test_change_the_code(tmp_path: Path) -> None:
    taught = learn("06", tmp_path)

    said = taught.printed()
    assert "it was sent by version 1" in said
    assert "sent by version 2\n" in said
    assert "step check is gone\nstep proofread is new\n" in said
    assert "12 pages are right" in said
    assert "12 pages, proofread" in said
    assert "report-v2  completed" in said


def test_a_real_one(tmp_path: Path) -> None:
    taught = learn("09", tmp_path)

    said = taught.printed()
    done = taught.journals()["bills-1"]
    done = done[done["status"] == "completed"]
    assert taught.lives == 4
    assert len(done) == 43
    assert "waiting after 42 steps" in said
    assert "04_chairs says 172.00, and its lines make 127.00" in said
    assert "held back: 04_chairs 08_piano" in said
    assert "ten summaries and a report: 11 calls, " in said
    assert "not paid again: 19 calls, " in said


def test_from_notebook_to_server(tmp_path: Path) -> None:
    taught = learn("07", tmp_path)

    said = taught.printed()
    assert taught.lives == 1
    assert "Handler 'order-1' is already running" in said
    assert "answered by HTTP at" in said
    assert "does not wait for an answer (it is completed)" in said
    assert "50 orders wait, 0 are in memory" in said
    assert "sent 17 tea" in said
    assert (tmp_path / "parcels_99.txt").read_text().splitlines() == ["99 tea"] * 2


def test_two_replicas(open_folder: Path) -> None:
    taught = learn("08", open_folder)

    said = taught.printed()
    pages = {
        book: (open_folder / f"{book}.txt").read_text().splitlines()
        for book in ("book-1", "book-2", "book-3")
    }
    assert taught.lives == 1
    assert "ended with -9" in said
    assert "book-1 is interrupted" in said
    assert "Its executor 'replica-1' is not alive" in said
    assert "ended with 0" in said
    assert [len(lines) for lines in pages.values()] == [6, 5, 5]
