"""Torrents whose releases were announced here before somebody adds them."""

import contextlib
import http.client

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.metainfo import parse_torrent
from engine.store.errors import StoreError
from tests.engine.jobs.world import Torrent
from tests.fakes.sonarr_http import RADARR, SonarrHttp

ADD = "/api/v2/torrents/add"
ORIGINAL = Torrent("A.Show.S01E01", b"an episode", trackers=("http://t.invalid/our-passkey/a",))
OTHERS = Torrent("A.Show.S01E01", b"an episode", trackers=("http://t.invalid/somebody/a",))
STRANGER = Torrent("A.Film.2020", b"a film")


class Announced:
    """What the outbox is to the API."""

    def __init__(self) -> None:
        self.kept = {ORIGINAL.infohash: ORIGINAL.metainfo}
        self.were_added = []
        self.calls = []
        self.broken = False

    async def original(self, infohash):
        self._check()
        return self.kept.get(infohash)

    async def added(self, infohash, name, size, agent):
        self._check()
        self.were_added.append((infohash, name, size, agent))

    def called(self, agent, base, address):
        self.calls.append((agent, base, address))

    def _check(self):
        if self.broken:
            raise StoreError("there is no room left to write the database")


@pytest.fixture
def announced():
    return Announced()


@pytest.fixture
def sonarr(server, torrents, announced):
    server.app = create_app(torrents, ApiConfig(), releases=announced)
    return SonarrHttp(server.port)


@pytest.mark.parametrize("what", ["magnet", "another file", "the file"])
def test_whatever_a_program_adds_the_original_torrent_is_taken(sonarr, torrents, what):
    if what == "magnet":
        answer = sonarr.post(ADD, urls=ORIGINAL.bare_magnet)
    else:
        torrent = OTHERS if what == "another file" else ORIGINAL
        answer = sonarr.post(ADD, ("torrents", "a.torrent", torrent.metainfo))
    [asked] = torrents.requests

    assert answer.text == "Ok."
    assert (asked.magnet, asked.metainfo) == ("", ORIGINAL.metainfo)
    assert parse_torrent(OTHERS.metainfo).infohash == ORIGINAL.infohash


def test_what_was_not_announced_is_taken_as_it_is_and_told_too(sonarr, torrents, announced):
    sonarr.post(ADD, ("torrents", "a.torrent", STRANGER.metainfo))
    sonarr.post(ADD, urls=f"magnet:?xt=urn:btih:{'ab' * 20}&dn=Some.Name")
    asked = torrents.requests

    assert asked[0].metainfo == STRANGER.metainfo
    assert asked[1].magnet.startswith("magnet:")
    assert [(infohash, name) for infohash, name, *_ in announced.were_added] == [
        (STRANGER.infohash, "A.Film.2020"),
        ("ab" * 20, "Some.Name"),
    ]
    assert all(agent.startswith("Sonarr/") for *_, agent in announced.were_added)


def test_what_is_no_torrent_is_told_nobody(sonarr, announced):
    sonarr.post(ADD, urls="no magnet at all")
    assert sonarr.post(ADD, ("torrents", "a.torrent", b"no torrent")).status == 415

    assert announced.were_added == []


def test_a_store_that_fails_keeps_no_torrent_out(sonarr, torrents, announced):
    announced.broken = True

    assert sonarr.post(ADD, urls=ORIGINAL.bare_magnet).text == "Ok."
    assert len(torrents.requests) == 1


def test_the_address_by_which_programs_call_is_noted_with_where_they_are(server, sonarr, announced):
    radarr = SonarrHttp(server.port, release=RADARR)
    sonarr.get("/api/v2/torrents/info", category="tv")
    radarr.get("/api/v2/torrents/info", category="radarr")

    assert [(agent.partition("/")[0], *others) for agent, *others in announced.calls] == [
        ("Sonarr", f"http://127.0.0.1:{server.port}", "127.0.0.1"),
        ("Radarr", f"http://127.0.0.1:{server.port}", "127.0.0.1"),
    ]


def test_who_has_logged_in_is_believed_wherever_he_is(server, torrents, announced):
    config = ApiConfig(login=Login.of("user", "a password"))
    server.app = create_app(torrents, config, releases=announced)
    SonarrHttp(server.port).get("/api/v2/torrents/info", category="tv")
    assert announced.calls == []
    known = SonarrHttp(server.port, "user", "a password")
    known.login()
    known.get("/api/v2/torrents/info", category="tv")

    [(agent, base, address)] = announced.calls
    assert (agent.partition("/")[0], base) == ("Sonarr", f"http://127.0.0.1:{server.port}")
    assert address == ""


@pytest.mark.parametrize("host", ["", "evil.example/x?", "a b", "[::1", "u:p@nas", "nas:port"])
@pytest.mark.usefixtures("sonarr")
def test_a_host_that_makes_no_address_is_none(server, announced, host):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    with contextlib.closing(connection):
        connection.request(
            "GET", "/api/v2/torrents/info?category=tv", headers={"Host": host, "User-Agent": "x"}
        )
        answered = connection.getresponse().status

    assert answered != 200 or announced.calls == [("x", "", "127.0.0.1")]
