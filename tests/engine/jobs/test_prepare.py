import random

import pytest

from engine.jobs.states import State
from engine.jobs.views import AddRequest
from tests.engine.jobs.world import Torrent
from tests.fakes.alldebrid import after

FILM = Torrent("Film.2024.mkv", random.Random(1).randbytes(100_000))


async def test_the_torrent_file_is_uploaded_when_there_is_one(world):
    world.hold(FILM)
    await world.start()

    await world.add(FILM)
    await world.completes(FILM)

    assert world.fake.count("magnet/upload/file") == 1
    assert world.fake.count("magnet/upload") == 0


async def test_what_alldebrid_has_already_does_not_wait_for_the_next_round(world):
    world.hold(FILM)
    await world.start()

    await world.add(FILM)
    await world.completes(FILM)

    asked = [seen.form for seen in world.fake.asked("magnet/status")]
    assert [sorted(form) for form in asked[:2]] == [["counter", "session"], ["id"]]


async def test_a_magnet_is_uploaded_with_all_its_trackers(world):
    world.hold(FILM)
    await world.start()

    await world.add(FILM, magnet=True)
    await world.completes(FILM)

    (upload,) = world.fake.asked("magnet/upload")
    assert upload.form["magnets[]"] == [FILM.magnet]


async def test_a_magnet_without_a_name_gets_the_one_that_alldebrid_finds_and_keeps_it(world):
    world.hold(FILM, ready=False, name="noname")
    await world.start()
    await world.jobs.add(AddRequest(magnet=FILM.bare_magnet))
    await world.reaches(FILM, State.PREPARING)
    assert world.view(FILM).record.name == FILM.infohash

    world.hold(FILM, ready=True)
    world.fake.becomes_ready(FILM.infohash)
    await world.completes(FILM)

    assert world.view(FILM).record.name == "Film.2024.mkv"


async def test_a_name_that_was_given_stays_whatever_alldebrid_calls_it(world):
    world.hold(FILM, name="something else")
    await world.start()

    await world.add(FILM, magnet=True)
    await world.completes(FILM)

    assert world.view(FILM).record.name == "Film.2024.mkv"


async def test_progress_at_alldebrid_is_shown_while_it_fetches(world):
    world.hold(FILM, ready=False)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.PREPARING)

    world.fake.progresses(FILM.infohash, 0.25, speed=5_000, seeders=7)
    await world.turns(lambda: world.view(FILM).remote_seeders == 7)

    view = world.view(FILM)
    assert (view.remote_progress, view.remote_speed) == (0.25, 5000.0)
    world.fake.becomes_ready(FILM.infohash)
    await world.completes(FILM)


async def test_without_a_slot_the_torrent_waits_visibly_and_asks_again(world):
    full = world.fake.answers_error("magnet/upload/file", "MAGNET_TOO_MANY_ACTIVE", times=None)
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.WAITING_SLOT)
    assert "30" in world.reason(FILM)

    await world.goes_on(180)
    await world.sleeps(180)
    assert world.state(FILM) is State.WAITING_SLOT
    full.end()
    await world.goes_on(180)

    await world.completes(FILM)


async def test_only_the_first_of_many_waiting_torrents_asks_and_a_freed_slot_serves_all(world):
    torrents = [Torrent(f"Film {number}", b"x" * number) for number in range(1, 6)]
    full = world.fake.answers_error("magnet/upload/file", "MAGNET_TOO_MANY_ACTIVE", times=None)
    await world.start()
    for torrent in torrents:
        world.hold(torrent)
        await world.add(torrent)
    for torrent in torrents:
        await world.reaches(torrent, State.WAITING_SLOT)
    await world.sleeps(180)
    asked = world.fake.count("magnet/upload/file")
    await world.goes_on(180)
    await world.sleeps(180)
    assert world.fake.count("magnet/upload/file") == asked + 1

    full.end()
    await world.jobs.delete([torrents[0].infohash], delete_files=True)

    for torrent in torrents[1:]:
        await world.completes(torrent)


async def test_an_error_that_mends_itself_is_waited_out(world):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, 7)
    await world.start()
    await world.add(FILM)
    await world.sleeps(360)

    world.fake.becomes_ready(FILM.infohash)

    await world.completes(FILM)
    assert world.fake.count("magnet/restart") == 0


@pytest.mark.parametrize(("code", "patience"), [(7, 360), (14, 360), (9, None), (5, None)])
async def test_an_error_that_stays_is_restarted_once(world, code, patience):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, code)
    await world.start()
    await world.add(FILM)
    if patience:
        await world.goes_on(patience)

    await world.completes(FILM)  # the fake mends it at the restart

    assert world.fake.count("magnet/restart") == 1
    assert "restarted" in await world.kinds(FILM)


async def test_an_error_that_outlives_the_restart_fails_the_torrent_with_its_reason(world):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, 9)
    ignored = world.fake.answers_error("magnet/restart", "MAGNET_PROCESSING", times=None)
    await world.start()
    await world.add(FILM)
    await world.goes_on(120)

    await world.reaches(FILM, State.ERROR)

    assert "internal error" in world.reason(FILM)
    assert ignored.used == 1


async def test_a_torrent_that_failed_for_good_fails_with_alldebrids_reason(world):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, 15)
    await world.start()
    await world.add(FILM)

    await world.reaches(FILM, State.ERROR)

    assert "no peer" in world.reason(FILM)
    assert world.fake.count("magnet/restart") == 0


