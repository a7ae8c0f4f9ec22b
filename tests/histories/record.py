"""Write the journals of the version that is installed."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from tests.crash import verdict
from tests.crash.backends import SqliteFiles
from tests.crash.child import Job
from tests.crash.forkserver import Forkserver
from tests.crash.trial import Trial, commits_of

HERE = Path(__file__).parent

# Name of the journal, its workflow, and after how many entries it has a snapshot.
JOURNALS = (
    ("counter", "counter", 256),
    ("counter-with-snapshots", "counter", 3),
    ("fanout", "fanout", 256),
    ("retries", "retries", 256),
    ("interview", "interview", 256),
    ("panel", "panel", 256),
    ("letters", "letters", 256),
)


ENTRY = "INSERT INTO operation_outputs"


def main() -> None:
    """Record each of `JOURNALS` in the folder of this version."""
    folder = HERE / version("durable-notebook")
    folder.mkdir(exist_ok=True)
    with Forkserver() as server, tempfile.TemporaryDirectory() as scratch:
        opened = Path(scratch) / "opened"
        opened.mkdir()
        files = SqliteFiles()
        url = files.fresh(opened)
        server.run(Job("counter", str(opened), url, 0, only_launch=True))
        files.keep(url)
        for name, workflow, snapshot_every in JOURNALS:
            whole = Trial(workflow, snapshot_every=snapshot_every)
            undisturbed = Path(scratch) / f"{name}-undisturbed"
            assert not whole.run(server, undisturbed, files)
            commits = commits_of(undisturbed)
            entries = [n for n, what in enumerate(commits, 1) if ENTRY in what]
            # In the middle, and once more as late as it is not yet at its end.
            middle = entries[len(entries) // 2]
            for second in range(entries[0] + 1, 0, -1):
                killed = Path(scratch) / f"{name}-{second}"
                killed.mkdir()
                url = files.opened(killed)
                for process, commit in ((1, middle), (2, second)):
                    job = Job(
                        workflow,
                        str(killed),
                        url,
                        process,
                        kill_at=commit,
                        when="after",
                        snapshot_every=snapshot_every,
                    )
                    assert server.run(job) < 0
                if verdict.Stored.read(files, url).entries[-1].end is None:
                    break
            text = dump(killed / "journal.sqlite")
            (folder / f"{name}.sql").write_text(text, encoding="utf-8")
            print(f"{name}: {len(text) // 1024} KB, killed twice")


def dump(journal: Path) -> str:
    """A database as SQL."""
    with closing(sqlite3.connect(journal)) as database:
        return "\n".join(database.iterdump()) + "\n"


if __name__ == "__main__":
    main()
