"""Killed between any two system calls of the whole way, and with the power gone as well.

Where `test_killed` draws the moment, these tests try them all, one after the other: a child of a
nursery walks the whole way and dies at step 1, the next one at step 2, until one arrives. What it
leaves is taken as it is or as a power cut may leave it; then another goes on.

    SOAK_SEEDS=100 pytest tests/whole/test_killed_steps.py    # every step with every kind of cut
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import random
import shutil
import types
from pathlib import Path

import pytest

from api.get import Options, get
from api.resume import BadRecord, load, source_of
from api.settings import TransferSettings
from engine.jobs.states import State
from engine.transfer.urls import parse_url
from tests.engine.jobs.world import Torrent, World
from tests.fakes.alldebrid import FakeAllDebrid
from tests.fakes.content import Pattern
from tests.fakes.disk_database import SteppedDatabases, cut_database
from tests.fakes.disk_power import cut
from tests.fakes.disk_steps import DIED, Nursery, dying
from tests.fakes.filehost import FileHost

MIB = 1 << 20
MOST_STEPS = 2000
"""Steps after which a way is taken for one that never ends."""

LONG = "SOAK_SEEDS" in os.environ
FILM = Pattern(5 * MIB + 77, seed=3)
MODES = ("killed", "mixed", "strict")  # the strict one last: it takes most
chance = random.Random(3)
SHOW = Torrent(
    "Show.S01",
    {
        "E01.mkv": chance.randbytes(MIB + 77),
        "Subs/E01.srt": chance.randbytes(5000),
        "E01.nfo": b"",
        "E02.mkv": chance.randbytes(4096),
    },
)


@pytest.fixture(scope="module")
def nursery():
    with Nursery("tests.whole.test_killed_steps") as nursery:
        yield nursery


def copy_of(base: Path, mode: str) -> Path:
    """Copy what was left behind: a copy has other inodes."""
    copy = base.with_name(f"{base.name}-{mode}")
    shutil.copytree(base, copy)
    return copy


def forget(folder: Path) -> None:
    for each in folder.iterdir():
        shutil.rmtree(each)


# The command.


def fetch_a_film(base: str, url: str, last: int) -> None:
    """Be the child: get the film, and die at step number `last` if there are so many."""
    folder = Path(base) / "disk"
    complaints: list[str] = []
    options = Options(
        url=url,
        output=str(folder / "film"),
        transfer=TransferSettings(
            connections=2,
            ram_buffer_per_download=4 * MIB,
            write_batch_size=MIB,
            flush_interval=5.0,
            file_allocation="falloc",
            ssl_cert_file=None,
            log_level="",
        ),
        quiet=True,
    )
    with dying(folder, Path(base) / "shadow", last):
        assert get(options, complaints.append) == 0, complaints


def test_get_goes_on_wherever_it_was_killed(nursery, tmp_path):
    draw = random.Random(7)
    with FileHost({"/film": FILM}) as host:
        url = host.url("/film")
        for step in itertools.count(1):
            assert step < MOST_STEPS
            base = tmp_path / str(step)
            (base / "disk").mkdir(parents=True)
            how = nursery.run(fetch_a_film, base=base, url=url, last=step)
            if how == 0:
                break
            assert how == DIED
            for mode in MODES if LONG else [MODES[step % len(MODES)]]:
                if mode != "killed":
                    cut(base / "disk", base / "shadow", draw if mode == "mixed" else None)
                goes_on(nursery, copy_of(base, mode), url)
            forget(tmp_path)

    assert [path.name for path in (base / "disk").iterdir()] == ["film"]
    assert (base / "disk/film").read_bytes() == FILM.read()
    assert step > 20


def goes_on(nursery, base: Path, url: str) -> None:
    """The record speaks of nothing but what is there; the same command gives the film."""
    part, film = base / "disk/film.part", base / "disk/film"
    if not film.exists():
        with contextlib.suppress(BadRecord):  # which is begun anew
            record = load(part, source_of(parse_url(url)))
            if record is not None:
                assert part.read_bytes()[: record.flushed] == FILM.read(0, record.flushed)
        assert nursery.run(fetch_a_film, base=base, url=url, last=0) == 0

    assert film.read_bytes() == FILM.read()
    left = {path.name for path in film.parent.iterdir()}
    # A crash between the film's name and the end of its record leaves the record: it harms nobody.
    assert left <= {"film", "film.part.resume"}


# The service.


def complete_a_torrent(base: str, alldebrid: str, last: int) -> None:
    """Be the child: run the service until its torrent is complete, or die at step `last`."""
    folder = Path(base)
    (folder / "downloads").mkdir(exist_ok=True)
    with dying(folder / "downloads", folder / "shadow", last) as step:
        databases = SteppedDatabases(folder / "shadow-database", step)
        for file in (folder / "config").glob("store.db*"):
            databases.promise(file)
        asyncio.run(_complete(folder, alldebrid))


async def _complete(folder: Path, alldebrid: str) -> None:
    world = World(folder, types.SimpleNamespace(url=alldebrid), None)
    try:
        await world.start()
        if world.jobs.view(SHOW.infohash) is None:
            await world.add(SHOW)
        await world.reaches(SHOW, State.COMPLETED, State.ERROR)
        assert (world.state(SHOW), world.reason(SHOW)) == (State.COMPLETED, "")
    finally:
        await world.stop()


@pytest.fixture
def alldebrid():
    """An AllDebrid that has the show, with its bytes at a file host."""
    with FakeAllDebrid() as fake, FileHost() as host:
        paths = {hashlib.sha1(path.encode()).hexdigest(): path for path in SHOW.paths}
        places = {path: f"/{name}" for name, path in paths.items()}
        for path, data in SHOW.paths.items():
            host.adds_file(places[path], data)
        fake.hold(
            SHOW.infohash, SHOW.name, SHOW.paths, file_host=lambda path: host.url(places[path])
        )
        yield fake


POWER = {
    "killed": (),
    "files lost": ("files",),
    "database lost": ("database",),
    "both lost": ("files", "database"),
}
"""What a power cut takes besides the process: all that was not synced, of these."""


@pytest.mark.parametrize("mode", POWER)
def test_the_service_goes_on_wherever_it_was_killed(nursery, tmp_path, alldebrid, mode):
    first = 1 if LONG else 1 + 11 * list(POWER).index(mode)
    for step in itertools.count(first, 1 if LONG else 11 * len(POWER)):
        assert step < MOST_STEPS
        base = tmp_path / str(step)
        base.mkdir()
        how = nursery.run(complete_a_torrent, base=base, alldebrid=alldebrid.url, last=step)
        if how == 0:
            break
        assert how == DIED
        if "files" in POWER[mode]:
            cut(base / "downloads", base / "shadow")
        if "database" in POWER[mode]:
            cut_database(base / "config/store.db", base / "shadow-database")
        how = nursery.run(complete_a_torrent, base=base, alldebrid=alldebrid.url, last=0)
        assert how == 0, step
        is_complete(base)
        forget(tmp_path)

    is_complete(base)
    assert step > 100


def is_complete(base: Path) -> None:
    """Every file of the show is there, under its own name, and no other; folders may be left."""
    downloads = base / "downloads"
    found = {
        str(path.relative_to(downloads)): path.read_bytes()
        for path in downloads.rglob("*")
        if path.is_file()
    }
    assert found == {f"complete/{path}": data for path, data in SHOW.paths.items()}
