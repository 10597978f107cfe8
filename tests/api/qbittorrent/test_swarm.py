import pytest

from api.qbittorrent.swarm import is_peer, is_url

API = "/api/v2/torrents/"
A, B, UNKNOWN = "a" * 40, "b" * 40, "0" * 40
TRACKER = "http://t.example/SECRET/announce"
OTHER = "udp://u.example:80/x"


@pytest.fixture(autouse=True)
def two(sonarr):
    sonarr.post(API + "add", urls=f"magnet:?xt=urn:btih:{A}&tr={TRACKER}&tr={OTHER}\n{B}")


def test_trackers_are_shown_without_their_secrets(sonarr):
    own, pex, lsd, tracker, other = sonarr.get(API + "trackers", hash=A).json
    assert [row["url"] for row in (pex, lsd)] == ["** [PeX] **", "** [LSD] **"]
    assert (own["status"], tracker["url"], tracker["tier"]) == (2, "http://t.example", 0)
    assert other["url"] == "udp://u.example:80"


@pytest.mark.parametrize(
    ("route", "form", "status", "why"),
    [
        ("addTrackers", {"hash": A, "urls": "http://n.example/a\n\nudp://x"}, 200, ""),
        ("addTrackers", {"hash": A, "urls": ""}, 200, ""),
        ("addTrackers", {"hash": UNKNOWN, "urls": "http://n.example/a"}, 404, "Not Found"),
        ("addTrackers", {"hash": "all", "urls": "http://n.example/a"}, 404, "Not Found"),
        ("addTrackers", {"hash": A}, 400, "Bad Request"),
        ("addTrackers", {"urls": "http://n.example/a"}, 400, "Bad Request"),
        ("removeTrackers", {"hash": A, "urls": f"{TRACKER}|x"}, 200, ""),
        ("removeTrackers", {"hash": UNKNOWN, "urls": TRACKER}, 404, "Not Found"),
        ("removeTrackers", {"hash": A}, 400, "Bad Request"),
        ("editTracker", {"hash": A, "origUrl": TRACKER, "newUrl": "http://n/a"}, 200, ""),
        ("editTracker", {"hash": A, "origUrl": TRACKER, "newUrl": TRACKER}, 200, ""),
        ("editTracker", {"hash": A, "origUrl": "http://t.example", "newUrl": "http://n"}, 200, ""),
        (
            "editTracker",
            {"hash": A, "origUrl": "http://no/", "newUrl": "http://n/a"},
            409,
            "Tracker not found",
        ),
        (
            "editTracker",
            {"hash": A, "origUrl": TRACKER, "newUrl": OTHER},
            409,
            "New tracker URL already exists",
        ),
        (
            "editTracker",
            {"hash": A, "origUrl": TRACKER, "newUrl": ""},
            400,
            "New tracker URL is invalid",
        ),
        ("editTracker", {"hash": UNKNOWN, "origUrl": "x", "newUrl": ""}, 404, "Not Found"),
        ("editTracker", {"hash": A, "origUrl": TRACKER}, 400, "Bad Request"),
        ("setSuperSeeding", {"hashes": f"{A}|{UNKNOWN}", "value": "true"}, 200, ""),
        ("setSuperSeeding", {"hashes": A}, 400, "Bad Request"),
        ("reannounce", {"hashes": "all"}, 200, ""),
        ("reannounce", {"hashes": UNKNOWN}, 200, ""),
    ],
)
def test_what_means_nothing_here_is_checked_and_changes_nothing(
    sonarr, torrents, route, form, status, why
):
    before = torrents.views()
    answer = sonarr.post(API + route, **form)
    assert (answer.status, answer.text) == (status, why)
    assert torrents.views() == before


@pytest.mark.parametrize(
    ("hashes", "peers", "told"),
    [
        (A, "192.0.2.1:6881|nonsense", {A: 2}),
        ("all", "[2001:db8::1]:5", {A: 1, B: 1}),
        (f"{B}|{UNKNOWN}", "192.0.2.1:1", {B: 1}),
        ("", "192.0.2.1:1", {}),
    ],
)
def test_no_peer_is_ever_added(sonarr, hashes, peers, told):
    answer = sonarr.post(API + "addPeers", hashes=hashes, peers=peers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {one: {"added": 0, "failed": failed} for one, failed in told.items()}


@pytest.mark.parametrize("peers", ["", "nonsense", "192.0.2.1", "192.0.2.1:0|192.0.2.1:65536"])
def test_peers_that_are_none_are_refused(sonarr, peers):
    for hashes in (A, UNKNOWN):
        answer = sonarr.post(API + "addPeers", hashes=hashes, peers=peers)
        assert (answer.status, answer.text) == (400, "No valid peers were specified")
    assert sonarr.post(API + "addPeers", hashes=A).status == 400


@pytest.mark.parametrize(
    ("url", "valid"),
    [("http://x", True), ("x", True), ("x/y:z", True), ("", False), ("::::", False), ("1:", False)],
)
def test_what_may_be_a_url(url, valid):
    assert is_url(url) is valid


@pytest.mark.parametrize(
    ("peer", "valid"),
    [("192.0.2.1:80", True), ("[::1]:80", True), (":80", False), ("x:80", False), ("1.2:3", False)],
)
def test_what_may_be_a_peer(peer, valid):
    assert is_peer(peer) is valid