async def test_a_failed_torrent_that_is_resumed_is_restarted_at_alldebrid(world):
    world.hold(FILM)
    world.fake.fails_torrent(FILM.infohash, 15)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.ERROR)

    await world.jobs.resume([FILM.infohash])

    await world.completes(FILM)
    assert world.fake.count("magnet/restart") == 1


async def test_a_torrent_that_vanishes_from_the_account_is_uploaded_again_once(world):
    world.hold(FILM, ready=False)
    await world.start()
    await world.add(FILM)
    await world.reaches(FILM, State.PREPARING)

    world.fake.loses_torrent(FILM.infohash)
    await world.until(lambda: world.fake.count("magnet/upload/file") == 2)
    await world.reaches(FILM, State.PREPARING)
    world.fake.loses_torrent(FILM.infohash)
    await world.reaches(FILM, State.ERROR)

    assert (await world.kinds(FILM)).count("reuploaded") == 1


async def test_what_alldebrid_refuses_for_good_fails_at_once(world):
    world.fake.answers_error("magnet/upload/file", "MAGNET_INVALID_FILE", times=None)
    await world.start()
    await world.add(FILM)

    await world.reaches(FILM, State.ERROR)

    assert "valid torrent" in world.reason(FILM)


async def test_while_alldebrid_is_in_trouble_the_torrent_waits_with_a_reason(world):
    world.hold(FILM)
    trouble = world.fake.serves_html(times=None, status=503, endpoint="magnet/upload/file")
    await world.start()
    await world.add(FILM)
    await world.sleeps(30)
    assert world.state(FILM) is State.ADDED
    assert "AllDebrid" in world.reason(FILM)

    await world.goes_on(30)
    await world.sleeps(60)
    trouble.end()
    await world.goes_on(60)

    await world.completes(FILM)


async def test_while_alldebrid_has_never_answered_the_torrent_says_so(world):
    world.hold(FILM)
    await world.start()
    with world.fake.goes_down():
        await world.add(FILM)
        await world.goes_on(15)
        await world.until(lambda: "not answered" in world.reason(FILM))
        assert world.state(FILM) is State.ADDED

    await world.completes(FILM)


async def test_trouble_with_the_account_holds_everything_and_says_what_to_do(world):
    world.hold(FILM)
    await world.start()
    with world.fake.blocks_account("AUTH_BAD_APIKEY"):
        await world.add(FILM)
        await world.turns(lambda: bool(world.jobs.totals().account_trouble))
        assert world.state(FILM) is State.ADDED
        assert "API key" in world.reason(FILM)
        assert "API key" in world.jobs.totals().account_trouble

    await world.completes(FILM)

    assert world.jobs.totals().account_trouble == ""


async def test_a_tree_that_is_empty_right_after_ready_is_read_again(world):
    world.hold(FILM)
    world.fake.lists_no_files(times=3)
    await world.start()

    await world.add(FILM)

    await world.completes(FILM)


async def test_a_tree_that_lacks_a_file_of_the_torrent_fails_it_by_name(world):
    short = Torrent("Show", {"one.mkv": b"1" * 100, "two.mkv": b"2" * 200})
    world.hold(short)
    world.fake.hold(short.infohash, "Show", files={"Show/one.mkv": b"1" * 100})
    await world.start()
    await world.add(short)
    for _ in range(3):
        await world.goes_on(20)

    await world.reaches(short, State.ERROR)

    assert "Show/two.mkv" in world.reason(short)


async def test_a_torrent_that_alldebrid_fetches_first_is_followed_to_the_end(world):
    world.hold(FILM, ready=after(polls=5))
    await world.start()

    await world.add(FILM)

    await world.completes(FILM)


async def test_the_magnet_is_taken_off_the_account_when_the_torrent_is_complete(world):
    world.hold(FILM)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)

    await world.until(lambda: not world.view(FILM).record.magnet_id)

    assert world.fake.count("magnet/delete") == 1
    assert not world.fake.magnet_id(FILM.infohash)
    assert (await world.kinds(FILM))[-1] == "magnet_deleted"


async def test_a_magnet_that_was_there_before_us_stays(world):
    world.hold(FILM)
    await world.start()
    await world.jobs._client.upload_magnet(FILM.magnet)

    await world.add(FILM)
    await world.completes(FILM)

    assert not world.view(FILM).record.owned
    assert world.fake.magnet_id(FILM.infohash)
    assert world.fake.count("magnet/delete") == 0


async def test_magnets_stay_when_deleting_them_is_switched_off(world):
    world.hold(FILM)
    await world.start(delete_magnets=False)

    await world.add(FILM)
    await world.completes(FILM)

    assert world.view(FILM).record.owned
    assert world.fake.count("magnet/delete") == 0


async def test_a_magnet_that_cannot_be_deleted_never_fails_its_torrent(world):
    world.hold(FILM)
    refused = world.fake.answers_error("magnet/delete", "GENERIC", times=None)
    await world.start()
    await world.add(FILM)
    await world.completes(FILM)
    for delay in (60, 120, 240):
        await world.goes_on(delay)
    await world.sleeps(480)

    assert world.state(FILM) is State.COMPLETED
    refused.end()
    await world.restart()
    await world.until(lambda: not world.view(FILM).record.magnet_id)
