import asyncio
import functools
import hashlib
import random
import threading
import time

import pytest
from msgspec.structs import replace

from engine.jobs import intake
from engine.jobs.drive import STEPS
from engine.jobs.intake import THREAD_FROM
from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.jobs.views import AddRequest, BadCategory, BadTorrent, Unavailable, UnknownCategory
from engine.metainfo import parse_torrent
from engine.transfer.download import Engine
from tests.engine.jobs.world import PIECE, Torrent

BYTES = random.Random(1).randbytes

FILM = Torrent("Film.2024.mkv", BYTES(300_000))
LONG = Torrent("Long.Film.mkv", BYTES(3_000_000))
SHOW = Torrent("Show.S01", {"a.mkv": BYTES(50_000), "b/c.mkv": BYTES(50_000)})

WORKED_ON = [
    State.ADDED,
    State.WAITING_SLOT,
    State.PREPARING,
    State.QUEUED,
    State.DOWNLOADING,
    State.WAITING_NETWORK,
    State.WAITING_DISK,
]
"""States in which something is waited for that a test can hold back."""


async def stands_in(world, state: State):
    """Bring LONG into a state and keep it there; return what lets it go on."""
    world.hold(LONG, ready=state is not State.PREPARING)
    await world.start(max_concurrent=1, storage="hdd")

    if state is State.ADDED:
        release = world.fake.stalls(times=None, endpoint="magnet/upload").end
    elif state is State.WAITING_SLOT:
        full = world.fake.answers_error("magnet/upload/file", "MAGNET_TOO_MANY_ACTIVE", times=None)
        release = full.end
    elif state is State.PREPARING:
        release = functools.partial(world.fake.becomes_ready, LONG.infohash)
    elif state is State.QUEUED:
        world.hold(FILM)
        stalled = world.host.stalls_after(0, path=world.served(FILM), times=None)
        await world.add(FILM)
        await world.reaches(FILM, State.DOWNLOADING)
        release = stalled.lift
    elif state is State.DOWNLOADING:
        release = world.host.stalls_at(2_000_000, path=world.served(LONG), times=None).lift
    elif state is State.WAITING_NETWORK:
        release = world.host.hangs_up(times=None, path=world.served(LONG)).lift
    elif state is State.WAITING_DISK:
        world.free = 0

        def release():
            world.free = 10**12

    await world.add(LONG)
    await world.reaches(LONG, state)
    if state is State.DOWNLOADING:
        await world.until(lambda: world.view(LONG).downloaded > 1_000_000)
    return release


async def test_a_torrent_file_becomes_a_finished_verified_file(world):
    world.hold(FILM)
    await world.start()

    await world.add(FILM)
    await world.completes(FILM)

    kinds = await world.kinds(FILM)
    assert kinds[:6] == ["added", "preparing", "queued", "downloading", "moving", "completed"]
    view = world.view(FILM)
    assert view.record.size == 300_000
    assert view.downloaded == 300_000
    assert view.record.position == 0
    assert view.record.completed_at == int(world.time.now)


async def test_adding_answers_at_once_and_never_waits_for_alldebrid(world):
    world.fake.stalls(times=None)
    await world.start()

    infohash = await world.add(FILM)

    assert infohash == FILM.infohash
    assert world.view(FILM).state is State.ADDED
    assert world.view(FILM).record.size == 300_000


async def test_a_torrent_that_is_added_again_is_the_same_torrent(world):
    world.hold(FILM)
    await world.start()
    await asyncio.gather(*(world.add(FILM, magnet=number % 2 == 0) for number in range(10)))
    await world.completes(FILM)

    again = await world.add(FILM, magnet=True, category="other")

    assert again == FILM.infohash
    assert len(world.jobs.views()) == 1
    assert world.view(FILM).record.category == ""
    assert (await world.kinds(FILM)).count("added") == 1


