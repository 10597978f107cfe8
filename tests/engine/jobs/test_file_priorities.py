"""Files that are not wanted, wanted later, or wanted before others."""

import asyncio
import random
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.jobs.states import State
from engine.jobs.views import Conflict, UnknownTorrent
from engine.jobs.wanted import rests
from engine.transfer import disk
from tests.engine.jobs.world import PIECE, Torrent

BYTES = random.Random(6).randbytes

PACK = Torrent(
    "Pack",
    {
        "a.mkv": BYTES(200_000),
        "b.mkv": BYTES(300_001),
        "c/c.srt": BYTES(5_000),
        "c/empty.nfo": b"",
        "d.mkv": BYTES(2_000_000),
    },
)
"""Files that share pieces, one of them smaller than a piece and one empty."""

A, B, SMALL, EMPTY, D = range(5)

NAMES = list(PACK.files)


async def queued(world, torrent: Torrent = PACK, **fields) -> None:
    """Let the files of a torrent be known, and nothing of them be downloaded."""
    world.hold(torrent)
    await world.start(storage="ssd")
    await change(world, max_active_downloads=0)
    await world.add(torrent, **fields)
    await world.reaches(torrent, State.QUEUED)


async def change(world, **preferences) -> None:
    await world.jobs.change_preferences(lambda old: replace(old, **preferences))


async def begin(world) -> None:
    await change(world, max_active_downloads=2)


async def prioritise(world, priority: int, *indexes: int, torrent: Torrent = PACK) -> None:
    await world.jobs.set_file_priorities(torrent.infohash, indexes, priority)


async def arrives(world, *indexes: int, root: str = "Pack") -> None:
    """Wait until the torrent is complete with these files and no others, byte for byte."""
    await world.reaches(PACK, State.COMPLETED, State.ERROR)
    assert (world.state(PACK), world.reason(PACK)) == (State.COMPLETED, "")
    assert on_disk(world.complete / root) == sorted(NAMES[index] for index in indexes)
    for index in indexes:
        assert (world.complete / root / NAMES[index]).read_bytes() == PACK.files[NAMES[index]]
    assert not world.incomplete(PACK).exists()


