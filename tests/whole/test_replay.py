"""Sonarr and Radarr at the whole service: real grabs, real files, real imports."""

from pathlib import Path

import pytest

from tests.fakes.filehost import FileHost
from tests.fakes.sonarr_http import RADARR, SONARR_4_0_17_2967, SONARR_4_0_19
from tests.fakes.sonarr_program import Grab, State
from tests.fakes.sonarr_reading import Status
from tests.whole.place import EPISODE, FILM, SEASON, Place, completed, grab, until, videos


def test_episodes_are_moved_into_the_library_and_nothing_of_them_stays(place):
    place.hold(EPISODE, SEASON)
    sonarr = place.program()
    assert sonarr.test() == []
    assert sonarr.health() == []
    grab(sonarr, EPISODE)
    assert sonarr.grab_magnet(SEASON.magnet) is Grab.GRABBED

    for torrent in (EPISODE, SEASON):
        item = completed(sonarr, torrent, place.service)
        assert item.can_be_removed
        assert item.title == torrent.name
        assert item.size == sum(map(len, torrent.paths.values()))
        assert item.output_path == str(place.complete / "tv" / torrent.name)
    sonarr.refresh()

    assert place.files(sonarr.library) == videos(EPISODE) | videos(SEASON)
    assert sonarr.poll() == []
    assert sonarr.warnings == []
    assert place.files() == {}
    assert sonarr.health() == []
    assert list((place.service.downloads / "incomplete").iterdir()) == []


def test_what_may_not_be_removed_is_linked_and_stays(place):
    place.hold(SEASON)
    sonarr = place.program(remove_completed=False)
    sonarr.test()
    grab(sonarr, SEASON)
    completed(sonarr, SEASON, place.service)

    sonarr.refresh()
    sonarr.refresh()

    assert place.files(sonarr.library) == videos(SEASON)
    (item,) = sonarr.poll()
    assert (item.status, item.can_be_removed) == (Status.COMPLETED, False)
    assert place.files(place.complete / "tv") == SEASON.paths

    sonarr.remove(item.download_id)

    assert sonarr.poll() == []
    assert place.files() == {}
    assert place.files(sonarr.library) == videos(SEASON)


def test_a_removal_that_keeps_the_files_keeps_them(place):
    place.hold(EPISODE)
    sonarr = place.program(remove_completed=False)
    sonarr.test()
    grab(sonarr, EPISODE)
    item = completed(sonarr, EPISODE, place.service)

    sonarr.remove(item.download_id, data=False)
    sonarr.remove(item.download_id, data=False)
    sonarr.remove(item.download_id)

    assert sonarr.poll() == []
    assert place.files(place.complete / "tv") == EPISODE.paths


@pytest.mark.parametrize("removes", [True, False])
def test_a_category_for_what_was_imported_is_set_and_its_files_stay_whole(place, removes):
    place.hold(EPISODE)
    sonarr = place.program(imported_category="tv/imported", remove_completed=removes)
    assert sonarr.test() == []
    grab(sonarr, EPISODE)
    completed(sonarr, EPISODE, place.service)

    sonarr.refresh()

    assert sonarr.warnings == []
    assert sonarr.poll() == []
    assert place.files(sonarr.library) == videos(EPISODE)
    imported = place.program("tv/imported").poll()
    assert len(imported) == (0 if removes else 1)
    assert (place.files() == {}) is removes
    if imported:
        assert Path(imported[0].output_path).read_bytes() == EPISODE.paths[EPISODE.name]


def test_what_was_removed_can_be_grabbed_again(place):
    """By a program that was started anew: history says that it grabbed it once more."""
    place.hold(EPISODE)
    sonarr = place.program()
    sonarr.test()
    for _ in range(2):
        grab(sonarr, EPISODE)
        completed(sonarr, EPISODE, place.service)
        sonarr.refresh()
        assert place.files(sonarr.library) == videos(EPISODE)
        assert sonarr.poll() == []
        (sonarr.library / EPISODE.name).unlink()
        sonarr.restart()


def test_what_was_imported_and_is_grabbed_again_is_removed_without_harm(place):
    """A program that still runs takes it for imported, and removes it when it is completed."""
    place.hold(EPISODE)
    sonarr = place.program()
    sonarr.test()
    grab(sonarr, EPISODE)
    completed(sonarr, EPISODE, place.service)
    sonarr.refresh()
    grab(sonarr, EPISODE)
    completed(sonarr, EPISODE, place.service)

    sonarr.refresh()

    assert sonarr.states == {EPISODE.infohash.upper(): State.IMPORTED}
    assert sonarr.poll() == []
    assert place.files() == {}
    assert place.files(sonarr.library) == videos(EPISODE)