async def test_a_failed_torrent_that_is_added_again_goes_on(world):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, 8, "too large")
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.ERROR)
    world.fake.becomes_ready(FILM.infohash)

    assert await world.add(FILM, magnet=True) == FILM.infohash

    await world.completes(FILM)
    assert "resumed" in await world.kinds(FILM)


async def test_a_complete_torrent_that_is_added_again_without_its_files_is_fetched_again(world):
    world.hold(FILM)
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, paused=True)
    await world.add(FILM)
    await world.completes(FILM)
    await world.until(lambda: not world.view(FILM).record.magnet_id)
    served = world.host.served
    (world.complete / "Film.2024.mkv").unlink()

    assert await world.add(FILM) == FILM.infohash
    assert world.state(FILM) is not State.COMPLETED
    await world.until(lambda: world.view(FILM).record.position == 2)
    await world.completes(FILM)
    world.host.wait_until_idle()

    assert world.host.served - served == 300_000
    assert world.fake.count("magnet/upload/file") == 2
    assert len(world.jobs.views()) == 2


async def test_of_a_torrent_that_is_added_again_only_the_files_that_are_gone_are_fetched(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.completes(SHOW)
    served = world.host.served
    (world.complete / "Show.S01" / "a.mkv").unlink()

    await world.add(SHOW)
    await world.completes(SHOW)
    world.host.wait_until_idle()

    assert world.host.served - served == 50_000


@pytest.mark.parametrize("remove", [False, True])
async def test_what_is_added_again_to_be_paused_is_left_as_it_is(world, remove):
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)
    if remove:
        (world.complete / "Film.2024.mkv").unlink()
    else:
        await world.jobs._ledger.move(FILM.infohash, State.ERROR, reason="the check failed")
    before = world.state(FILM)

    await world.add(FILM, paused=True)

    assert world.state(FILM) is before


@pytest.mark.parametrize(
    "request_",
    [
        AddRequest(),
        AddRequest(magnet="magnet:?xt=urn:btih:zzz"),
        AddRequest(metainfo=b"not bencoded"),
        AddRequest(magnet=FILM.magnet, metainfo=FILM.metainfo),
        AddRequest(magnet=FILM.magnet, save_path="/downloads/../etc"),
        AddRequest(magnet=FILM.magnet, category="a/../b"),
    ],
)
async def test_what_is_no_torrent_is_refused_in_one_sentence(world, request_):
    await world.start()

    with pytest.raises(BadTorrent) as caught:
        await world.jobs.add(request_)

    assert str(caught.value)
    assert world.jobs.views() == []


async def test_fields_of_the_request_are_kept(world):
    await world.start()
    await world.add(
        FILM,
        paused=True,
        forced=True,
        tags=("a", "b", "a"),
        rename="Another Name",
        category="radarr",
        ratio_limit=1.5,
        seeding_time_limit=60,
        inactive_seeding_time_limit=30,
        download_limit=1000,
        upload_limit=2000,
    )

    record = world.view(FILM).record

    assert record.state == State.PAUSED
    assert (record.forced, record.tags, record.name) == (True, ("a", "b"), "Another Name")
    assert (record.ratio_limit, record.seeding_time_limit) == (1.5, 60)
    assert record.inactive_seeding_time_limit == 30
    assert (record.download_limit, record.upload_limit) == (1000, 2000)
    assert record.save_path == str(world.complete / "radarr")
    assert (world.complete / "radarr").is_dir()


async def test_trackers_are_shown_without_their_passkeys(world):
    await world.start()
    await world.add(FILM, paused=True)

    view = world.view(FILM)

    assert view.trackers == ("http://tracker.invalid",)
    assert view.pieces == 5
    assert "passkey" not in repr(view.trackers)


@pytest.mark.parametrize("state", WORKED_ON)
async def test_a_torrent_is_paused_in_any_state_and_goes_on_when_resumed(world, state):
    release = await stands_in(world, state)

    await asyncio.wait_for(world.jobs.pause([LONG.infohash]), 5)
    assert world.state(LONG) is State.PAUSED
    assert world.jobs._crew.live(LONG.infohash) is None
    release()
    await world.jobs.resume([LONG.infohash])

    await world.completes(LONG)


