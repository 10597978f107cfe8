"""One release grabbed by two instances of Sonarr, each with a category of its own.

Both see it as theirs alone: their category, their folder, their import, their removal.
"""

import shutil
from pathlib import Path

import pytest

from tests.fakes.filehost import FileHost
from tests.fakes.sonarr_reading import Status
from tests.whole.place import (
    EPISODE,
    SEASON,
    Place,
    completed,
    grab,
    until,
    videos,
)


@pytest.fixture
def locked(tmp_path, make_service, alldebrid):
    """A service with a password: each instance has a session."""
    with FileHost() as host:
        service = make_service(API_USERNAME="sonarr", API_PASSWORD="secret", LOG_LEVEL="WARNING")
        service.start()
        yield Place(tmp_path, service, alldebrid, host)
        assert service.stop() == 0


def two(place, *torrents, login=(), **settings):
    """Two instances that both grabbed the torrents."""
    place.hold(*torrents)
    both = [place.program(name, login=login, **settings) for name in ("tv", "tv-4k")]
    for sonarr in both:
        assert sonarr.test() == []
        for torrent in torrents:
            grab(sonarr, torrent)
    return both


def test_each_sees_it_once_with_its_own_category_and_folder(place):
    both = two(place, EPISODE, SEASON, remove_completed=False)
    for sonarr in both:
        for torrent in (EPISODE, SEASON):
            item = completed(sonarr, torrent, place.service)
            name = sonarr.settings.category
            assert item.category == name
            assert item.output_path == str(place.complete / name / torrent.name)
        assert len(sonarr.poll()) == 2
    for sonarr in both:
        assert place.files(place.complete / sonarr.settings.category) == (
            EPISODE.paths | SEASON.paths
        )


def test_an_import_that_moves_leaves_the_other_its_files(place):
    """Without a password nothing but the files that are gone tells who removes the torrent."""
    first, second = two(place, EPISODE, SEASON)
    for torrent in (EPISODE, SEASON):
        completed(first, torrent, place.service)
        completed(second, torrent, place.service)
    wanted = videos(EPISODE) | videos(SEASON)

    first.refresh()

    assert place.files(first.library) == wanted
    assert first.poll() == []
    assert len(second.poll()) == 2
    second.refresh()
    assert place.files(second.library) == wanted
    assert second.poll() == []
    assert place.files() == {}


@pytest.mark.parametrize("removing", [0, 1])
def test_a_removal_by_one_leaves_the_other_its_files(locked, removing):
    both = two(locked, EPISODE, login=("sonarr", "secret"), remove_completed=False)
    for sonarr in both:
        completed(sonarr, EPISODE, locked.service)
    removes, keeps = both[removing], both[1 - removing]

    removes.remove(EPISODE.infohash)

    assert removes.poll() == []
    (item,) = keeps.poll()
    assert item.status is Status.COMPLETED
    assert Path(item.output_path).read_bytes() == EPISODE.paths[EPISODE.name]
    keeps.refresh()
    assert locked.files(keeps.library) == videos(EPISODE)
    assert locked.files(locked.complete / removes.settings.category) == {}


def test_a_removal_while_it_downloads_does_not_end_the_other_download(locked):
    locked.hold(SEASON)
    line = locked.host.trickles(100_000)
    first, second = two(locked, SEASON, login=("sonarr", "secret"))
    until(lambda: first.poll()[0].status is Status.DOWNLOADING, locked.service)

    first.remove(SEASON.infohash)

    assert first.poll() == []
    line.lift()
    completed(second, SEASON, locked.service)
    second.refresh()
    assert locked.files(second.library) == videos(SEASON)
    assert locked.files() == {}


def test_both_outlive_a_restart(place):
    first, second = two(place, EPISODE)
    completed(first, EPISODE, place.service)
    place.service.kill()
    place.service.start()
    for sonarr in (first, second):
        completed(sonarr, EPISODE, place.service)
        sonarr.refresh()
        assert place.files(sonarr.library) == videos(EPISODE)
        shutil.rmtree(sonarr.library)
    assert place.files() == {}
