"""A move or a copy that is killed between any two system calls, and with the power gone as well.

Afterwards the files are where the store says, whole, and nowhere else; see
`tests.whole.test_killed_steps` for how it is done.

    SOAK_SEEDS=1 pytest tests/engine/jobs/test_moves_killed.py    # every step, every kind of cut
"""

import asyncio
import errno
import itertools
import os
import shutil
import types
from pathlib import Path

import pytest

from engine.jobs.carry import Carrier
from engine.jobs.config import JobsConfig, Timing
from engine.jobs.crew import Crew
from engine.jobs.ledger import Ledger
from engine.jobs.share import share
from engine.store import files, moves, shares, torrents
from engine.store.records import FileRecord, MoveRecord, ShareRecord, TorrentRecord
from engine.store.store import Store
from engine.transfer import disk
from tests.fakes.disk_database import SteppedDatabases, cut_database
from tests.fakes.disk_power import cut
from tests.fakes.disk_steps import DIED, Nursery, dying

LONG = "SOAK_SEEDS" in os.environ
HASH = "ab" * 20
SHOW = {"Show/a.mkv": b"a" * 9000, "Show/Subs/a.srt": b"s" * 300, "Show/empty": b""}
MOST_STEPS = 400

MOVES = {
    "renamed file": ("complete", "complete", "Show/a.mkv", "Show/New/b.mkv"),
    "renamed folder": ("complete", "complete", "Show", "Other"),
    "folder into itself": ("complete", "complete", "Show", "Show/In"),
    "another folder": ("complete", "library/new", "Show", "Show"),
    "another file system": ("complete", "mounted", "Show", "Show"),
    "unfinished": (f"incomplete/{HASH}", f"incomplete/{HASH}", "Show", "Other"),
}

POWER = {
    "killed": (),
    "files lost": ("files",),
    "database lost": ("database",),
    "both lost": ("files", "database"),
}
"""What a power cut takes besides the process: all that was not synced, of these."""


@pytest.fixture(scope="module")
def nursery():
    with Nursery("tests.engine.jobs.test_moves_killed") as nursery:
        yield nursery


def lay_out(base: Path, kind: str) -> None:
    """Make a torrent, on disk and in the store."""
    downloads = base / "downloads"
    source, target, _, _ = MOVES[kind]
    for path, data in SHOW.items():
        file = downloads / source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    if target == "mounted":
        (downloads / target).mkdir()
    record = TorrentRecord(
        hash=HASH,
        name="Show",
        state="completed" if source == "complete" else "paused",
        save_path=str(downloads / "complete"),
        root="Show",
        added_at=1,
        auto_managed=True,
    )
    records = [
        FileRecord(
            torrent=HASH,
            index=index,
            path=path,
            size=len(data),
            flushed=len(data),
            published=source == "complete",
        )
        for index, (path, data) in enumerate(SHOW.items())
    ]

    def work(db):
        torrents.save(db, record)
        files.replace(db, HASH, records)

    store = Store(base / "config/store.db")
    store.call(work)
    store.close()


def move(base: str, kind: str, last: int) -> None:
    """Be the child: begin the move, or go on with it, and die at step `last` if there is one."""
    folder = Path(base)
    real = disk.rename
    mounted = (folder / "downloads/mounted").resolve()

    def rename(source, target):
        crosses = target.is_relative_to(mounted) and not source.is_relative_to(mounted)
        return False if crosses else real(source, target)

    disk.rename = rename  # the child has one life, and does not need the other one again
    with dying(folder / "downloads", folder / "shadow", last) as step:
        databases = SteppedDatabases(folder / "shadow-database", step)
        for file in (folder / "config").glob("store.db*"):
            databases.promise(file)
        asyncio.run(_move(folder, kind, begins=last > 0))


async def _move(folder: Path, kind: str, *, begins: bool) -> None:
    store = Store(folder / "config/store.db")
    ledger = Ledger(store, lambda: 1.0)
    await ledger.load()
    downloads = folder / "downloads"
    config = JobsConfig(download_dir=downloads)
    tools = types.SimpleNamespace(ledger=ledger, config=config, timing=Timing())
    carrier = Carrier(tools, Crew(tools))
    source, target, old, new = MOVES[kind]
    if begins:
        await carrier.carry(
            MoveRecord(
                torrent=HASH,
                source=str(downloads / source),
                target=str(downloads / target),
                old=old,
                new=new,
                auto_managed=False,
            )
        )
    carrier.go_on(HASH)
    while carrier._tasks:
        await asyncio.wait(list(carrier._tasks.values()))
    store.close()