@pytest.mark.parametrize("state", WORKED_ON)
async def test_a_torrent_is_deleted_in_any_state_without_a_trace(world, state):
    await stands_in(world, state)

    await asyncio.wait_for(world.jobs.delete([LONG.infohash], delete_files=True), 5)

    assert world.jobs.view(LONG.infohash) is None
    assert not world.incomplete(LONG).exists()
    assert await world.jobs.events(LONG.infohash) == []
    if state not in {State.ADDED, State.WAITING_SLOT}:
        await world.turns(lambda: not world.fake.magnet_id(LONG.infohash))


@pytest.mark.parametrize("state", WORKED_ON)
async def test_a_torrent_goes_on_after_a_restart_in_any_state(world, state):
    release = await stands_in(world, state)
    downloaded = world.view(LONG).downloaded

    await world.stop()
    release()
    await world.start()

    assert world.view(LONG).downloaded >= downloaded
    await world.completes(LONG)


async def test_pausing_keeps_what_is_downloaded(world):
    await stands_in(world, State.DOWNLOADING)

    await world.jobs.pause(None)

    (file,) = world.jobs.files(LONG.infohash)
    assert file.flushed > 1_000_000
    on_disk = (world.incomplete(LONG) / "Long.Film.mkv").read_bytes()
    assert on_disk[: file.flushed] == LONG.files["Long.Film.mkv"][: file.flushed]


async def test_pausing_a_complete_torrent_does_nothing(world):
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)

    await world.jobs.pause(None)
    await world.jobs.resume(None)

    assert world.state(FILM) is State.COMPLETED


async def test_what_is_asked_of_unknown_torrents_is_ignored(world):
    await world.start()
    unknown = ["0" * 40]

    await world.jobs.delete(unknown, delete_files=True)
    await world.jobs.pause(unknown)
    await world.jobs.resume(unknown)
    await world.jobs.recheck(unknown)
    await world.jobs.set_category(unknown, "")
    await world.jobs.add_tags(unknown, ["a"])
    await world.jobs.to_top(unknown)

    assert world.jobs.view(unknown[0]) is None
    assert world.jobs.files(unknown[0]) == []


