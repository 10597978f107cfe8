import contextlib
import itertools
import subprocess
import sys
from pathlib import Path

from engine.store import torrents
from engine.store.store import Store
from tests.engine.store.committer import BLOB
from tests.engine.store.samples import infohash

ROOT = Path(__file__).parents[3]

REPORTS_BEFORE_KILL = (1, 40, 350, 900)
"""Before, at and after the first checkpoints of the WAL."""


def kill_after(reports, path, first):
    """Run the committer, kill it after some reports, and return all numbers it reported."""
    command = [sys.executable, "-m", "tests.engine.store.committer", str(path), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        lines = list(itertools.islice(child.stdout, reports))
        child.kill()
        lines += child.stdout
    # A line that the kill cut off is no report.
    return [int(line) for line in lines if line.endswith(b"\n")]


def test_nothing_that_was_reported_as_committed_is_lost_by_kill_9(path):
    first = 0
    for reports in REPORTS_BEFORE_KILL:
        reported = kill_after(reports, path, first)
        assert len(reported) >= reports

        with contextlib.closing(Store(path)) as store:
            assert store.call(lambda db: db.pragma("integrity_check")) == "ok"
            stored = store.call(torrents.load_all)
            last = stored[-1].hash
            assert store.call(lambda db, last=last: torrents.metainfo(db, last)) == BLOB

        # Whole transactions, in order, at most one more than was reported.
        assert all(record.has_metainfo for record in stored)
        assert [record.hash for record in stored] == [infohash(n) for n in range(len(stored))]
        assert len(stored) in {reported[-1] + 1, reported[-1] + 2}
        first = len(stored)
