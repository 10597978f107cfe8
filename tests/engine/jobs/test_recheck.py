import os
import random

import pytest

from engine.jobs.recheck import verified
from engine.jobs.states import State
from engine.jobs.views import AddRequest
from engine.metainfo import parse_torrent
from engine.store.records import FileRecord
from tests.engine.jobs.world import PIECE, Torrent

BYTES = random.Random(4).randbytes

SHOW = Torrent(
    "Show.S01",
    {
        "a.mkv": BYTES(200_000),
        "b.mkv": BYTES(100_000),
        "empty": b"",
        "c.mkv": BYTES(10_000),
        "d.mkv": BYTES(300_000),
    },
)


async def _complete(world, **fields):
    world.hold(SHOW)
    await world.start(delete_magnets=False)
    await world.add(SHOW, **fields)
    await world.completes(SHOW)
    return world.complete / "Show.S01"


async def _spoil(path, offset: int = 0, data: bytes = b"spoilt") -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("magnet", [False, True], ids=["torrent", "magnet"])
async def test_a_torrent_that_is_right_stays_complete(world, magnet):
    await _complete(world, magnet=magnet)
    served = world.host.served

    await world.jobs.recheck([SHOW.infohash])
    await world.until(lambda: world.state(SHOW) is State.COMPLETED)

    world.has_files(SHOW)
    assert world.host.served == served
    assert (await world.kinds(SHOW))[-3:] == ["rechecked", "checking", "completed"]


async def test_what_is_spoilt_is_fetched_again_and_only_that(world):
    folder = await _complete(world)
    await _spoil(folder / "d.mkv", 290_000)
    served = world.host.served

    await world.jobs.recheck([SHOW.infohash])
    await world.reaches(SHOW, State.QUEUED, State.DOWNLOADING)
    await world.completes(SHOW)

    assert world.host.served - served < 2 * PIECE
    assert world.view(SHOW).record.completed_at


async def test_while_it_is_mended_nothing_stands_under_the_final_name(world):
    folder = await _complete(world)
    await _spoil(folder / "a.mkv")
    stalled = world.host.stalls_after(0, times=None)

    await world.jobs.recheck([SHOW.infohash])
    await world.turns(lambda: world.state(SHOW) is State.DOWNLOADING and stalled.hits > 0)

    assert not folder.exists()
    assert world.view(SHOW).record.completed_at == 0
    stalled.lift()
    await world.completes(SHOW)


async def test_a_file_that_a_library_holds_too_is_not_written_to(world):
    folder = await _complete(world)
    library = world.folder / "library.mkv"
    os.link(folder / "a.mkv", library)
    await _spoil(folder / "a.mkv")
    spoilt = library.read_bytes()

    await world.jobs.recheck([SHOW.infohash])
    await world.reaches(SHOW, State.QUEUED, State.DOWNLOADING)
    await world.completes(SHOW)

    assert library.read_bytes() == spoilt


async def test_files_that_are_gone_are_fetched_again(world):
    folder = await _complete(world)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    await world.jobs.recheck([SHOW.infohash])
    await world.reaches(SHOW, State.QUEUED, State.DOWNLOADING)

    await world.completes(SHOW)


async def test_without_the_torrent_file_sizes_are_what_is_checked(world):
    folder = await _complete(world, magnet=True)
    with (folder / "a.mkv").open("r+b") as file:
        file.truncate(150_000)

    await world.jobs.recheck([SHOW.infohash])
    await world.reaches(SHOW, State.QUEUED, State.DOWNLOADING)

    await world.completes(SHOW)


async def test_a_paused_torrent_is_paused_again_after_its_check(world):
    world.hold(SHOW)
    stalled = world.host.stalls_at(100_000, path=world.served(SHOW, "Show.S01/d.mkv"), times=None)
    await world.start()
    await world.add(SHOW)
    await world.until(lambda: stalled.hits > 0 and world.view(SHOW).downloaded > 340_000)
    await world.jobs.pause([SHOW.infohash])
    stalled.lift()
    await _spoil(world.incomplete(SHOW) / "Show.S01" / "b.mkv", 90_000)

    await world.jobs.recheck([SHOW.infohash])
    await world.until(lambda: world.state(SHOW) is State.PAUSED)

    flushed = {file.path: file.flushed for file in world.jobs.files(SHOW.infohash)}
    assert flushed["Show.S01/a.mkv"] == 200_000
    assert flushed["Show.S01/b.mkv"] < 90_000
    await world.jobs.resume([SHOW.infohash])
    await world.completes(SHOW)


async def test_a_torrent_whose_files_are_not_known_is_not_checked(world):
    world.hold(SHOW, ready=False)
    await world.start()
    await world.jobs.add(AddRequest(magnet=SHOW.magnet))
    await world.reaches(SHOW, State.PREPARING)

    await world.jobs.recheck([SHOW.infohash])

    assert world.state(SHOW) is State.PREPARING


META = parse_torrent(SHOW.metainfo)
FILES = [
    FileRecord(torrent=META.infohash, index=index, path="/".join(file.path), size=file.size)
    for index, file in enumerate(META.files)
]


def _verified(data: dict[str, bytes]) -> dict[str, int]:
    def read(file, start, end):
        for at in range(start, end, 7_777):
            yield memoryview(data[file.path])[at : min(at + 7_777, end)]

    there = {file.index: len(data[file.path]) for file in FILES}
    good = verified(META, FILES, there, read)
    return {file.path: good[file.index] for file in FILES}


@pytest.mark.parametrize(
    ("file", "offset", "expected"),
    [
        ("a.mkv", 0, {"a.mkv": 0}),
        ("a.mkv", PIECE, {"a.mkv": PIECE}),
        ("a.mkv", 199_999, {"a.mkv": 3 * PIECE, "b.mkv": 0}),
        ("c.mkv", 5_000, {"b.mkv": 61_440, "c.mkv": 0, "d.mkv": 0}),
        ("d.mkv", 299_999, {"d.mkv": 278_528}),
    ],
)
def test_a_wrong_byte_takes_back_its_piece_in_every_file_it_touches(file, offset, expected):
    data = dict(SHOW.files)
    spoilt = bytearray(data[file])
    spoilt[offset] ^= 1
    data[file] = bytes(spoilt)

    good = _verified(data)

    assert good == {path: len(each) for path, each in SHOW.files.items()} | expected


def test_a_file_behind_one_that_is_short_is_still_checked_from_its_first_own_piece():
    data = SHOW.files | {"a.mkv": SHOW.files["a.mkv"][:100_000]}
    spoilt = bytearray(data["d.mkv"])
    spoilt[-1] ^= 1
    data["d.mkv"] = bytes(spoilt)

    good = _verified(data)

    assert (good["a.mkv"], good["b.mkv"], good["c.mkv"]) == (100_000, 100_000, 10_000)
    assert good["d.mkv"] < 300_000