async def test_deleting_with_files_removes_what_is_ours_and_nothing_else(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.completes(SHOW)
    folder = world.complete / "Show.S01"
    (folder / "b" / "somebody's.srt").write_bytes(b"1")
    outside = world.folder / "outside"
    outside.mkdir()
    (outside / "c.mkv").write_bytes(b"precious")

    await world.jobs.delete([SHOW.infohash], delete_files=True)

    assert sorted(path.name for path in folder.rglob("*")) == ["b", "somebody's.srt"]
    assert world.complete.is_dir()
    assert (outside / "c.mkv").exists()


async def test_deleting_follows_no_symbolic_link(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.completes(SHOW)
    folder = world.complete / "Show.S01"
    outside = world.folder / "outside"
    (folder / "b").rename(outside)
    (folder / "b").symlink_to(outside)

    await world.jobs.delete([SHOW.infohash], delete_files=True)

    assert (outside / "c.mkv").exists()
    assert not (folder / "a.mkv").exists()


async def test_deleting_without_files_leaves_them(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.completes(SHOW)

    await world.jobs.delete(None, delete_files=False)

    assert (world.complete / "Show.S01" / "b" / "c.mkv").exists()
    assert world.jobs.views() == []


async def test_a_torrent_that_was_deleted_can_be_added_again_at_once(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.reaches(SHOW, State.PREPARING, State.QUEUED, State.DOWNLOADING, State.COMPLETED)

    await world.jobs.delete([SHOW.infohash], delete_files=True)
    await world.add(SHOW)

    await world.completes(SHOW)
    assert world.view(SHOW).record.owned


async def test_torrents_download_in_the_order_of_the_queue(world):
    torrents = [Torrent(f"Film {number}.mkv", BYTES(1000 + number)) for number in range(4)]
    await world.start(max_concurrent=1, storage="hdd")
    for torrent in torrents:
        world.hold(torrent)
        await world.add(torrent, paused=True)
    await world.jobs.to_top([torrents[2].infohash])
    await world.jobs.to_bottom([torrents[0].infohash])

    order = sorted(world.jobs.views(), key=lambda view: view.record.position)

    assert [view.record.name for view in order] == [
        "Film 2.mkv",
        "Film 1.mkv",
        "Film 3.mkv",
        "Film 0.mkv",
    ]
    assert [view.record.name for view in world.jobs.views()] == [one.name for one in torrents]


async def test_a_torrent_goes_one_place_up_or_down(world):
    torrents = [Torrent(f"Film {number}.mkv", BYTES(1000 + number)) for number in range(4)]
    await world.start()
    for torrent in torrents:
        await world.add(torrent, paused=True)

    await world.jobs.to_higher([torrents[3].infohash, torrents[0].infohash, "0" * 40])
    await world.jobs.to_lower([torrents[1].infohash])
    await world.restart()

    order = sorted(world.jobs.views(), key=lambda view: view.record.position)
    assert [view.record.name[5] for view in order] == ["0", "3", "1", "2"]


async def test_who_comes_first_in_the_queue_downloads_next(world):
    release = await stands_in(world, State.QUEUED)
    small = Torrent("Small.mkv", BYTES(2000))
    world.hold(small)
    await world.add(small)
    await world.reaches(small, State.QUEUED)

    await world.jobs.to_higher([small.infohash])
    stalled = world.host.stalls_after(0, path=world.served(LONG), times=None)
    release()

    await world.completes(small)
    stalled.lift()
    await world.completes(LONG)


async def test_a_torrent_that_is_forced_no_longer_waits_for_its_turn_again(world):
    await stands_in(world, State.QUEUED)
    stalled = world.host.stalls_after(0, path=world.served(LONG), times=None)
    await world.jobs.set_forced([LONG.infohash], forced=True)
    await world.reaches(LONG, State.DOWNLOADING)
    assert world.view(LONG).record.forced

    await world.jobs.set_forced([LONG.infohash], forced=False)
    await world.reaches(LONG, State.QUEUED)

    assert world.state(FILM) is State.DOWNLOADING
    stalled.lift()
    await world.jobs.set_forced([LONG.infohash], forced=True)
    await world.completes(LONG)


async def test_flags_without_effect_are_stored_and_shown(world):
    await world.start()
    await world.add(FILM, paused=True, sequential=True)
    await world.add(LONG, paused=True)
    await world.jobs.toggle_sequential(None)
    await world.jobs.toggle_first_last([LONG.infohash])
    await world.restart()

    flags = [(one.record.sequential, one.record.first_last) for one in world.jobs.views()]
    assert flags == [(False, False), (True, True)]


async def test_the_torrent_file_is_given_back_as_it_came(world):
    await world.start()
    await world.add(FILM, paused=True)
    await world.add(LONG, magnet=True, paused=True)

    assert await world.jobs.metainfo(FILM.infohash) == FILM.metainfo
    assert await world.jobs.metainfo(LONG.infohash) is None
    assert await world.jobs.metainfo("0" * 40) is None


async def test_pieces_are_shown_with_their_hashes_and_whether_they_are_there(world):
    release = await stands_in(world, State.DOWNLOADING)
    await world.add(FILM, magnet=True, paused=True)
    hashes, states = await world.jobs.piece_hashes(LONG.infohash), world.jobs.piece_states

    data, count = LONG.files["Long.Film.mkv"], -(-3_000_000 // PIECE)
    assert hashes == [
        hashlib.sha1(data[at : at + PIECE]).hexdigest() for at in range(0, 3_000_000, PIECE)
    ]
    shown = states(LONG.infohash)
    have = world.jobs.files(LONG.infohash)[0].flushed // PIECE
    assert len(shown) == count
    assert shown[0] == 2
    assert shown[-1] == 0
    assert shown.count(1) == 1
    assert shown.count(2) <= have
    assert await world.jobs.piece_hashes(FILM.infohash) == states(FILM.infohash) == []
    assert await world.jobs.piece_hashes("0" * 40) == states("0" * 40) == []
    release()
    await world.completes(LONG)
    assert states(LONG.infohash) == [2] * count


async def test_a_forced_torrent_downloads_beside_a_full_queue(world):
    await stands_in(world, State.QUEUED)

    await world.jobs.set_forced([LONG.infohash], forced=True)

    await world.completes(LONG)
    assert world.state(FILM) is State.DOWNLOADING
    assert not world.view(LONG).record.forced


async def test_tags_and_share_limits_are_kept_over_a_restart(world):
    await world.start()
    await world.add(FILM, paused=True)
    await world.jobs.add_tags(None, ["a", "b"])
    await world.jobs.add_tags(None, ["c"])
    await world.jobs.remove_tags(None, ["b"])
    await world.jobs.set_share_limits(
        None, ratio_limit=0, seeding_time_limit=-1, inactive_seeding_time_limit=5
    )

    await world.restart()

    record = world.view(FILM).record
    assert record.tags == ("a", "c")
    assert (record.ratio_limit, record.seeding_time_limit) == (0, -1)
    await world.jobs.remove_tags(None, [])
    assert world.view(FILM).record.tags == ()


@pytest.fixture
def downloads(monkeypatch):
    """The downloads that were begun, in their order."""
    begun = []
    begin = Engine.download

    def noting(*args, **kwargs):
        begun.append(begin(*args, **kwargs))
        return begun[-1]

    monkeypatch.setattr(Engine, "download", noting)
    return begun


async def test_a_limit_of_a_torrent_holds_for_all_its_files(world, downloads):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW, download_limit=50_000_000)

    await world.completes(SHOW)

    assert [download.pace.rate for download in downloads] == [50_000_000] * 2


async def test_a_torrent_of_many_small_files_is_kept_to_its_limit(world):
    many = Torrent("Many.Files", {f"{number}.srt": BYTES(5000) for number in range(40)})
    world.hold(many)
    await world.start()
    began = time.monotonic()
    await world.add(many, download_limit=200_000)

    await world.completes(many)

    assert time.monotonic() - began > 0.95  # 200,000 bytes


async def test_a_limit_of_a_torrent_changes_while_it_downloads(world, downloads):
    release = await stands_in(world, State.DOWNLOADING)
    (download,) = downloads
    assert download.pace.rate == 0
    await world.jobs.set_download_limit([LONG.infohash, "0" * 40], 20_000_000)
    assert download.pace.rate == 20_000_000
    assert world.view(LONG).record.download_limit == 20_000_000
    await world.jobs.set_download_limit(None, 0)
    assert download.pace.rate == 0
    release()
    await world.completes(LONG)


async def test_who_goes_away_while_a_limit_is_set_leaves_none_half_set(world, downloads):
    release = await stands_in(world, State.DOWNLOADING)
    order = asyncio.create_task(world.jobs.set_download_limit(None, 20_000_000))
    await asyncio.sleep(0)
    order.cancel()

    await world.until(lambda: world.view(LONG).record.download_limit > 0)
    await world.turns(lambda: downloads[0].pace.rate == 20_000_000)
    release()
    await world.completes(LONG)


async def test_limits_of_torrents_are_kept_over_a_restart(world):
    await world.start()
    await world.add(FILM, paused=True, download_limit=1000, upload_limit=2000)
    await world.add(LONG, paused=True)
    await world.jobs.set_download_limit([LONG.infohash], 3000)
    await world.jobs.set_upload_limit(None, 4000)

    await world.restart()

    limits = [(one.record.download_limit, one.record.upload_limit) for one in world.jobs.views()]
    assert limits == [(1000, 4000), (3000, 4000)]


async def test_the_limits_over_all_torrents_are_kept_over_a_restart(world):
    await world.start(download_limit=1000, alternative_download_limit=10)
    assert world.jobs.speed_limits() == SpeedLimits(download=1000, alternative_download=10)
    await world.jobs.change_speed_limits(lambda old: replace(old, download=2000, alternative=True))

    await world.restart()

    kept = SpeedLimits(download=2000, alternative_download=10, alternative=True)
    assert world.jobs.speed_limits() == kept
    assert world.jobs._tools.engine.pace.rate == 10
    await world.restart(download_limit=5000)
    assert world.jobs.speed_limits() == replace(kept, download=5000)


async def test_categories_are_made_listed_kept_and_removed(world):
    await world.start()
    await world.jobs.create_category("radarr", "")
    await world.jobs.create_category("sonarr/anime", "elsewhere/anime")
    await world.jobs.create_category("radarr", "another path that is not taken")

    await world.restart()

    assert [(one.name, one.save_path) for one in world.jobs.categories()] == [
        ("radarr", ""),
        ("sonarr/anime", "elsewhere/anime"),
    ]
    assert (world.complete / "radarr").is_dir()
    assert (world.complete / "elsewhere" / "anime").is_dir()
    await world.jobs.remove_categories(["radarr", "unknown"])
    assert [one.name for one in world.jobs.categories()] == ["sonarr/anime"]


async def test_a_category_whose_folder_cannot_be_made_is_refused(world):
    await world.start()
    (world.complete / "file").write_bytes(b"")

    with pytest.raises(BadCategory, match="folder"):
        await world.jobs.create_category("file/sub", "")


async def test_a_category_whose_folder_is_not_there_keeps_nobody_from_starting(world):
    await world.start()
    await world.jobs.create_category("a", "mounted/a")
    (world.complete / "mounted" / "a").rmdir()
    (world.complete / "mounted").rmdir()
    (world.complete / "mounted").write_bytes(b"not mounted")

    await world.restart()

    assert [one.name for one in world.jobs.categories()] == ["a"]


async def test_torrents_follow_their_category_finished_or_not(world):
    world.hold(SHOW)
    await world.start()
    await world.jobs.create_category("imported", "")
    await world.add(FILM, paused=True, category="radarr")
    await world.add(SHOW, category="radarr")
    await world.completes(SHOW)

    await world.jobs.set_category(None, "imported")

    assert world.view(FILM).record.save_path == str(world.complete / "imported")
    assert world.view(SHOW).record.save_path == str(world.complete / "imported")
    assert {view.record.category for view in world.jobs.views()} == {"imported"}
    await world.jobs.remove_categories(["imported"])
    assert {view.record.category for view in world.jobs.views()} == {""}
    with pytest.raises(UnknownCategory):
        await world.jobs.set_category(None, "unknown")


async def test_a_save_path_of_its_own_stays_whatever_the_category(world):
    await world.start()
    await world.jobs.create_category("radarr", "")
    await world.add(FILM, paused=True, save_path=str(world.folder / "library"))

    await world.jobs.set_category(None, "radarr")

    assert world.view(FILM).record.save_path == str(world.folder / "library")


async def test_unfinished_files_that_no_torrent_is_known_for_are_named_and_kept(world, caplog):
    orphan = world.folder / "downloads" / "incomplete" / ("a" * 40)
    orphan.mkdir(parents=True)
    (orphan / "film.mkv").write_bytes(b"1")

    await world.start()

    assert (orphan / "film.mkv").read_bytes() == b"1"
    assert str(orphan) in caplog.text


async def test_a_full_disk_under_the_database_stops_nobody_for_good(world):
    release = await stands_in(world, State.DOWNLOADING)
    world.store.full = True
    release()
    await world.sleeps(30)

    world.store.full = False
    await world.goes_on(30)

    await world.completes(LONG)


async def test_a_bug_fails_its_torrent_and_says_so(world, monkeypatch):
    async def broken(job):
        raise ZeroDivisionError(job.infohash)

    monkeypatch.setitem(STEPS, State.ADDED, broken)
    await world.start()

    await world.add(FILM)
    await world.reaches(FILM, State.ERROR)

    assert "log" in world.reason(FILM)


async def test_an_order_is_carried_out_even_if_nobody_waits_for_it_any_more(world):
    await stands_in(world, State.DOWNLOADING)
    asker = asyncio.create_task(world.jobs.pause([LONG.infohash]))
    await asyncio.sleep(0)

    asker.cancel()

    await world.reaches(LONG, State.PAUSED)


async def test_pausing_the_check_of_a_complete_torrent_leaves_it_complete(world):
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)
    async with world.jobs._tools.checking:
        await world.jobs.recheck([FILM.infohash])
        assert world.state(FILM) is State.CHECKING

        await world.jobs.pause([FILM.infohash])

    assert world.state(FILM) is State.COMPLETED
    world.has_files(FILM)


async def test_what_was_complete_once_is_checked_when_it_is_resumed_and_not_fetched_again(world):
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)
    served = world.host.served
    await world.jobs._ledger.move(FILM.infohash, State.ERROR, reason="the check failed")

    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)
    assert world.host.served == served


async def test_files_that_were_moved_but_not_recorded_are_deleted_too(world):
    world.hold(SHOW)
    await world.start()
    await world.add(SHOW)
    await world.completes(SHOW)
    await world.jobs._ledger.update(
        SHOW.infohash, lambda old: replace(old, state="moving", completed_at=0)
    )

    await world.jobs.delete([SHOW.infohash], delete_files=True)

    assert not (world.complete / "Show.S01").exists()


async def test_views_are_the_same_objects_while_nothing_changes(world):
    world.hold(FILM)
    await world.start(delete_magnets=False)
    await world.add(FILM)
    await world.completes(FILM)
    await world.turns(lambda: world.jobs._crew.live(FILM.infohash) is None)

    assert world.jobs.views()[0] is world.jobs.views()[0]


async def test_facts_of_torrents_are_learnt_again_after_a_restart(world):
    await world.start()
    await world.add(FILM, paused=True)
    await world.add(SHOW, paused=True, magnet=True)

    await world.restart()
    await world.turns(lambda: world.view(SHOW).trackers != ())

    assert world.view(FILM).pieces == 5
    assert world.view(SHOW).trackers == ("http://tracker.invalid",)


async def test_the_free_space_is_read_now_and_then(world):
    await world.start()
    world.free = 5
    before = world.jobs.totals().free_space
    world.free = 7
    assert world.jobs.totals().free_space == before
    world.time.now += 10

    assert world.jobs.totals().free_space == 7


async def test_no_secret_stands_in_what_is_remembered_or_shown(world):
    world.hold(FILM)
    world.host.corrupts(0, times=1)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)
    assert "piece_refetched" in await world.kinds(FILM)

    shown = repr(await world.jobs.events(FILM.infohash)) + repr(world.jobs)

    assert "marked" not in shown
    assert "http" not in shown


