import contextlib
import errno
import os
import random

import pytest

from engine.jobs.collect import RESERVE, reserve_of
from engine.jobs.patience import NETWORK_PATIENCE
from engine.jobs.states import State
from engine.store import links
from engine.transfer import disk
from tests.engine.jobs.world import PIECE, Torrent
from tests.fakes.filehost import FileHost

BYTES = random.Random(2).randbytes

FILM = Torrent("Film.2024.mkv", BYTES(3_000_000))
SHOW = Torrent(
    "Show.S01",
    {
        "E01/episode.mkv": BYTES(150_000),
        "E01/empty.nfo": b"",
        "E02/episode.mkv": BYTES(170_001),
        "E03/episode.mkv": BYTES(5_000),
    },
)
"""Files that share pieces, names and one that is empty."""


@pytest.mark.parametrize("magnet", [False, True], ids=["torrent", "magnet"])
async def test_files_of_one_name_in_several_folders_and_empty_ones_arrive(world, magnet):
    world.hold(SHOW)
    await world.start()

    await world.add(SHOW, magnet=magnet)
    await world.completes(SHOW)

    assert (world.complete / "Show.S01/E01/empty.nfo").read_bytes() == b""
    assert world.view(SHOW).content_path == str(world.complete / "Show.S01")


async def test_a_web_page_that_belongs_to_the_torrent_arrives(world):
    book = Torrent("Book", {"index.html": b"<p>" * 5000, "book.epub": BYTES(50_000)})
    world.hold(book)
    world.host.sends_headers(
        {"Content-Type": "text/html"}, path=world.served(book, "Book/index.html")
    )
    await world.start()

    await world.add(book)
    await world.completes(book)

    assert (world.complete / "Book/index.html").read_bytes() == b"<p>" * 5000


async def test_a_wrong_piece_is_fetched_once_more_by_a_fresh_link(world):
    world.hold(FILM)
    wrong = world.host.corrupts(1_000_000, path=world.served(FILM))
    await world.start()
    await world.add(FILM)

    await world.completes(FILM)

    assert wrong.hits == 1
    (event,) = [e for e in await world.jobs.events(FILM.infohash) if e.kind == "piece_refetched"]
    assert event.detail.startswith(f"piece {1_000_000 // PIECE}: ")
    assert "Film.2024.mkv" in event.detail
    assert world.fake.count("link/unlock") == 2


async def test_a_wrong_piece_across_two_files_takes_both_back(world):
    world.hold(SHOW)
    wrong = world.host.corrupts(149_999, path=world.served(SHOW, "Show.S01/E01/episode.mkv"))
    await world.start()
    await world.add(SHOW)

    await world.completes(SHOW)

    assert wrong.hits == 1
    assert "piece_refetched" in await world.kinds(SHOW)


async def test_a_piece_that_is_wrong_twice_fails_the_torrent_by_name(world):
    world.hold(FILM)
    world.host.corrupts(1_000_000, path=world.served(FILM), times=None)
    await world.start()
    await world.add(FILM)

    await world.reaches(FILM, State.ERROR)

    assert f"Piece {1_000_000 // PIECE} " in world.reason(FILM)
    assert "Film.2024.mkv" in world.reason(FILM)
    kinds = await world.kinds(FILM)
    assert (kinds.count("piece_refetched"), kinds.count("piece_failed")) == (1, 1)


async def test_a_restart_does_not_give_a_wrong_piece_another_chance(world):
    world.hold(FILM)
    world.host.corrupts(1_000_000, path=world.served(FILM), times=1)
    stalled = world.host.stalls_at(2_000_000, times=None, path=world.served(FILM))
    await world.start()
    await world.add(FILM)
    await world.until(lambda: stalled.hits > 0 and world.view(FILM).downloaded > 1_100_000)
    await world.jobs.pause([FILM.infohash])
    stalled.lift()
    (world.incomplete(FILM) / "Film.2024.mkv").unlink()
    world.host.corrupts(1_000_000, path=world.served(FILM), times=1)

    await world.restart()
    await world.jobs._ledger.move(FILM.infohash, State.ADDED)
    await world.restart()
    await world.reaches(FILM, State.ERROR)

    assert "also when fetched again" in world.reason(FILM)


