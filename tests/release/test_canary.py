"""What the canary says of what it has found. `make canary` runs it."""

from __future__ import annotations

from pathlib import Path

from .canary import SUITES, WATCHED, Outcome, caps, read, report
from .empty import ROOT

OURS = {"dbos": "3.4.1", "llama-index-workflows": "2.26.1"} | {
    "llama-agents-server": "0.8.0",
    "ipykernel": "7.4.0",
}

REPORT = """<testsuites><testsuite>
<testcase name="test_fine"/>
<testcase name="test_skipped"><skipped/></testcase>
<testcase name="test_name[dbos.X]"><failure message="AssertionError: X is gone
and more">there
E   AssertionError: X is gone
</failure></testcase>
<testcase name="test_again"><failure message="AssertionError: X is gone"/></testcase>
<testcase name="tests.runtime"><error message="collection failure">here
E   ImportError: cannot import name 'X' from 'workflows'
</error></testcase>
</testsuite></testsuites>"""


def test_what_is_watched_is_capped() -> None:
    assert set(caps()) == set(WATCHED)


def test_the_suites_are_there() -> None:
    paths = [path for paths in SUITES.values() for path in paths]

    assert [
        path for path in paths if not (ROOT / path.partition("::")[0]).is_file()
    ] == []


def test_a_report_is_read(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)

    found = read(tmp_path / "report.xml")

    assert found.passed == 1
    assert found.problems == (
        "AssertionError: X is gone (test_name[dbos.X] and 1 more)",
        "ImportError: cannot import name 'X' from 'workflows' (tests.runtime)",
    )


def test_what_broke_is_said_with_the_release_that_broke_it() -> None:
    broken = Outcome(3, ("test_name[dbos.X]: dbos.X is gone",))
    said = report(OURS | {"dbos": "3.5.0"}, {"dbos, by name": broken})

    assert "dbos 3.5.0 is NOT allowed (<3.5,>=3.4)" in said
    assert "BROKEN dbos, by name:" in said
    assert "dbos.X is gone" in said
    assert said.endswith("it says which module needs it.")


def test_a_release_that_breaks_nothing_may_be_allowed() -> None:
    said = report(OURS | {"dbos": "3.5.0"}, {"runs": Outcome(3, ())})

    assert "fine   runs: 3 checks passed" in said
    assert said.endswith("Nothing broke with dbos 3.5.0: raise the caps, test all.")


def test_nothing_new_is_said() -> None:
    said = report(OURS, {"runs": Outcome(3, ())})

    assert said.endswith("Nothing broke, and nothing newer than our caps was there.")