async def test_nothing_runs_any_more_after_stop(world):
    await stands_in(world, State.DOWNLOADING)

    await world.stop()

    names = [thread.name for thread in threading.enumerate()]
    assert "run" not in names
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("drive")]


@pytest.mark.parametrize("order", ["add", "add again", "resume"])
async def test_an_order_has_an_account_in_trouble_looked_at(world, order, monkeypatch):
    await world.start()
    await world.add(FILM, paused=True)
    nudges = []
    monkeypatch.setattr(world.jobs._client.account, "nudge", lambda: nudges.append(order))

    if order == "resume":
        await world.jobs.resume(None)
    else:
        await world.add(FILM if order == "add again" else SHOW)

    assert nudges == [order]


async def test_a_torrent_says_that_alldebrid_does_not_answer_until_it_does(world):
    world.hold(FILM)
    world.fake.goes_down()
    await world.start()
    await world.add(FILM)
    await world.add(SHOW, paused=True)

    await world.turns(lambda: "cannot be reached" in world.reason(FILM))

    assert world.reason(SHOW) == ""
    assert world.jobs.totals().account_trouble == ""
    world.fake.comes_back()
    await world.completes(FILM)


@pytest.mark.parametrize(
    "order",
    [
        lambda jobs: jobs.add(AddRequest(magnet=SHOW.magnet)),
        lambda jobs: jobs.events(LONG.infohash),
        lambda jobs: jobs.delete(None, delete_files=True),
        lambda jobs: jobs.pause(None),
        lambda jobs: jobs.recheck(None),
        lambda jobs: jobs.set_category(None, ""),
        lambda jobs: jobs.add_tags(None, ["a"]),
        lambda jobs: jobs.remove_tags(None, []),
        lambda jobs: jobs.set_forced(None, forced=True),
        lambda jobs: jobs.set_share_limits(
            None, ratio_limit=1, seeding_time_limit=1, inactive_seeding_time_limit=1
        ),
        lambda jobs: jobs.set_download_limit(None, 1),
        lambda jobs: jobs.set_upload_limit(None, 1),
        lambda jobs: jobs.change_speed_limits(lambda old: replace(old, download=1)),
        lambda jobs: jobs.to_top(None),
        lambda jobs: jobs.to_bottom(None),
        lambda jobs: jobs.to_higher(None),
        lambda jobs: jobs.to_lower(None),
        lambda jobs: jobs.set_file_priorities(LONG.infohash, [0], 6),
        lambda jobs: jobs.toggle_sequential(None),
        lambda jobs: jobs.toggle_first_last(None),
        lambda jobs: jobs.create_tags(["a"]),
        lambda jobs: jobs.change_preferences(lambda old: replace(old, start_paused=True)),
        lambda jobs: jobs.create_category("films", ""),
        lambda jobs: jobs.remove_categories(["films"]),
    ],
)
async def test_what_the_store_cannot_take_is_refused_in_one_sentence_and_work_goes_on(world, order):
    release = await stands_in(world, State.DOWNLOADING)
    on_disk = world.view(LONG).downloaded
    world.store.full = True

    with pytest.raises(Unavailable, match="no room left to write the database"):
        await order(world.jobs)

    world.store.full = False
    assert world.jobs._crew.live(LONG.infohash) is not None
    assert (world.incomplete(LONG) / "Long.Film.mkv").stat().st_size >= on_disk
    release()
    await world.turns(lambda: world.state(LONG) is State.COMPLETED or world.time.asleep())
    world.time.passes(30)
    await world.completes(LONG)


