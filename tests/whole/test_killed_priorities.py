"""Killed while more files of a complete torrent are fetched, between any two system calls.

As in `test_killed_steps`, but the way begins with a torrent that is complete but for files nobody
wanted, and ends with those beside the others. What was there before is there at every moment.
"""

import asyncio
import contextlib
import itertools
import shutil
import types
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.jobs.states import State
from tests.engine.jobs.world import World
from tests.fakes.disk_database import SteppedDatabases, cut_database
from tests.fakes.disk_power import cut
from tests.fakes.disk_steps import DIED, Nursery, dying
from tests.whole.test_killed_steps import (
    LONG,
    MOST_STEPS,
    POWER,
    SHOW,
    alldebrid,
    is_complete,
)

__all__ = ["alldebrid"]

LATER = [1, 2, 3]
"""The files that are wanted later, one of them empty: all but the first."""


@pytest.fixture(scope="module")
def nursery():
    with Nursery("tests.whole.test_killed_priorities") as nursery:
        yield nursery


def complete_the_first(base: str, alldebrid: str) -> None:
    """Be a child: complete the torrent with its first file alone."""
    asyncio.run(_within(base, alldebrid, _complete_the_first))


def want_the_others(base: str, alldebrid: str, last: int) -> None:
    """Be a child: want the other files and wait for them, or die at step `last`."""
    folder = Path(base)
    with dying(folder / "downloads", folder / "shadow", last) as step:
        databases = SteppedDatabases(folder / "shadow-database", step)
        for file in (folder / "config").glob("store.db*"):
            databases.promise(file)
        asyncio.run(_within(base, alldebrid, _want_the_others))


async def _within(base, alldebrid, story) -> None:
    world = World(Path(base), types.SimpleNamespace(url=alldebrid), None)
    try:
        await world.start()
        await story(world)
    finally:
        await world.stop()


async def _complete_the_first(world) -> None:
    await world.jobs.change_preferences(lambda old: replace(old, max_active_downloads=0))
    await world.add(SHOW)
    await world.reaches(SHOW, State.QUEUED)
    await world.jobs.set_file_priorities(SHOW.infohash, LATER, 0)
    await world.jobs.change_preferences(lambda old: replace(old, max_active_downloads=1))
    await world.reaches(SHOW, State.COMPLETED)


async def _want_the_others(world) -> None:
    if any(file.priority == 0 for file in world.jobs.files(SHOW.infohash)):
        await world.jobs.set_file_priorities(SHOW.infohash, LATER, 1)
    await world.until(lambda: world.state(SHOW) is State.ERROR or _is_done(world))
    assert world.reason(SHOW) == ""


def _is_done(world) -> bool:
    view = world.view(SHOW)
    return view.state is State.COMPLETED and view.done == view.wanted == view.record.size


@pytest.mark.parametrize("mode", POWER)
def test_wanting_more_goes_on_wherever_it_was_killed(nursery, tmp_path, alldebrid, mode):
    base, before = tmp_path / "base", tmp_path / "before"
    (base / "downloads").mkdir(parents=True)
    how = nursery.run(complete_the_first, base=base, alldebrid=alldebrid.url)
    assert how == 0
    shutil.copytree(base, before)

    first = 1 if LONG else 1 + list(POWER).index(mode)
    for step in itertools.count(first, 1 if LONG else len(POWER)):
        assert step < MOST_STEPS
        shutil.rmtree(base)  # always the same folder: the store has its name
        shutil.copytree(before, base)
        how = nursery.run(want_the_others, base=base, alldebrid=alldebrid.url, last=step)
        if how == 0:
            break
        assert how == DIED
        if "files" in POWER[mode]:
            cut(base / "downloads", base / "shadow")
        if "database" in POWER[mode]:
            cut_database(base / "config/store.db", base / "shadow-database")
        has_the_first(base)
        how = nursery.run(want_the_others, base=base, alldebrid=alldebrid.url, last=0)
        assert how == 0, step
        is_complete(base)

    is_complete(base)
    assert step > 50


def has_the_first(base: Path) -> None:
    """What was complete is in its place, whatever is on its way."""
    path, data = next(iter(SHOW.paths.items()))
    assert (base / "downloads/complete" / path).read_bytes() == data
    with contextlib.suppress(FileNotFoundError):
        assert not (base / "downloads/incomplete" / SHOW.infohash / path).exists()