async def test_resuming_a_failed_torrent_gives_it_its_chances_again(world):
    world.hold(FILM)
    wrong = world.host.corrupts(1_000_000, path=world.served(FILM), times=None)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.ERROR)

    wrong.lift()
    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)


async def test_a_link_that_expires_in_the_middle_is_replaced_and_the_download_goes_on(world):
    world.hold(FILM)
    cut = world.host.closes_at(1_500_000, path=world.served(FILM))
    await world.start()
    cut_path = world.served(FILM)
    original = cut.strike

    def expire_then_strike(wire):
        world.host.expires(cut_path)
        original(wire)

    cut.strike = expire_then_strike
    await world.add(FILM)

    await world.completes(FILM)

    assert cut.hits == 1
    assert world.fake.count("link/unlock") == 2
    assert "reuploaded" not in await world.kinds(FILM)


async def test_content_that_is_gone_is_uploaded_again_and_what_is_on_disk_is_kept(world):
    world.hold(FILM)
    stored = await _half_downloaded(world)
    world.host.expires(world.served(FILM))
    world.fake.answers_error("link/unlock", "LINK_DOWN", times=1)
    before = world.host.served

    await world.jobs.resume([FILM.infohash])
    await world.completes(FILM)
    world.host.wait_until_idle()

    assert (await world.kinds(FILM)).count("reuploaded") == 1
    assert world.fake.count("magnet/upload/file") == 2
    assert world.host.served - before <= 3_000_000 - stored + 4096


async def test_content_that_stays_gone_fails_the_torrent(world):
    world.hold(FILM)
    world.fake.answers_error("link/unlock", "LINK_DOWN", times=None)
    await world.start()
    await world.add(FILM)

    await world.reaches(FILM, State.ERROR)

    assert "no longer has the content" in world.reason(FILM)
    assert (await world.kinds(FILM)).count("reuploaded") == 1
    assert world.fake.count("magnet/upload/file") == 2
    assert world.fake.count("magnet/delete") == 1


async def test_trouble_on_the_line_is_waited_out_visibly(world):
    world.hold(FILM)
    dead = world.host.hangs_up(times=None)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.WAITING_NETWORK)
    assert world.reason(FILM)

    await world.goes_on(30)
    await world.goes_on(60)
    await world.sleeps(120)
    dead.lift()
    await world.goes_on(120)

    await world.completes(FILM)


@contextlib.contextmanager
def first_of_two_hosts_is_dead(world):
    """Let AllDebrid give a link to a dead host first, and to a living one from then on."""
    name = "Film.2024.mkv"
    with FileHost({f"/{name}": FILM.files[name]}) as other:
        dead = FileHost({f"/{name}": FILM.files[name]})
        with dead:
            given = [dead.url(f"/{name}")]
        world.fake.hold(
            FILM.infohash,
            name,
            files=FILM.paths,
            file_host=lambda _: given.pop() if given else other.url(f"/{name}"),
        )
        yield


async def test_a_dead_host_is_left_by_a_fresh_link_from_the_second_failure_on(world):
    with first_of_two_hosts_is_dead(world):
        await world.start()
        await world.add(FILM)
        await world.goes_on(30)
        await world.sleeps(60)
        assert world.fake.count("link/unlock") == 1
        await world.goes_on(60)

        await world.completes(FILM)

    assert world.fake.count("link/unlock") == 2


async def test_resuming_leaves_a_dead_host_at_once(world):
    with first_of_two_hosts_is_dead(world):
        await world.start()
        await world.add(FILM)
        await world.reaches(FILM, State.WAITING_NETWORK)
        await world.jobs.pause(None)

        await world.jobs.resume(None)

        await world.completes(FILM)


async def test_deleting_forgets_what_links_were_unlocked_to(world):
    world.hold(FILM)
    world.host.hangs_up(times=None)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.WAITING_NETWORK)
    (file,) = world.jobs._ledger.entry(FILM.infohash).files
    assert await world.store.run(lambda db: links.get(db, file.link)) is not None

    await world.jobs.delete(None, delete_files=True)

    assert await world.store.run(lambda db: links.get(db, file.link)) is None