async def test_what_rests_stays_so_when_the_store_cannot_take_an_order(world):
    await world.start()
    await world.add(FILM, paused=True)
    world.store.full = True

    for order in (world.jobs.resume, functools.partial(world.jobs.delete, delete_files=True)):
        with pytest.raises(Unavailable):
            await order(None)

    assert world.state(FILM) is State.PAUSED
    assert world.jobs._crew.live(FILM.infohash) is None


@pytest.mark.parametrize(("size", "elsewhere"), [(THREAD_FROM, False), (THREAD_FROM + 1, True)])
async def test_a_large_torrent_file_is_read_beside_the_event_loop(
    world, monkeypatch, size, elsewhere
):
    threads = []

    def noting(data):
        threads.append(threading.current_thread())
        return parse_torrent(data)

    monkeypatch.setattr(intake, "parse_torrent", noting)
    await world.start()

    with pytest.raises(BadTorrent):
        await world.jobs.add(AddRequest(metainfo=b"l" * size))

    assert [thread is not threading.main_thread() for thread in threads] == [elsewhere]


async def test_a_large_torrent_file_becomes_a_torrent_like_any_other(world):
    many = Torrent("Many.mkv", BYTES(60_000), piece=1)
    assert len(many.metainfo) > THREAD_FROM
    world.hold(many)
    await world.start()

    await world.add(many)

    await world.completes(many)