def test_files_that_were_moved_away_are_fetched_again_when_they_are_grabbed_again(place):
    """The removal never came, so the torrent is still there, without what it had."""
    torrent = SEASON
    place.hold(torrent)
    sonarr = place.program()
    sonarr.test()
    grab(sonarr, torrent)
    item = completed(sonarr, torrent, place.service)
    taken = place.folder / "taken"
    Path(item.output_path).rename(taken)
    sonarr.restart()

    grab(sonarr, torrent)
    until(lambda: place.files(place.complete / "tv") == torrent.paths, place.service)
    completed(sonarr, torrent, place.service)
    sonarr.refresh()

    assert sonarr.warnings == []
    assert place.files(sonarr.library) == videos(torrent)
    assert sonarr.poll() == []


def test_what_is_removed_while_it_downloads_leaves_nothing_and_can_be_grabbed_again(place):
    place.hold(FILM)
    radarr = place.program("radarr")
    radarr.test()
    line = place.host.trickles(50_000)
    grab(radarr, FILM)
    until(lambda: radarr.poll()[0].status is Status.DOWNLOADING, place.service)

    radarr.remove(FILM.infohash)

    assert radarr.poll() == []
    assert place.files(place.service.downloads) == {}
    line.lift()
    grab(radarr, FILM)
    completed(radarr, FILM, place.service)
    radarr.refresh()
    assert place.files(radarr.library) == videos(FILM)


def test_a_grab_that_shall_not_start_waits_and_one_that_shall_be_first_is(place):
    place.hold(EPISODE, SEASON, FILM)
    stopped = place.program(initial_state="stopped")
    stopped.test()
    grab(stopped, EPISODE)
    assert stopped.grab_magnet(SEASON.magnet) is Grab.GRABBED
    assert {item.status for item in stopped.poll()} == {Status.PAUSED}

    forced = place.program("films", initial_state="forced", first=True)
    assert forced.test() == []
    # A program that forces says neither `paused` nor `stopped`, so this is what is looked at.
    paused = forced.http.post("/api/v2/app/setPreferences", json='{"start_paused_enabled": true}')
    assert paused.status == 200
    grab(forced, FILM)
    completed(forced, FILM, place.service)

    assert forced.warnings == []
    assert {item.status for item in stopped.poll()} == {Status.PAUSED}


def test_two_programs_with_their_own_categories_do_not_see_each_other(place):
    place.hold(EPISODE, FILM)
    sonarr, radarr = place.program(), place.program("radarr", release=SONARR_4_0_19)
    for program, torrent in ((sonarr, EPISODE), (radarr, FILM)):
        assert program.test() == []
        grab(program, torrent)
    for program, torrent in ((sonarr, EPISODE), (radarr, FILM)):
        completed(program, torrent, place.service)
        assert [item.download_id for item in program.refresh()] == [torrent.infohash.upper()]
        assert place.files(program.library) == videos(torrent)
    assert place.files() == {}


@pytest.mark.parametrize("release", [RADARR, SONARR_4_0_17_2967], ids=lambda one: one.agent)
def test_a_service_that_was_killed_and_started_again_is_the_same_to_the_program(
    tmp_path, make_service, alldebrid, release
):
    with FileHost() as host:
        service = make_service(
            API_USERNAME="sonarr", API_PASSWORD="a secret & more", LOG_LEVEL="WARNING"
        )
        service.start()
        place = Place(tmp_path, service, alldebrid, host)
        place.hold(SEASON)
        sonarr = place.program(release=release, login=("sonarr", "a secret & more"))
        assert sonarr.test() == []
        line = host.trickles(200_000)
        grab(sonarr, SEASON)
        until(lambda: sonarr.poll()[0].status is Status.DOWNLOADING, service)
        service.kill()
        line.lift()
        service.start()

        item = completed(sonarr, SEASON, service)
        service.kill()
        service.start()
        sonarr.refresh()

        assert item.can_be_removed
        assert place.files(sonarr.library) == videos(SEASON)
        assert sonarr.poll() == []
        assert place.files() == {}
        assert service.stop() == 0