async def test_a_link_that_stays_refused_is_waited_for_with_fresh_ones(world):
    world.hold(FILM)
    refused = world.host.answers(403, times=None)
    await world.start()
    await world.add(FILM)
    for delay in (30, 60, 120):
        await world.sleeps(delay)
        assert world.state(FILM) is State.WAITING_NETWORK
        assert "403" in world.reason(FILM)
        unlocked = world.fake.count("link/unlock")
        if delay == 120:
            refused.lift()
        await world.goes_on(delay)
        await world.until(lambda before=unlocked: world.fake.count("link/unlock") > before)

    await world.completes(FILM)

    assert "reuploaded" not in await world.kinds(FILM)


async def test_links_that_stay_refused_for_long_have_the_torrent_uploaded_again_once(world):
    world.hold(FILM)
    world.host.answers(403, times=None)
    await world.start()
    await world.add(FILM)
    for delay in (30, 60, 120):
        await world.goes_on(delay)

    for delay in (30, 60, 120):
        await world.goes_on(delay)
    await world.reaches(FILM, State.ERROR)

    assert "403" in world.reason(FILM)
    assert (await world.kinds(FILM)).count("reuploaded") == 1
    assert world.fake.count("magnet/upload/file") == 2


async def test_after_six_hours_without_a_byte_the_torrent_fails(world):
    world.hold(FILM)
    world.host.hangs_up(times=None)
    await world.start()
    await world.add(FILM)
    await world.sleeps(30)

    world.time.passes(NETWORK_PATIENCE)

    await world.reaches(FILM, State.ERROR)
    assert "six hours" in world.reason(FILM)


async def test_a_torrent_that_waits_for_the_network_keeps_nobody_from_downloading(world):
    world.hold(FILM)
    world.hold(SHOW)
    world.host.hangs_up(times=None, path=world.served(FILM))
    await world.start(max_concurrent=1, storage="hdd")
    await world.add(FILM)
    await world.reaches(FILM, State.WAITING_NETWORK)

    await world.add(SHOW)

    await world.completes(SHOW)


async def test_a_busy_host_is_left_alone_as_long_as_it_asks(world):
    world.hold(FILM)
    world.host.busy(retry_after=700, times=None)
    await world.start()
    await world.add(FILM)

    await world.sleeps(700)

    assert world.state(FILM) is State.WAITING_NETWORK


async def test_without_room_on_the_disk_the_torrent_waits_until_there_is(world):
    world.hold(FILM)
    world.free = 3_000_000 + RESERVE - 1
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.WAITING_DISK)
    assert world.reason(FILM) == (
        "The disk has no room: 3000000 bytes are still to come and 500000000 stay free for "
        "everything else, but only 502999999 are free."
    )

    await world.goes_on(30)
    await world.sleeps(30)
    assert world.state(FILM) is State.WAITING_DISK
    world.free += 1
    await world.goes_on(30)

    await world.completes(FILM)


async def test_on_a_small_disk_less_stays_free(world):
    world.hold(FILM)
    world.total = 100_000_000
    world.free = 3_000_000 + 5_000_000
    await world.start()

    await world.add(FILM)

    await world.completes(FILM)


@pytest.mark.parametrize(
    ("total", "reserve"), [(0, 0), (1000, 50), (9_999_999_999, 499_999_999), (10**13, RESERVE)]
)
def test_a_twentieth_of_the_disk_stays_free_but_never_more_than_the_reserve(total, reserve):
    assert reserve_of(total) == reserve


async def test_a_disk_that_fills_up_in_the_middle_is_waited_for(world, monkeypatch):
    real = os.pwritev

    def pwritev(fd, views, offset):
        if offset >= 1 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, views, offset)

    world.hold(FILM)
    await world.start(preallocate=False)
    with monkeypatch.context() as full:
        full.setattr(disk.os, "pwritev", pwritev)
        await world.add(FILM)
        await world.reaches(FILM, State.WAITING_DISK)
    assert world.reason(FILM)
    await world.goes_on(30)

    await world.completes(FILM)


