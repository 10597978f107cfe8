"""What is remembered of how torrents ended, and whose fault that was."""

import random

import pytest

from engine.alldebrid import errors
from engine.alldebrid.errors import ApiError, Treatment
from engine.jobs.ledger import Ledger
from engine.jobs.patience import NETWORK_PATIENCE
from engine.jobs.states import State
from engine.store import endings
from engine.store.records import EndingRecord, TorrentRecord
from engine.store.store import Store
from tests.engine.jobs.world import Torrent

A, B = "a" * 40, "b" * 40


FILM = Torrent("Film.2024.mkv", random.Random(3).randbytes(3_000_000))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store.db")
    yield store
    store.close()


class Heard:
    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1


def record(infohash):
    return TorrentRecord(
        hash=infohash, name=infohash, state=State.ADDED, save_path="/complete", added_at=1
    )


async def ledger_of(store, ended, *hashes):
    ledger = Ledger(store, lambda: 1000.0, ended)
    await ledger.load()
    for infohash in hashes:
        await ledger.insert(record(infohash), b"", "as a magnet")
    return ledger


def stored(store):
    return store.call(endings.load_all)


def ending(infohash, *, failed=True, tried=False):
    return EndingRecord(torrent=infohash, failed=failed, at=1000, tried=tried)


async def complete(ledger, infohash):
    for state in (State.QUEUED, State.DOWNLOADING, State.MOVING, State.COMPLETED):
        await ledger.move(infohash, state)


async def test_a_bad_release_is_remembered_with_the_move_that_ended_it(store):
    heard = Heard()
    ledger = await ledger_of(store, heard, A, B)
    await ledger.move(A, State.ERROR, reason="nobody shares it", bad_release=True)

    assert stored(store) == [ending(A)]
    assert heard.times == 1


async def test_a_failure_of_something_else_is_not_the_releases(store):
    heard = Heard()
    ledger = await ledger_of(store, heard, A)
    await ledger.move(A, State.ERROR, reason="the disk is read-only")

    assert stored(store) == []
    assert heard.times == 0


async def test_a_finished_torrent_is_remembered(store):
    heard = Heard()
    ledger = await ledger_of(store, heard, A)
    await complete(ledger, A)

    assert stored(store) == [ending(A, failed=False)]
    assert heard.times == 1


async def test_a_torrent_that_goes_on_has_not_ended(store):
    heard = Heard()
    ledger = await ledger_of(store, heard, A, B)
    for infohash in (A, B):
        await ledger.move(infohash, State.ERROR, bad_release=True)
    await ledger.move(A, State.ADDED)

    assert stored(store) == [ending(B)]
    assert heard.times == 3


async def test_also_after_a_restart_a_torrent_that_goes_on_has_not_ended(store):
    await (await ledger_of(store, Heard(), A)).move(A, State.ERROR, bad_release=True)
    ledger = await ledger_of(store, Heard())
    await ledger.move(A, State.ADDED)

    assert stored(store) == []


async def test_a_deleted_torrent_has_no_ending_unless_somebody_acts_on_it(store):
    ledger = await ledger_of(store, Heard(), A, B)
    for infohash in (A, B):
        await ledger.move(infohash, State.ERROR, bad_release=True)
    store.call(lambda db: endings.begin(db, ending(A)))
    for infohash in (A, B):
        await ledger.remove(infohash)

    assert stored(store) == [ending(A, tried=True)]


async def test_a_torrent_that_is_added_again_begins_anew(store):
    heard = Heard()
    ledger = await ledger_of(store, heard, A)
    await ledger.move(A, State.ERROR, bad_release=True)
    store.call(lambda db: endings.begin(db, ending(A)))
    await ledger.remove(A)
    await ledger.insert(record(A), b"", "as a magnet")

    assert stored(store) == []
    assert heard.times == 3


async def test_what_nobody_wants_to_know_is_not_kept(store):
    await (await ledger_of(store, Heard(), A)).move(A, State.ERROR, bad_release=True)
    ledger = await ledger_of(store, None, B)
    await ledger.move(B, State.ERROR, bad_release=True)

    assert stored(store) == []


@pytest.mark.parametrize(
    ("code", "about_release"),
    [
        ("MAGNET_INVALID_URI", True),
        ("MAGNET_TOO_LARGE", True),
        ("MAGNET_INTERNAL_ERROR", False),
        ("MAGNET_UPLOAD_FAILED", False),
        ("LINK_HOST_NOT_SUPPORTED", False),
        ("MAGNET_CANT_BOOTSTRAP", True),
        ("LINK_DOWN", True),
        ("LINK_PASS_PROTECTED", True),
        ("GENERIC", False),
        ("AUTH_BAD_APIKEY", False),
        ("MAGNET_MUST_BE_PREMIUM", False),
        ("MAGNET_NO_SERVER", False),
        ("MAGNET_TOO_MANY", False),
        ("LINK_HOST_UNAVAILABLE", False),
        ("A_CODE_NOBODY_KNOWS", False),
        (errors.UNREACHABLE, False),
        (errors.GARBLED, False),
        (errors.NO_LINK, True),
    ],
)
def test_what_alldebrid_says_is_about_the_release_or_not(code, about_release):
    assert ApiError(code).about_release is about_release
    assert ApiError(code, treatment=Treatment.PERMANENT).about_release is about_release


