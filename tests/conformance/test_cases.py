"""The list of cases is whole: every endpoint, every method of the client, every kind of mistake."""

import inspect

import qbittorrentapi

from engine.metainfo import parse_magnet, parse_torrent
from tests.conformance.bencode import bencoded
from tests.conformance.cases import TROUPE, Scene
from tests.conformance.client import LEFT_OUT, METHODS
from tests.conformance.endpoints import ENDPOINTS
from tests.conformance.scenes import SCENES
from tests.conformance.shelf import Made

WEB_API = {
    "app": "version webapiVersion buildInfo shutdown preferences setPreferences defaultSavePath"
    " networkInterfaceList networkInterfaceAddressList",
    "auth": "login logout",
    "log": "main peers",
    "sync": "maindata torrentPeers",
    "transfer": "info speedLimitsMode setSpeedLimitsMode toggleSpeedLimitsMode uploadLimit"
    " downloadLimit setUploadLimit setDownloadLimit banPeers",
    "torrents": "info properties trackers webseeds files pieceHashes pieceStates resume pause"
    " recheck reannounce rename setCategory createCategory editCategory removeCategories"
    " categories addTags removeTags createTags deleteTags tags add delete addTrackers editTracker"
    " removeTrackers addPeers filePrio uploadLimit downloadLimit setUploadLimit setDownloadLimit"
    " setShareLimits increasePrio decreasePrio topPrio bottomPrio setLocation setSavePath"
    " setDownloadPath setAutoManagement setSuperSeeding setForceStart toggleSequentialDownload"
    " toggleFirstLastPiecePrio renameFile renameFolder export",
}
"""The actions that qBittorrent 4.5.2 has, by group."""

CASES = [case for scene in SCENES for case in scene.cases]


def names_of(endpoint):
    return {case.name for case in CASES if case.endpoint == endpoint}


def test_every_endpoint_of_the_groups_has_cases():
    ours = {case.endpoint for case in CASES}
    theirs = {f"{group}/{name}" for group, names in WEB_API.items() for name in names.split()}

    assert theirs <= ours
    assert {"torrents/stop", "torrents/start", "rss/items", "search/plugins"} <= ours


def test_every_endpoint_is_tried_without_session_and_with_the_wrong_method():
    for endpoint in ENDPOINTS:
        other = "GET" if endpoint.post else "POST"
        assert {"no session", f"{other} instead", "PUT instead"} <= names_of(endpoint.path)


def test_every_endpoint_with_a_hash_is_tried_with_one_that_nobody_has():
    for endpoint in ENDPOINTS:
        if endpoint.hash:
            assert {"unknown hash", "no hash", "upper-case hash"} <= names_of(endpoint.path)
        if endpoint.many:
            assert {"several", "one unknown", "all"} <= names_of(endpoint.path)


def test_every_parameter_is_left_out_once():
    for endpoint in ENDPOINTS:
        if endpoint.good:
            assert "no parameters" in names_of(endpoint.path)
        if len(endpoint.good) > 1:
            assert {f"without {name}" for name in endpoint.good} <= names_of(endpoint.path)


def test_every_method_of_the_client_is_called():
    groups = ("app", "auth", "log", "sync", "torrents", "transfer")
    methods = {}
    for name, method in inspect.getmembers(qbittorrentapi.Client, callable):
        if name.partition("_")[0] in groups and "_" in name:
            methods.setdefault(method.__qualname__, set()).add(name)

    missed = [names for names in methods.values() if not names & (METHODS.keys() | LEFT_OUT)]
    assert missed == []


def test_cases_of_an_endpoint_have_names_of_their_own():
    for scene in SCENES:
        named = [(case.endpoint, case.name, case.look) for case in scene.cases]
        assert len(named) == len(set(map(str, named))), scene.name


def test_calls_that_should_fail_are_not_about_what_later_ones_need():
    scene: Scene = next(one for one in SCENES if one.name == "torrents/rename")

    wrong = next(case for case in scene.cases if case.name == "empty name")

    assert scene.torrents == TROUPE
    assert wrong.call.form == {"hash": "$spare", "name": ""}


def test_the_torrents_are_what_they_say():
    for name in ("film.mkv", "pack"):
        made = Made(name)
        meta = parse_torrent(made.torrent)
        assert meta.infohash == made.infohash
        assert meta.single_file == made.single
        assert parse_magnet(made.magnet).infohash == made.infohash


def test_dictionaries_are_bencoded_in_the_order_of_their_keys():
    assert bencoded({"b": [1, "x"], "a": b"\xff"}) == b"d1:a1:\xff1:bli1e1:xee"