@pytest.mark.parametrize("magnet", [False, True], ids=["torrent", "magnet"])
async def test_a_file_that_changed_at_the_host_is_begun_anew_unless_pieces_vouch_for_it(
    world, magnet
):
    world.hold(FILM)
    await _half_downloaded(world, magnet=magnet)
    before = len(world.host.requests)
    world.host.changes_file(world.served(FILM))

    await world.jobs.resume([FILM.infohash])
    await world.completes(FILM)
    world.host.wait_until_idle()

    assert (await world.kinds(FILM)).count("file_restarted") == 1
    asked = [request.range for request in world.host.requests[before:]]
    assert any(part is None or part[0] == 0 for part in asked) is magnet


async def test_a_file_that_is_really_another_one_is_told_by_its_pieces(world):
    world.hold(FILM)
    await _half_downloaded(world)
    world.host.changes_file(world.served(FILM), BYTES(3_000_000))

    await world.jobs.resume([FILM.infohash])
    await world.reaches(FILM, State.ERROR)

    assert "damaged" in world.reason(FILM)


async def test_a_file_of_another_size_fails_the_torrent(world):
    world.hold(FILM)
    world.host.changes_file(world.served(FILM), BYTES(2_000_000))
    await world.start()
    await world.add(FILM)

    await world.reaches(FILM, State.ERROR)

    assert "keeps changing" in world.reason(FILM)


async def test_a_file_that_was_cut_on_disk_goes_on_from_what_is_there(world):
    world.hold(FILM)
    await _half_downloaded(world)
    part = world.incomplete(FILM) / "Film.2024.mkv"
    with part.open("r+b") as file:
        file.truncate(1_000_001)

    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)
    (event,) = [e for e in await world.jobs.events(FILM.infohash) if e.kind == "file_lost"]
    assert str(1_000_001 // 4096 * 4096) in event.detail


async def test_a_file_that_vanished_is_fetched_again(world):
    world.hold(FILM)
    await _half_downloaded(world)
    (world.incomplete(FILM) / "Film.2024.mkv").unlink()

    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)
    assert "file_lost" in await world.kinds(FILM)


async def test_a_resumed_download_fetches_only_what_is_missing_and_checks_it_all(world):
    world.hold(FILM)
    stored = await _half_downloaded(world)
    before = world.host.served
    assert stored > 1_000_000

    await world.jobs.resume([FILM.infohash])
    await world.completes(FILM)
    world.host.wait_until_idle()

    assert world.host.served - before <= 3_000_000 - stored + 4096
    assert "piece_refetched" not in await world.kinds(FILM)


async def test_what_was_spoilt_on_disk_in_an_open_piece_is_found_when_going_on(world):
    film = Torrent("Film.2024.mkv", FILM.files["Film.2024.mkv"], piece=1 << 20)
    world.hold(film)
    stored = await _half_downloaded(world, film)
    assert 1 << 20 < stored < 2 << 20
    with (world.incomplete(film) / "Film.2024.mkv").open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"spoilt")

    await world.jobs.resume([film.infohash])

    await world.completes(film)
    assert "piece_refetched" in await world.kinds(film)


async def test_speed_progress_and_time_to_go_are_shown_while_it_downloads(world):
    world.hold(FILM)
    stalled = world.host.stalls_at(2_000_000, times=None, path=world.served(FILM))
    await world.start()
    await world.add(FILM)
    await world.until(lambda: world.view(FILM).downloaded > 1_000_000)

    view = world.view(FILM)
    (file,) = world.jobs.files(FILM.infohash)

    assert view.state is State.DOWNLOADING
    assert view.downloaded <= file.flushed <= 2_000_000
    assert view.content_path == str(world.complete / "Film.2024.mkv")
    assert world.jobs.totals().downloaded >= view.downloaded
    stalled.lift()
    await world.completes(FILM)
    assert world.jobs.totals().downloaded >= 3_000_000


async def _half_downloaded(world, film: Torrent = FILM, *, magnet: bool = False) -> int:
    """Download about half of a film and pause; return the durable prefix."""
    stalled = world.host.stalls_at(2_000_000, times=None, path=world.served(film))
    await world.start(connections=1)
    await world.add(film, magnet=magnet)
    await world.until(lambda: world.view(film).downloaded > 1_500_000)
    await world.jobs.pause([film.infohash])
    stalled.lift()
    world.host.wait_until_idle()
    return world.view(film).downloaded
