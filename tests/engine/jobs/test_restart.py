"""What a crash leaves behind, written down by hand, and what the next start makes of it."""

import random

import pytest

from engine.jobs.states import State
from engine.store import files as stored_files
from engine.store import links, removals, torrents
from engine.store.records import FileRecord, RemovalRecord, TorrentRecord, UnlockedLink
from engine.store.store import Store
from tests.engine.jobs.world import Torrent

SHOW = Torrent("Show.S01", {"a.mkv": random.Random(5).randbytes(50_000), "b/c.mkv": b"c" * 9000})


def left_behind(
    world, state: State, *, flushed: bool = True, root: str = "Show.S01", files=None, **fields
):
    """Write into the store what a crash in `state` leaves there.

    `files` holds fields of files, by index.
    """
    of_files = files or {}
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
            **{
                "torrent": SHOW.infohash,
                "index": index,
                "path": f"{root}/{path}",
                "size": len(data),
                "link": "https://alldebrid.com/f/none",
                "flushed": len(data) if flushed else 0,
                "published": record.completed_at > 0 or state is State.COMPLETED,
                **of_files.get(index, {}),
            }
        )
        for index, (path, data) in enumerate(SHOW.files.items())
    ]

    def work(db):
        torrents.save(db, record)
        torrents.save_metainfo(db, SHOW.infohash, SHOW.metainfo)
        stored_files.replace(db, SHOW.infohash, records)

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


def wanted_later(**second):
    """The fields of the files of a torrent whose first was complete before."""
    return {0: {"published": True}, 1: {"published": False, **second}}


@pytest.mark.parametrize("moved", [False, True])
async def test_a_file_that_is_put_beside_the_others_is_found_in_either_place(world, moved):
    left_behind(world, State.MOVING, files=wanted_later())
    put_down(world.complete)
    if not moved:
        put_down(world.incomplete(SHOW))
        (world.complete / "Show.S01/b/c.mkv").unlink()
        (world.incomplete(SHOW) / "Show.S01/a.mkv").unlink()

    await world.start()

    await world.completes(SHOW)


async def test_a_file_that_was_put_beside_the_others_is_deleted_with_them(world):
    left_behind(world, State.MOVING, files=wanted_later())
    put_down(world.complete)
    await world.start(max_concurrent=1)

    await world.jobs.delete(None, delete_files=True)

    assert list(world.complete.iterdir()) == []


async def test_more_that_was_wanted_of_a_complete_torrent_is_fetched(world):
    left_behind(world, State.COMPLETED, completed_at=5, position=0, files=wanted_later(flushed=0))
    put_down(world.complete)
    (world.complete / "Show.S01/b/c.mkv").unlink()
    world.hold(SHOW)

    await world.start()
    await world.until(lambda: world.view(SHOW).done == world.view(SHOW).wanted)

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
    store.call(lambda db: stored_files.replace(db, SHOW.infohash, []))
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


async def _deleted_while_alldebrid_removes_nothing(world):
    """Complete the show, delete it, and return what keeps AllDebrid from removing its magnet."""
    world.hold(SHOW)
    await world.start()
    refusing = world.fake.answers_error("magnet/delete", "MAGNET_INTERNAL_ERROR", times=None)
    await world.add(SHOW)
    await world.completes(SHOW)
    await world.sleeps(60)
    await world.jobs.delete(None, delete_files=True)
    return refusing


async def test_a_magnet_of_a_deleted_torrent_is_taken_off_after_a_restart(world):
    refusing = await _deleted_while_alldebrid_removes_nothing(world)
    assert world.fake.magnet_id(SHOW.infohash)

    await world.stop()
    refusing.end()
    await world.start()

    await world.turns(lambda: not world.fake.magnet_id(SHOW.infohash))
    await world.turns(lambda: world.jobs._ledger.removals() == [])
    await world.restart()
    assert world.jobs._ledger.removals() == []


async def test_a_magnet_that_alldebrid_does_not_know_any_more_is_forgotten(world):
    refusing = await _deleted_while_alldebrid_removes_nothing(world)
    await world.stop()
    refusing.end()
    world.fake.loses_torrent(SHOW.infohash)

    await world.start()

    await world.turns(lambda: world.jobs._ledger.removals() == [])


