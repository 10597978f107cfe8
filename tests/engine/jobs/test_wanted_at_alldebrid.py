"""What AllDebrid has and what is wanted need not be the same."""

import shutil

from engine.jobs import drive
from engine.jobs.errors import Hopeless
from engine.jobs.states import State
from engine.store import endings
from tests.engine.jobs.world import Torrent

PACK = Torrent("Pack", {"a.mkv": b"a" * 3_000_000, "b.mkv": b"b" * 500_000, "info.nfo": b"i" * 900})
A, B, NFO = range(3)


def holds(world, *names):
    """Let AllDebrid have no more than some of the files."""
    world.hold(PACK)
    world.fake.hold(
        PACK.infohash,
        PACK.name,
        files={path: data for path, data in PACK.paths.items() if path.endswith(names)},
        ready=True,
        file_host=lambda path: world.host.renew(f"/{PACK.infohash}/{path}"),
    )


async def test_a_file_that_nobody_wants_may_be_missing_at_alldebrid(world):
    holds(world, "a.mkv", "b.mkv")
    await world.start()
    await world.add(PACK, paused=True)
    await world.jobs.set_file_priorities(PACK.infohash, [NFO], 0)
    await world.jobs.resume([PACK.infohash])
    await world.reaches(PACK, State.COMPLETED, State.ERROR)

    assert (world.state(PACK), world.reason(PACK)) == (State.COMPLETED, "")


async def test_a_paused_torrent_is_paused_after_its_check_also_when_the_service_is_restarted(world):
    world.hold(PACK)
    await world.start()
    await world.add(PACK, paused=True)
    await world.jobs._tools.checking.acquire()
    await world.jobs.recheck([PACK.infohash])
    assert world.state(PACK) is State.CHECKING
    await world.restart()
    await world.until(lambda: world.state(PACK) is not State.CHECKING)

    assert world.state(PACK) is State.PAUSED


async def test_who_resumes_during_the_check_means_it(world):
    world.hold(PACK)
    await world.start()
    await world.add(PACK, paused=True)
    await world.jobs._tools.checking.acquire()
    await world.jobs.recheck([PACK.infohash])
    await world.jobs.resume([PACK.infohash])
    world.jobs._tools.checking.release()

    await world.completes(PACK)


async def test_a_paused_torrent_of_which_nothing_is_wanted_stays_paused_after_a_check(world):
    world.hold(PACK)
    stalled = world.host.stalls_at(2_000_000, path=world.served(PACK), times=None)
    await world.start()
    await world.add(PACK)
    await world.until(lambda: world.jobs.files(PACK.infohash)[A].flushed > 0)
    await world.jobs.pause([PACK.infohash])
    stalled.lift()
    await world.jobs.set_file_priorities(PACK.infohash, [A, B, NFO], 0)
    await world.jobs.recheck([PACK.infohash])
    await world.until(lambda: world.state(PACK) is not State.CHECKING)

    assert world.state(PACK) is State.PAUSED
    assert world.view(PACK).record.position > 0


async def test_links_that_went_with_the_account_are_asked_for_again(world, monkeypatch):
    async def fails(_job):
        raise Hopeless("something else")

    world.hold(PACK)
    await world.start()
    with monkeypatch.context() as broken:
        broken.setitem(drive.STEPS, State.MOVING, fails)
        await world.add(PACK)
        await world.reaches(PACK, State.ERROR)
    await world.stop()
    shutil.rmtree(world.incomplete(PACK))
    await world.start(another_account=True)
    await world.jobs.resume([PACK.infohash])
    await world.reaches(PACK, State.COMPLETED, State.ERROR)

    assert (world.state(PACK), world.reason(PACK)) == (State.COMPLETED, "")
    assert not any(one.failed for one in await world.store.run(endings.load_all))
