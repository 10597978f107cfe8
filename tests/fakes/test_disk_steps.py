"""Children die exactly where they are told to, and say how they ended."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import apsw
import pytest

from tests.fakes.disk_database import SteppedDatabases, cut_database
from tests.fakes.disk_steps import DIED, Nursery, Steps, dying


def write_three_times(base: str, last: int) -> None:
    folder = Path(base) / "disk"
    with dying(folder, Path(base) / "shadow", last) as step:
        fd = os.open(folder / "file", os.O_RDWR | os.O_CREAT)
        for at in range(3):
            os.pwritev(fd, [b"x"], at)
        step()


def fail() -> None:
    raise KeyError("told on purpose")


def fill_a_database(base: str, last: int) -> None:
    folder = Path(base)
    databases = SteppedDatabases(folder / "shadow", Steps(last))
    db = apsw.Connection(str(folder / "db"))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "FULL")
    db.execute("CREATE TABLE kept (number)")
    db.execute("INSERT INTO kept VALUES (1)")
    db.pragma("synchronous", "NORMAL")
    db.execute("INSERT INTO kept VALUES (2)")
    assert databases
    os._exit(0)  # closing would sync it all


@pytest.fixture(scope="module")
def nursery():
    with Nursery("tests.fakes.test_disk_steps") as nursery:
        yield nursery


def test_a_child_dies_before_the_call_of_its_number(nursery, tmp_path):
    for last, size in [(1, None), (2, 0), (3, 1), (5, 3)]:
        base = tmp_path / str(last)
        (base / "disk").mkdir(parents=True)

        assert nursery.run(write_three_times, base=base, last=last) == DIED

        file = base / "disk" / "file"
        assert (file.stat().st_size if file.exists() else None) == size


@pytest.mark.parametrize("last", [0, 6])
def test_a_child_that_does_not_reach_its_step_lives(nursery, tmp_path, last):
    (tmp_path / "disk").mkdir()

    assert nursery.run(write_three_times, base=tmp_path, last=last) == 0


def test_a_child_that_fails_is_told_from_one_that_died(capfd):
    with Nursery("tests.fakes.test_disk_steps") as nursery:
        assert nursery.run(fail) == 1
    assert "told on purpose" in capfd.readouterr().err


def test_children_take_milliseconds(nursery):
    began = time.monotonic()
    for _ in range(20):
        nursery.run(fail)

    assert time.monotonic() - began < 5  # twenty interpreters would take longer


def test_a_nursery_leaves_no_process_behind():
    with Nursery("tests.fakes.test_disk_steps") as nursery:
        process = nursery._process

    assert process.returncode == 0


def test_steps_are_counted_over_all_threads():
    steps = Steps(0)
    threads = [threading.Thread(target=steps) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert steps.count == 10


def test_a_power_cut_takes_from_a_database_what_was_not_synced(nursery, tmp_path):
    assert nursery.run(fill_a_database, base=tmp_path, last=0) == 0
    with sqlite3.connect(f"file:{tmp_path / 'db'}?mode=ro", uri=True) as db:
        assert db.execute("SELECT number FROM kept").fetchall() == [(1,), (2,)]
    db.close()

    cut_database(tmp_path / "db", tmp_path / "shadow")

    with sqlite3.connect(tmp_path / "db") as db:
        assert db.execute("SELECT number FROM kept").fetchall() == [(1,)]
    db.close()


def test_a_database_is_stepped_through_as_well(nursery, tmp_path):
    steps = 0
    how = DIED
    while how == DIED:
        steps += 1
        base = tmp_path / str(steps)
        base.mkdir()
        how = nursery.run(fill_a_database, base=base, last=steps)

    assert how == 0
    assert steps > 10