async def test_with_magnets_kept_from_now_on_none_is_taken_off_at_the_start(world):
    refusing = await _deleted_while_alldebrid_removes_nothing(world)
    await world.stop()
    refusing.end()
    asked = world.fake.count("magnet/delete")

    await world.start(delete_magnets=False)
    await world.add(SHOW, paused=True)
    await world.jobs.delete(None, delete_files=True)
    await world.add(SHOW)
    await world.completes(SHOW)

    assert world.fake.count("magnet/delete") == asked
    assert world.fake.magnet_id(SHOW.infohash)


async def test_a_torrent_that_is_added_again_keeps_the_magnet_that_was_to_be_taken_off(world):
    refusing = await _deleted_while_alldebrid_removes_nothing(world)
    magnet_id = world.fake.magnet_id(SHOW.infohash)
    dead = world.host.hangs_up(times=None)

    await world.restart()
    await world.add(SHOW)
    await world.reaches(SHOW, State.WAITING_NETWORK)
    refusing.end()
    asked = world.fake.count("magnet/delete")
    await world.goes_on(30)
    await world.goes_on(60)
    await world.sleeps(120)

    assert world.view(SHOW).record.magnet_id == magnet_id
    assert world.view(SHOW).record.owned
    assert world.jobs._ledger.removals() == []
    assert world.fake.count("magnet/delete") == asked
    dead.lift()
    await world.goes_on(120)
    await world.completes(SHOW)
    await world.turns(lambda: not world.fake.magnet_id(SHOW.infohash))


LINK = "https://alldebrid.com/f/none"


def unlocked_and_to_be_removed(world):
    """Write into the store what else belongs to one account."""

    def work(db):
        links.put(db, UnlockedLink(link=LINK, url="https://host/secret", unlocked_at=2**40))
        removals.save(db, RemovalRecord(magnet_id=5, torrent="f" * 40))

    store = Store(world.folder / "config" / "store.db")
    store.call(work)
    store.close()


@pytest.mark.parametrize("state", [state for state in State if state is not State.MOVING])
async def test_another_account_gets_what_is_not_complete_and_nothing_of_the_old_one(world, state):
    complete = state is State.COMPLETED
    left_behind(
        world, state, flushed=complete, reason="because", magnet_id=77, owned=True, completed_at=0
    )
    unlocked_and_to_be_removed(world)
    if complete:
        put_down(world.complete)
    world.fake.stalls(times=None)

    await world.start(another_account=True)

    record = world.view(SHOW).record
    at_rest = state in {State.COMPLETED, State.PAUSED, State.ERROR}
    if at_rest:
        assert (world.state(SHOW), record.reason) == (state, "because")
    else:
        await world.reaches(SHOW, State.ADDED)
    assert (record.magnet_id, record.owned) == (0, False)
    assert {file.link for file in world.jobs._ledger.entry(SHOW.infohash).files} == {""}
    assert world.jobs._ledger.removals() == []
    left = await world.store.run(lambda db: (links.get(db, LINK), removals.load_all(db)))
    assert left == (None, [])
    asked = {seen.endpoint for seen in world.fake.requests}
    assert asked <= (set() if at_rest else {"magnet/status"})
    assert ("account_changed" in await world.kinds(SHOW)) is not complete


async def test_under_another_account_a_torrent_goes_on_from_what_is_on_disk(world):
    left_behind(world, State.DOWNLOADING, flushed=False, magnet_id=77, owned=True)
    world.hold(SHOW)

    await world.start(another_account=True)

    await world.completes(SHOW)
    assert world.fake.count("magnet/upload/file") == 1


async def test_what_is_on_its_way_to_its_final_folder_is_not_fetched_from_another_account(world):
    left_behind(world, State.MOVING, magnet_id=77, owned=True)
    put_down(world.incomplete(SHOW))

    await world.start(another_account=True)

    await world.completes(SHOW)
    assert world.fake.requests == []