def on_disk(folder: Path) -> list[str]:
    """The files of a folder, those below it too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def asked_for(world) -> list[str]:
    """The names of the files that the host was asked for, in the order they came."""
    names = [request.path.rpartition("/")[2] for request in world.host.requests]
    return list(dict.fromkeys(names))


@pytest.mark.parametrize("magnet", [False, True], ids=["torrent", "magnet"])
@pytest.mark.parametrize("skipped", [(A,), (B,), (SMALL, EMPTY), (D,), (A, SMALL, D)], ids=str)
async def test_what_is_not_wanted_is_neither_unlocked_nor_downloaded(world, magnet, skipped):
    await queued(world, magnet=magnet)
    names = [file.path.partition("/")[2] for file in world.jobs.files(PACK.infohash)]
    skipped_names = [NAMES[index] for index in skipped]
    await prioritise(world, 0, *(names.index(name) for name in skipped_names))
    await begin(world)

    wanted = [index for index in range(5) if index not in skipped]
    await arrives(world, *wanted)

    assert world.fake.count("link/unlock") == len([index for index in wanted if index != EMPTY])
    view, size = world.view(PACK), sum(map(len, PACK.files.values()))
    assert view.record.size == size
    assert view.wanted == view.done == size - view.skipped
    assert view.skipped == sum(len(PACK.files[name]) for name in skipped_names)


async def test_a_file_that_is_wanted_later_is_put_beside_the_others_which_are_not_touched(world):
    await queued(world)
    await prioritise(world, 0, B, EMPTY)
    await begin(world)
    await arrives(world, A, SMALL, D)
    there = {name: (world.complete / "Pack" / name).stat() for name in ("a.mkv", "d.mkv")}
    served = world.host.served

    await prioritise(world, 1, B, EMPTY)
    await world.until(lambda: world.state(PACK) is not State.COMPLETED)
    assert world.view(PACK).record.completed_at == 0
    await arrives(world, A, B, SMALL, EMPTY, D)

    for name, before in there.items():
        now = (world.complete / "Pack" / name).stat()
        assert (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    world.host.wait_until_idle()
    assert world.host.served - served < 310_000
    assert world.view(PACK).record.position == 0


async def test_a_library_may_have_taken_the_other_files_by_then(world):
    await queued(world)
    await prioritise(world, 0, B)
    await begin(world)
    await arrives(world, A, SMALL, EMPTY, D)
    for name in on_disk(world.complete / "Pack"):
        (world.complete / "Pack" / name).unlink()
    (world.complete / "Pack" / "c").rmdir()
    (world.complete / "Pack").rmdir()

    await prioritise(world, 1, B)

    await world.until(lambda: world.state(PACK) is not State.COMPLETED)
    await arrives(world, B)


async def test_a_file_that_is_given_up_on_the_way_makes_room_for_the_next(world):
    await queued(world)
    stalled = world.host.stalls_after(1_000_000, path=world.served(PACK, "Pack/d.mkv"), times=None)
    await prioritise(world, 7, D)
    await begin(world)
    await world.until(lambda: world.jobs.files(PACK.infohash)[D].flushed > 500_000)

    await prioritise(world, 0, D)

    await arrives(world, A, B, SMALL, EMPTY)
    assert world.jobs.files(PACK.infohash)[D].flushed == 0
    assert "left_out" in await world.kinds(PACK)
    assert (await world.kinds(PACK)).count("queued") == 1
    stalled.lift()
    await prioritise(world, 1, D)
    await world.until(lambda: world.state(PACK) is not State.COMPLETED)
    await arrives(world, A, B, SMALL, EMPTY, D)


async def test_what_came_of_a_file_before_it_was_given_up_need_not_come_again(world):
    await queued(world)
    first = world.host.stalls_after(1_000_000, path=world.served(PACK, "Pack/d.mkv"), times=None)
    await prioritise(world, 7, D)
    second = world.host.stalls_after(50_000, path=world.served(PACK, "Pack/a.mkv"), times=None)
    await begin(world)
    await world.until(lambda: world.jobs.files(PACK.infohash)[D].flushed > 500_000)
    await prioritise(world, 0, D)
    await world.turns(lambda: "a.mkv" in asked_for(world))
    kept = world.jobs.files(PACK.infohash)[D].flushed
    assert world.view(PACK).skipped_on_disk == kept

    await prioritise(world, 1, D)
    assert world.view(PACK).skipped_on_disk == 0
    first.lift()
    second.lift()

    await arrives(world, A, B, SMALL, EMPTY, D)
    assert "left_out" not in await world.kinds(PACK)
    begun = [one.range for one in world.host.requests if one.path.endswith("d.mkv")]
    assert any(part is not None and part[0] >= kept // 4096 * 4096 for part in begun)


async def test_files_of_a_higher_priority_come_first(world):
    await queued(world)
    await prioritise(world, 6, D)
    await prioritise(world, 7, SMALL)
    await begin(world)

    await arrives(world, *range(5))

    assert asked_for(world) == ["c.srt", "d.mkv", "a.mkv", "b.mkv"]
    assert [file.priority for file in world.jobs.files(PACK.infohash)] == [1, 1, 7, 1, 6]


async def test_a_file_that_is_wanted_before_others_interrupts_the_one_under_way(world):
    await queued(world)
    stalled = world.host.stalls_after(50_000, path=world.served(PACK, "Pack/a.mkv"), times=None)
    await begin(world)
    await world.turns(lambda: "a.mkv" in asked_for(world))

    await prioritise(world, 7, D)
    await world.until(lambda: world.jobs.files(PACK.infohash)[D].flushed == 2_000_000)
    stalled.lift()

    await arrives(world, *range(5))
    assert (await world.kinds(PACK)).count("downloading") == 1


async def test_a_torrent_of_which_nothing_is_wanted_is_complete_with_nothing(world):
    await queued(world)

    await prioritise(world, 0, *range(5))

    await world.reaches(PACK, State.COMPLETED)
    view = world.view(PACK)
    assert (view.wanted, view.done, view.skipped) == (0, 0, view.record.size)
    assert on_disk(world.complete) == []
    assert world.host.served == 0
    await begin(world)
    await prioritise(world, 1, SMALL)
    await world.until(lambda: world.state(PACK) is not State.COMPLETED)
    await arrives(world, SMALL)


async def test_a_torrent_that_waits_for_a_file_nobody_wants_any_more_is_complete(world):
    await queued(world)
    world.host.hangs_up(times=None, path=world.served(PACK, "Pack/b.mkv"))
    await prioritise(world, 6, A, SMALL, D)
    await begin(world)
    await world.reaches(PACK, State.WAITING_NETWORK)

    await prioritise(world, 0, B)

    await arrives(world, A, SMALL, EMPTY, D)


async def test_a_torrent_that_waits_for_room_needs_none_for_what_is_not_wanted(world):
    world.hold(PACK)
    await world.start()
    world.free = world.total // 20 + 600_000_000 + 1_000_000
    world.free = 500_000_000 + 1_000_000
    await world.add(PACK)
    await world.reaches(PACK, State.WAITING_DISK)

    await prioritise(world, 0, D)

    await arrives(world, A, B, SMALL, EMPTY)


async def test_a_torrent_that_failed_for_one_file_is_completed_without_it(world):
    await queued(world)
    world.host.corrupts(250_000, path=world.served(PACK, "Pack/b.mkv"), times=None)
    await begin(world)
    await world.reaches(PACK, State.ERROR)

    await prioritise(world, 0, B)
    assert world.state(PACK) is State.ERROR
    await world.jobs.resume([PACK.infohash])

    await arrives(world, A, SMALL, EMPTY, D)


async def test_a_paused_torrent_stays_paused_whatever_is_wanted(world):
    await queued(world)
    await world.jobs.pause(None)
    await prioritise(world, 0, *range(4))
    await prioritise(world, 1, B)
    assert world.state(PACK) is State.PAUSED
    await begin(world)
    await world.restart()
    assert [file.priority for file in world.jobs.files(PACK.infohash)] == [0, 1, 0, 0, 1]

    await world.jobs.resume(None)

    await arrives(world, B, D)


async def test_a_piece_that_reaches_into_what_is_not_wanted_is_not_held_against_it(world):
    """The last bytes of a.mkv are wrong, and nobody can tell without the first of b.mkv."""
    await queued(world)
    world.host.corrupts(199_999, path=world.served(PACK, "Pack/a.mkv"), times=None)
    await prioritise(world, 0, B)
    await begin(world)

    await world.reaches(PACK, State.COMPLETED)

    assert "piece_refetched" not in await world.kinds(PACK)


async def test_a_piece_of_which_all_is_wanted_is_checked_whatever_else_is_not(world):
    await queued(world)
    world.host.corrupts(2 * PIECE + 5, path=world.served(PACK, "Pack/b.mkv"))
    await prioritise(world, 0, A, SMALL)
    await begin(world)

    await arrives(world, B, EMPTY, D)

    assert (await world.kinds(PACK)).count("piece_refetched") == 1


@pytest.mark.parametrize(
    ("first", "spoilt", "at"),
    [
        (B, "a.mkv", 199_999),
        (B, "b.mkv", 0),
        (D, "c/c.srt", 0),
        (D, "d.mkv", 10),
        (SMALL, "c/c.srt", 4_999),
        (SMALL, "b.mkv", 300_000),
    ],
)
async def test_a_piece_across_files_is_checked_in_whatever_order_they_come(
    world, first, spoilt, at
):
    await queued(world)
    world.host.corrupts(at, path=world.served(PACK, f"Pack/{spoilt}"))
    await prioritise(world, 7, first)
    await begin(world)

    await arrives(world, *range(5))

    assert (await world.kinds(PACK)).count("piece_refetched") == 1


async def test_a_check_asks_for_nothing_that_is_not_wanted(world):
    await queued(world)
    await prioritise(world, 0, A)
    await begin(world)
    await arrives(world, B, SMALL, EMPTY, D)
    served = world.host.served

    await world.jobs.recheck(None)
    await world.until(lambda: world.state(PACK) is State.COMPLETED)

    await arrives(world, B, SMALL, EMPTY, D)
    assert world.host.served == served


async def test_a_check_mends_what_is_wanted_and_leaves_the_rest(world):
    await queued(world)
    await prioritise(world, 0, A)
    await begin(world)
    await arrives(world, B, SMALL, EMPTY, D)
    await prioritise(world, 0, SMALL)
    for name in ("b.mkv", "c/c.srt"):
        (world.complete / "Pack" / name).write_bytes(b"?" * len(PACK.files[name]))

    await world.jobs.recheck(None)
    await world.until(lambda: world.state(PACK) in {State.QUEUED, State.DOWNLOADING})

    await arrives(world, B, EMPTY, D)


async def test_what_is_mended_while_another_file_is_on_its_way_arrives_with_it(world):
    """Then some files are in their final place, and others are not."""
    await queued(world)
    await prioritise(world, 0, B)
    await begin(world)
    await arrives(world, A, SMALL, EMPTY, D)
    stalled = world.host.stalls_after(100_000, path=world.served(PACK, "Pack/b.mkv"), times=None)
    await prioritise(world, 1, B)
    await world.turns(lambda: "b.mkv" in asked_for(world))
    await world.jobs.pause(None)
    (world.complete / "Pack" / "d.mkv").write_bytes(b"?" * 2_000_000)

    await world.jobs.recheck(None)
    await world.until(lambda: world.state(PACK) is State.PAUSED)
    assert on_disk(world.complete) == []
    stalled.lift()
    await world.jobs.resume(None)

    await arrives(world, *range(5))


@pytest.mark.parametrize("pause", [False, True])
async def test_a_restart_while_another_file_is_on_its_way_loses_nothing(world, pause):
    await queued(world)
    await prioritise(world, 0, D)
    await begin(world)
    await arrives(world, A, B, SMALL, EMPTY)
    stalled = world.host.stalls_after(1_000_000, path=world.served(PACK, "Pack/d.mkv"), times=None)
    await prioritise(world, 1, D)
    await world.until(lambda: world.jobs.files(PACK.infohash)[D].flushed > 500_000)
    if pause:
        await world.jobs.pause(None)

    await world.restart()
    stalled.lift()
    await world.jobs.resume(None)

    await arrives(world, *range(5))
    assert "checking" not in await world.kinds(PACK)


async def test_a_file_that_stands_in_the_way_is_kept_and_waited_for(world):
    await queued(world)
    await prioritise(world, 0, B)
    await begin(world)
    await arrives(world, A, SMALL, EMPTY, D)
    theirs = world.complete / "Pack" / "b.mkv"
    theirs.write_bytes(b"somebody else's")

    await prioritise(world, 1, B)
    await world.reaches(PACK, State.ERROR)

    assert "b.mkv" in world.reason(PACK)
    assert theirs.read_bytes() == b"somebody else's"
    theirs.unlink()
    await world.jobs.resume(None)
    await arrives(world, *range(5))


@pytest.mark.parametrize("delete_files", [False, True])
async def test_deleting_while_another_file_is_on_its_way_takes_both_places(world, delete_files):
    await queued(world)
    await prioritise(world, 0, B)
    await begin(world)
    await arrives(world, A, SMALL, EMPTY, D)
    (world.complete / "Pack" / "theirs").write_bytes(b"")
    world.host.stalls_after(100_000, path=world.served(PACK, "Pack/b.mkv"), times=None)
    await prioritise(world, 1, B)
    await world.turns(lambda: "b.mkv" in asked_for(world))

    await world.jobs.delete(None, delete_files=delete_files)

    assert not world.incomplete(PACK).exists()
    kept = ["theirs"] if delete_files else sorted([*NAMES[:1], *NAMES[2:], "theirs"])
    assert on_disk(world.complete / "Pack") == kept


async def test_what_cannot_be_done_is_refused_in_one_sentence(world):
    world.hold(PACK, ready=False)
    await world.start()
    with pytest.raises(UnknownTorrent):
        await prioritise(world, 1, 0)
    await world.add(PACK, magnet=True)
    with pytest.raises(Conflict, match="not known yet"):
        await prioritise(world, 1, 0)
    world.fake.becomes_ready(PACK.infohash)
    await world.completes(PACK)
    with pytest.raises(Conflict, match="no file 5"):
        await prioritise(world, 1, 0, 5)
    with pytest.raises(Conflict, match="4 is no priority"):
        await prioritise(world, 4, 0)

    assert {file.priority for file in world.jobs.files(PACK.infohash)} == {1}
    assert world.state(PACK) is State.COMPLETED


async def test_a_torrent_file_tells_its_files_before_alldebrid_has_it(world):
    world.hold(PACK, ready=False)
    await world.start()
    await world.add(PACK)

    known = world.jobs.files(PACK.infohash)
    assert [(file.path, file.size, file.flushed) for file in known] == [
        (f"Pack/{name}", len(content), 0) for name, content in PACK.files.items()
    ]


async def test_files_may_be_left_out_and_renamed_before_alldebrid_has_them(world):
    world.hold(PACK, ready=False)
    await world.start()
    await world.add(PACK)
    await prioritise(world, 0, B, SMALL, EMPTY, D)
    await world.jobs.rename_file(PACK.infohash, "Pack/a.mkv", "Pack/film.mkv")
    world.fake.becomes_ready(PACK.infohash)
    await world.reaches(PACK, State.COMPLETED, State.ERROR)

    assert on_disk(world.complete / "Pack") == ["film.mkv"]
    assert (world.complete / "Pack/film.mkv").read_bytes() == PACK.files["a.mkv"]


async def test_what_was_left_out_before_alldebrid_had_it_may_be_fetched_later(world):
    world.hold(PACK, ready=False)
    await world.start()
    await world.add(PACK)
    await prioritise(world, 0, *range(5))
    world.fake.becomes_ready(PACK.infohash)
    await prioritise(world, 1, A)

    await arrives(world, A)


async def test_giving_up_what_is_complete_changes_nothing_on_disk(world):
    await queued(world)
    await begin(world)
    await arrives(world, *range(5))

    await prioritise(world, 0, B, EMPTY)
    await prioritise(world, 7, B, EMPTY)

    assert world.state(PACK) is State.COMPLETED
    await arrives(world, *range(5))


async def test_a_file_that_is_wanted_while_the_others_are_moved_is_fetched_after_that(
    world, monkeypatch
):
    moving, go_on = threading.Event(), threading.Event()
    publish = disk.publish

    def slowly(source, target):
        moving.set()
        go_on.wait()
        publish(source, target)

    await queued(world)
    await prioritise(world, 0, B, EMPTY)
    monkeypatch.setattr(disk, "publish", slowly)
    await begin(world)
    await world.turns(moving.is_set)
    await prioritise(world, 1, B)
    assert world.state(PACK) is State.MOVING
    go_on.set()

    await world.until(lambda: world.view(PACK).done == world.view(PACK).wanted)
    await arrives(world, A, B, SMALL, D)
    assert (await world.kinds(PACK)).count("completed") == 2


async def test_a_file_that_is_wanted_during_a_check_is_fetched_after_that(world):
    await queued(world)
    await prioritise(world, 0, B)
    await begin(world)
    await arrives(world, A, SMALL, EMPTY, D)
    async with world.jobs._tools.checking:
        await world.jobs.recheck(None)
        await world.reaches(PACK, State.CHECKING)
        await prioritise(world, 1, B)

    await world.until(lambda: world.view(PACK).done == world.view(PACK).wanted)
    await arrives(world, *range(5))


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_wanted_and_when_in_the_end_all_is_there_that_is(world, seed):
    """Priorities change all the time, with pauses, checks and restarts in between."""
    draw = random.Random(seed)
    await queued(world)
    await begin(world)
    for _ in range(12):
        await prioritise(world, draw.choice([0, 0, 1, 6, 7]), *draw.sample(range(5), 2))
        order = draw.choice(
            [
                lambda: world.jobs.pause(None),
                lambda: world.jobs.recheck(None),
                world.restart,
                lambda: asyncio.sleep(draw.random() / 50),
                lambda: asyncio.sleep(draw.random() / 50),
            ]
        )
        await order()
        await world.jobs.resume(None)

    wanted = [file.index for file in world.jobs.files(PACK.infohash) if file.priority]
    await world.until(lambda: world.state(PACK) is not State.CHECKING)
    await world.jobs.resume(None)  # a check leaves paused what was paused before
    entry = world.jobs._ledger.entry(PACK.infohash)
    await world.until(lambda: rests(entry.state, entry.files))
    assert world.reason(PACK) == ""
    for index in wanted:
        found = (world.complete / "Pack" / NAMES[index]).read_bytes()
        assert found == PACK.files[NAMES[index]]
    for name in on_disk(world.complete):
        assert (world.complete / name).read_bytes() == PACK.files[name.partition("/")[2]]
    assert not world.incomplete(PACK).exists()


async def test_files_of_a_torrent_file_can_be_given_up_before_anybody_was_asked(world):
    await world.start()
    stalled = world.fake.stalls(times=None, endpoint="magnet/upload")
    await world.add(PACK)

    await prioritise(world, 0, *range(4))
    world.hold(PACK)
    stalled.end()

    await arrives(world, D)
    assert world.fake.count("link/unlock") == 1
