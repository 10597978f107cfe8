"""Sonarr and Radarr hear how their downloads ended, from the service as it runs."""

import time

import pytest

from engine.metainfo import parse_torrent
from tests.data.torrents.contents import SINGLE, content
from tests.fakes.arr import KEY, REFRESH, FakeArr
from tests.fakes.filehost import FileHost
from tests.fakes.sonarr_http import RADARR, SonarrHttp
from tests.whole.test_whole_way import TORRENTS

FAILING = "ab" * 20
LOGIN = ("arr", "the password")


@pytest.fixture
def sonarr():
    with FakeArr(url_base="/sonarr") as fake:
        yield fake


@pytest.fixture
def radarr():
    with FakeArr(radarr=True, category="radarr") as fake:
        yield fake


@pytest.fixture
def service(make_service, sonarr, radarr, tmp_path):
    (tmp_path / "sonarr.key").write_text(f"{KEY}\n")
    service = make_service(
        API_USERNAME=LOGIN[0],
        API_PASSWORD=LOGIN[1],
        SONARR_URL=sonarr.url,
        SONARR_API_KEY_FILE=str(tmp_path / "sonarr.key"),
        RADARR_URL=radarr.url,
        RADARR_API_KEY=KEY,
        LOG_LEVEL="DEBUG",
    )
    sonarr.client = SonarrHttp(service.port, *LOGIN)
    radarr.client = SonarrHttp(service.port, *LOGIN, release=RADARR)
    yield service
    assert KEY not in service.output.read_text()


def grabs_magnet(arr, infohash, **how):
    arr.grab(infohash, **how)
    magnet = f"magnet:?xt=urn:btih:{infohash}&dn=A.Show.S01"
    answer = arr.client.post("/api/v2/torrents/add", urls=magnet, category=arr.category)
    assert answer.text == "Ok."


def torrents(arr):
    return arr.client.get("/api/v2/torrents/info").json


def test_a_season_pack_that_fails_is_removed_blocklisted_and_searched_again_once(
    service, alldebrid, sonarr, radarr
):
    alldebrid.hold(FAILING, "A.Show.S01", {"A.Show.S01/1.mkv": 1000})
    alldebrid.fails_torrent(FAILING, 15)
    service.start()
    grabs_magnet(sonarr, FAILING, episodes=10)
    sonarr.wait_for(lambda: bool(sonarr.searches))

    assert torrents(sonarr) == []
    assert (sonarr.queue(), sonarr.blocklist) == ([], ["A.Show.S01"])
    assert sonarr.searches == [list(range(10))]
    assert radarr.asked_for("DELETE", "/queue") == []
    assert list((service.downloads / "incomplete").iterdir()) == []
    assert service.stop() == 0
    assert len(sonarr.searches) == 1


def test_what_finishes_is_looked_at_at_once_and_found_complete(service, alldebrid, sonarr, radarr):
    torrent = (TORRENTS / "single.torrent").read_bytes()
    infohash = parse_torrent(torrent).infohash
    with FileHost({"/single": content(SINGLE)}) as host:
        alldebrid.hold(
            infohash, SINGLE, {SINGLE: content(SINGLE)}, file_host=lambda _: host.url("/single")
        )
        service.start()
        radarr.grab(infohash, in_queue=False)
        radarr.client.post(
            "/api/v2/torrents/add", ("torrents", "single.torrent", torrent), category="radarr"
        )
        radarr.wait_for(lambda: infohash in radarr.seen)

    assert radarr.seen[infohash] == "pausedUP"
    assert radarr.commands() == [REFRESH]
    sonarr.wait_for(lambda: sonarr.commands() == [REFRESH])
    [shown] = torrents(radarr)
    took = radarr.asked_for("POST", "/command")[0].at - (time.monotonic() - time.time())
    assert took - shown["completion_on"] < 3  # it tells whole seconds, and gathers for half a one
    assert service.stop() == 0


def test_what_could_not_be_told_is_told_after_the_service_was_killed(service, alldebrid, sonarr):
    sonarr.down = True
    alldebrid.hold(FAILING, "A.Show.S01", {"A.Show.S01/1.mkv": 1000})
    alldebrid.fails_torrent(FAILING, 15)
    service.start()
    grabs_magnet(sonarr, FAILING)
    sonarr.wait_for(lambda: bool(sonarr.asked))
    service.kill()
    sonarr.down = False
    service.start()
    sonarr.wait_for(lambda: bool(sonarr.searches))

    assert torrents(sonarr) == []


def test_nothing_breaks_while_they_are_down(service, alldebrid, sonarr, radarr):
    sonarr.down = radarr.down = True
    alldebrid.hold(FAILING, "A.Show.S01", {"A.Show.S01/1.mkv": 1000})
    alldebrid.fails_torrent(FAILING, 15)
    service.start()
    grabs_magnet(sonarr, FAILING)
    sonarr.wait_for(lambda: bool(sonarr.asked))

    assert [torrent["state"] for torrent in torrents(sonarr)] == ["error"]
    assert service.stop() == 0
    assert service.output.read_text().count("Sonarr cannot be reached") == 1
