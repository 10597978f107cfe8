"""What a crash leaves behind, written down by hand, and what the next start makes of it."""

import random

import pytest

from engine.jobs.states import State
from engine.store import files, torrents
from engine.store.records import FileRecord, TorrentRecord
from engine.store.store import Store
from tests.engine.jobs.world import Torrent

SHOW = Torrent("Show.S01", {"a.mkv": random.Random(5).randbytes(50_000), "b/c.mkv": b"c" * 9000})


def left_behind(world, state: State, *, flushed: bool = True, root: str = "Show.S01", **fields):
    """Write into the store what a crash in `state` leaves there."""
    record = TorrentRecord(
        hash=SHOW.infohash,
        name="Show.S01",
        state=state,
        save_path=str(world.complete),
        root=root,
        size=59_000,
        added_at=1,
        **{"position": 1, **fields},
    )
    records = [
        FileRecord(
            torrent=SHOW.infohash,
            index=index,
            path=f"{root}/{path}",
            size=len(data),
            link="https://alldebrid.com/f/none",
            flushed=len(data) if flushed else 0,
        )
        for index, (path, data) in enumerate(SHOW.files.items())
    ]

    def work(db):
        torrents.save(db, record)
        torrents.save_metainfo(db, SHOW.infohash, SHOW.metainfo)
        files.replace(db, SHOW.infohash, records)

    store = Store(world.folder / "config" / "store.db")
    store.call(work)
    store.close()


def put_down(folder, root: str = "Show.S01") -> None:
    for path, data in SHOW.files.items():
        target = folder / root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


@pytest.mark.parametrize(
    "state", [State.MOVING, State.DOWNLOADING, State.WAITING_DISK, State.CHECKING, State.QUEUED]
)
async def test_everything_downloaded_and_not_moved_is_moved_without_asking_anybody(world, state):
    left_behind(world, state)
    put_down(world.incomplete(SHOW))

    await world.start()
    await world.completes(SHOW)

    assert world.host.served == 0
    assert world.fake.count("link/unlock") == 0


async def test_moved_but_not_recorded_is_recorded(world):
    left_behind(world, State.MOVING)
    put_down(world.complete)

    await world.start()

    await world.completes(SHOW)


async def test_a_new_name_that_was_stored_but_not_taken_is_taken(world):
    left_behind(world, State.MOVING, root="Show (2).S01")
    put_down(world.incomplete(SHOW), "Show.S01")
    put_down(world.complete, "Show.S01")

    await world.start()
    await world.completes(SHOW)

    assert world.view(SHOW).content_path == str(world.complete / "Show (2).S01")


async def test_a_stored_name_that_somebody_took_meanwhile_is_left_to_them(world):
    left_behind(world, State.MOVING)
    put_down(world.incomplete(SHOW))
    (world.complete / "Show.S01").mkdir(parents=True)

    await world.start()
    await world.completes(SHOW)

    assert list((world.complete / "Show.S01").iterdir()) == []


async def test_files_that_somebody_removed_before_they_were_moved_fail_the_torrent(world):
    left_behind(world, State.MOVING)

    await world.start()
    await world.reaches(SHOW, State.ERROR)

    assert "gone" in world.reason(SHOW)


async def test_a_check_that_was_interrupted_after_moving_back_goes_on(world):
    left_behind(world, State.CHECKING, completed_at=5, position=0)
    put_down(world.incomplete(SHOW))
    (world.incomplete(SHOW) / "Show.S01" / "a.mkv").write_bytes(b"?" * 50_000)
    world.hold(SHOW)

    await world.start()
    await world.reaches(SHOW, State.COMPLETED)

    world.has_files(SHOW)


async def test_a_check_of_a_complete_torrent_that_was_interrupted_is_made_again(world):
    left_behind(world, State.CHECKING, completed_at=5, position=0)
    put_down(world.complete)

    await world.start()

    await world.completes(SHOW)


async def test_a_magnet_that_was_not_taken_off_yet_is_taken_off(world):
    world.hold(SHOW)
    await world.start(delete_magnets=False)
    await world.add(SHOW)
    await world.completes(SHOW)
    assert world.fake.magnet_id(SHOW.infohash)

    await world.restart(delete_magnets=True)

    await world.until(lambda: world.view(SHOW).record.magnet_id == 0)
    assert not world.fake.magnet_id(SHOW.infohash)


async def test_a_magnet_that_was_uploaded_but_not_recorded_is_still_ours(world):
    world.hold(SHOW)
    await world.start()
    await world.jobs._client.upload_magnet(SHOW.magnet)
    await world.stop()
    left_behind(world, State.ADDED, flushed=False, owned=True)
    store = Store(world.folder / "config" / "store.db")
    store.call(lambda db: files.replace(db, SHOW.infohash, []))
    store.close()

    await world.start()
    await world.completes(SHOW)

    await world.until(lambda: world.view(SHOW).record.magnet_id == 0)
    assert not world.fake.magnet_id(SHOW.infohash)


@pytest.mark.parametrize("state", [State.COMPLETED, State.PAUSED, State.ERROR])
async def test_what_rests_is_left_alone(world, state):
    left_behind(world, state, reason="because")

    await world.start()

    assert world.state(SHOW) is state
    assert world.reason(SHOW) == "because"
    assert world.jobs._crew.live(SHOW.infohash) is None