def outcomes(nursery, tmp_path, child, prepare, check, **arguments):
    """Kill the child at every step, go on, and check; return what was found, and the steps."""
    found = set()
    for step in itertools.count(1):
        assert step < MOST_STEPS
        for mode in POWER if LONG else [list(POWER)[step % len(POWER)]]:
            base = tmp_path / f"{step}-{mode}"
            prepare(base)
            how = nursery.run(child, base=base, last=step, **arguments)
            if how == 0:
                return found, check(base), step
            assert how == DIED
            if "files" in POWER[mode]:
                cut(base / "downloads", base / "shadow")
            if "database" in POWER[mode]:
                cut_database(base / "config/store.db", base / "shadow-database")
            assert nursery.run(child, base=base, last=0, **arguments) == 0, (step, mode)
            found.add(check(base))
            shutil.rmtree(base)
    raise AssertionError


@pytest.mark.parametrize("kind", MOVES)
def test_a_move_that_was_killed_is_done_or_undone(nursery, tmp_path, kind):
    found, last, steps = outcomes(
        nursery,
        tmp_path,
        move,
        lambda base: lay_out(base, kind),
        lambda base: agrees(base, kind),
        kind=kind,
    )
    assert last == "new"
    assert found == {"old", "new"}
    assert steps > 10


def agrees(base: Path, kind: str) -> str:
    """All files are where the store says and nowhere else; say if that is the old or new place."""
    store = Store(base / "config/store.db")
    record, records, left = store.call(
        lambda db: (torrents.load_all(db)[0], files.of(db, HASH), moves.load_all(db))
    )
    store.close()
    downloads = base / "downloads"
    source, target, old, new = MOVES[kind]
    done = not record.auto_managed
    folder = downloads / (target if done else source)
    expected = {
        str(folder / (path.replace(old, new, 1) if done else path)): data
        for path, data in SHOW.items()
    }
    found = {str(path): path.read_bytes() for path in downloads.rglob("*") if path.is_file()}
    assert found == expected
    assert [str(folder / file.path) for file in records] == list(expected)
    assert left == []
    if source == "complete":
        assert record.save_path == str(folder)
    return "new" if done else "old"


def lay_out_twice(base: Path) -> None:
    """Make a torrent that is wanted in another folder too."""
    lay_out(base, "renamed file")
    store = Store(base / "config/store.db")
    one = ShareRecord(torrent=HASH, category="uhd", save_path=str(base / "downloads/uhd"))
    store.call(lambda db: shares.replace(db, HASH, [one]))
    store.close()


def copy(base: str, last: int, *, links: bool) -> None:
    """Be the child: make the copy, or go on with it, and die at step `last` if there is one."""
    folder = Path(base)
    if not links:
        os.link = _no_links  # the child has one life
    with dying(folder / "downloads", folder / "shadow", last) as step:
        databases = SteppedDatabases(folder / "shadow-database", step)
        for file in (folder / "config").glob("store.db*"):
            databases.promise(file)
        asyncio.run(_copy(folder))


def _no_links(*_, **__):
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


async def _copy(folder: Path) -> None:
    store = Store(folder / "config/store.db")
    ledger = Ledger(store, lambda: 1.0)
    await ledger.load()
    entry = ledger.entry(HASH)
    tools = types.SimpleNamespace(ledger=ledger)
    job = types.SimpleNamespace(infohash=HASH, entry=entry, record=entry.record, tools=tools)
    await share(job, entry.files, set())
    store.close()


@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_a_copy_that_was_killed_is_made_once(nursery, tmp_path, links):
    found, last, steps = outcomes(nursery, tmp_path, copy, lay_out_twice, is_twice, links=links)
    assert found == {last} == {"Show"}
    assert steps > 10


def is_twice(base: Path) -> str:
    """The files are in both places; return what the copy is called."""
    store = Store(base / "config/store.db")
    [one] = store.call(shares.load_all)[HASH]
    store.close()
    downloads = base / "downloads"
    expected = {f"complete/{path}": data for path, data in SHOW.items()}
    expected |= {f"uhd/{path.replace('Show', one.root, 1)}": data for path, data in SHOW.items()}
    assert one.done
    assert {
        str(path.relative_to(downloads)): path.read_bytes()
        for path in downloads.rglob("*")
        if path.is_file()
    } == expected
    return one.root