# Whose fault it is, from the whole way of a torrent


async def no_peers(world):
    world.fake.fails_torrent(FILM.infohash, 15)


async def an_internal_error_twice(world):
    world.fake.fails_torrent(FILM.infohash, 9)
    world.fake.answers_error("magnet/restart", "MAGNET_PROCESSING", times=None)
    await add(world)
    await world.goes_on(120)


async def no_valid_torrent(world):
    world.fake.answers_error("magnet/upload/file", "MAGNET_INVALID_FILE", times=None)


async def a_tree_that_lacks_files(world):
    world.fake.hold(FILM.infohash, FILM.name, files={"other.mkv": b"1" * 100})
    await add(world)
    for _ in range(3):
        await world.goes_on(20)


async def a_damaged_copy(world):
    world.host.corrupts(1_000_000, path=world.served(FILM), times=None)


async def content_that_is_gone(world):
    world.fake.answers_error("link/unlock", "LINK_DOWN", times=None)


async def a_link_behind_a_password(world):
    world.fake.answers_error("link/unlock", "LINK_PASS_PROTECTED", times=None)


async def a_file_the_host_does_not_have(world):
    world.host.answers(404, times=None)
    await through_two_uploads(world)


BAD_RELEASES = [
    no_peers,
    no_valid_torrent,
    a_tree_that_lacks_files,
    a_damaged_copy,
    content_that_is_gone,
    a_link_behind_a_password,
    a_file_the_host_does_not_have,
]


async def a_host_that_refuses_us(world):
    world.host.answers(403, times=None)
    await through_two_uploads(world)


async def a_dead_line(world):
    world.host.hangs_up(times=None)
    await add(world)
    await world.sleeps(30)
    world.time.passes(NETWORK_PATIENCE)


async def an_api_that_stays_in_trouble(world):
    world.fake.serves_html(times=None, status=503, endpoint="magnet/upload/file")
    await add(world)
    await world.sleeps(30)
    world.time.passes(NETWORK_PATIENCE)


async def an_unknown_refusal(world):
    world.fake.answers_error("magnet/upload/file", "A_CODE_NOBODY_KNOWS", times=None)


async def a_folder_that_cannot_be_written(world):
    blocked = world.folder / "library"
    blocked.write_bytes(b"a file where the folder should be")
    await world.add(FILM, save_path=str(blocked))


async def a_bug_of_ours(world):
    world.jobs._tools.poller.synced = None


OTHERS_FAULT = [
    an_internal_error_twice,
    a_host_that_refuses_us,
    a_dead_line,
    an_api_that_stays_in_trouble,
    an_unknown_refusal,
    a_folder_that_cannot_be_written,
    a_bug_of_ours,
]


async def add(world):
    if FILM.infohash not in world.jobs._ledger:
        await world.add(FILM)


async def through_two_uploads(world):
    await add(world)
    for delay in (30, 60, 120, 30, 60, 120):
        await world.goes_on(delay)


async def failed_by(world, way):
    """Let the torrent fail in that way; return the endings that are stored."""
    world.ended = Heard()
    world.hold(FILM)
    await world.start()
    await way(world)
    await add(world)
    await world.reaches(FILM, State.ERROR)
    return stored(world.store)


@pytest.mark.parametrize("way", BAD_RELEASES, ids=lambda way: way.__name__)
async def test_a_release_is_at_fault(world, way):
    [one] = await failed_by(world, way)

    assert (one.torrent, one.failed) == (FILM.infohash, True)
    assert world.ended.times == 1


@pytest.mark.parametrize("way", OTHERS_FAULT, ids=lambda way: way.__name__)
async def test_no_release_is_blamed_for_anything_else(world, way):
    assert await failed_by(world, way) == []


async def test_a_finished_torrent_is_told_of_when_its_files_are_where_they_belong(world):
    found = []
    world.ended = lambda: found.append((world.state(FILM), world.view(FILM).content_path))
    world.hold(FILM)
    await world.start()
    await add(world)
    await world.completes(FILM)

    assert found == [(State.COMPLETED, str(world.complete / FILM.name))]
    assert [one.failed for one in stored(world.store)] == [False]
