import contextlib
import json
from http.client import HTTPConnection

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig

A, B = "a" * 40, "b" * 40
MAINDATA, PEERS = "/api/v2/sync/maindata", "/api/v2/sync/torrentPeers"


@pytest.fixture(autouse=True)
def two(sonarr, torrents):
    sonarr.post(
        "/api/v2/torrents/add",
        urls="\n".join(f"magnet:?xt=urn:btih:{one}&tr=http://t.example/x" for one in (A, B)),
        category="tv",
        tags="x",
    )
    torrents.finish(A, {"film.mkv": 1000})


def test_maindata_holds_what_the_other_routes_hold(sonarr):
    shown = sonarr.get(MAINDATA).json
    listed = {one.pop("hash"): one for one in sonarr.get("/api/v2/torrents/info").json}
    assert shown["torrents"] == listed
    assert shown["categories"] == sonarr.get("/api/v2/torrents/categories").json
    assert shown["tags"] == ["x"]
    assert shown["trackers"] == {"http://t.example": [A, B]}
    info = sonarr.get("/api/v2/transfer/info").json
    assert info.items() <= shown["server_state"].items()
    assert shown["server_state"]["free_space_on_disk"] == 10**12


def test_maindata_tells_what_has_changed(sonarr):
    first = sonarr.get(MAINDATA).json
    assert first["full_update"]
    second = sonarr.get(MAINDATA, rid=first["rid"]).json
    assert second == {"rid": second["rid"]}

    sonarr.post("/api/v2/torrents/setForceStart", hashes=B, value="true")
    third = sonarr.get(MAINDATA, rid=second["rid"]).json
    assert third == {"rid": third["rid"], "torrents": {B: {"force_start": True}}}
    sonarr.post("/api/v2/torrents/delete", hashes=A, deleteFiles="false")
    fourth = sonarr.post(MAINDATA, rid=str(third["rid"])).json
    assert fourth["torrents_removed"] == [A]
    assert fourth["trackers"] == {"http://t.example": [B]}


@pytest.mark.parametrize("rid", ["", "0", "-1", "nonsense", "1000001"])
def test_a_number_that_nobody_gave_asks_for_everything(sonarr, rid):
    assert sonarr.get(MAINDATA, rid=rid).json["full_update"] is True


@pytest.fixture
def ask(sonarr):
    """Ask for maindata with a Cookie header."""

    def ask(cookie, rid):
        with contextlib.closing(HTTPConnection("127.0.0.1", sonarr.port, timeout=10)) as line:
            line.request("GET", f"{MAINDATA}?rid={rid}", headers={"Cookie": cookie})
            return json.loads(line.getresponse().read())

    return ask


def test_a_client_with_a_session_counts_from_one(ask):
    assert ask("SID=a", 0)["rid"] == ask("SID=b", 0)["rid"] == ask("other=1; SID=c", 0)["rid"] == 1
    assert ask("SID=a", 1) == {"rid": 2}
    assert ask("SID=a", 1) == {"rid": 3}
    assert ask("SID=b", 1) == {"rid": 2}
    assert ask("SID=" + "c" * 1000, 1)["full_update"]


def test_what_was_counted_before_a_restart_is_not_known_after_it(server, torrents, ask):
    rid = ask("SID=a", 0)["rid"]
    server.app = create_app(torrents, ApiConfig())

    assert ask("SID=a", rid)["full_update"]


def test_nobody_else_is_known_to_have_a_torrent(sonarr):
    first = sonarr.get(PEERS, hash=A.upper()).json
    assert first == {"full_update": True, "peers": {}, "rid": first["rid"], "show_flags": True}
    second = sonarr.get(PEERS, hash=A, rid=str(first["rid"])).json
    assert second == {"rid": first["rid"] + 1}
    assert sonarr.post(PEERS, hash=A).json["full_update"]


@pytest.mark.parametrize("asked", [{}, {"hash": ""}, {"hash": "c" * 40}, {"hash": "all"}])
def test_peers_of_a_torrent_that_there_is_not_are_not_found(sonarr, asked):
    assert sonarr.get(PEERS, **asked).status == 404
