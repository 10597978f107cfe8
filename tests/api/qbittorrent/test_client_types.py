"""Every answer fits the types of the strictest clients, in every state of a torrent."""

import pytest

from engine.jobs.states import State
from engine.jobs.views import AddRequest
from engine.store.records import CategoryRecord
from tests.fakes import client_types as types
from tests.fakes.client_types import misfits

HASH = "950aae932e7e820f99a6387c04bb43fdf48fb6f1"
API = "/api/v2/"
FILES = {"Two.Files.2024/a.mkv": 5 << 40, "Two.Files.2024/b.nfo": 0}


@pytest.fixture(params=State)
async def torrent(request, torrents, torrent_file):
    """A torrent in every state, with numbers that are large, small and odd."""
    torrents._categories["tv"] = CategoryRecord(name="tv", save_path="/downloads/complete/tv")
    added = AddRequest(metainfo=torrent_file, category="tv", tags=("a", "b"), ratio_limit=2)
    await torrents.add(added)
    torrents.finish(HASH, FILES)
    done = request.param is State.COMPLETED
    torrents._change(HASH, completed_at=torrents.now if done else 0)
    torrents.become(
        HASH, request.param, "why", downloaded=(5 << 40) if done else 3, speed=1.5e9, eta=None
    )
    return HASH


def test_a_torrent_fits_go_dotnet_and_node(sonarr, torrent):
    (shown,) = sonarr.get(API + "torrents/info", hashes=torrent).json
    for wanted in (types.GO_TORRENT, types.DOTNET_TORRENT, types.NODE_TORRENT):
        assert misfits(shown, wanted) == []
    assert shown["state"] in types.DOTNET_STATES


def test_a_magnet_of_which_nothing_is_known_fits_too(sonarr):
    sonarr.post(API + "torrents/add", urls="c" * 40)
    (shown,) = sonarr.get(API + "torrents/info").json
    for wanted in (types.GO_TORRENT, types.DOTNET_TORRENT, types.NODE_TORRENT):
        assert misfits(shown, wanted) == []
    properties = sonarr.get(API + "torrents/properties", hash="c" * 40).json
    assert misfits(properties, types.GO_PROPERTIES) == []
    assert sonarr.get(API + "torrents/files", hash="c" * 40).json == []


def test_properties_files_and_trackers_fit(sonarr, torrent):
    properties = sonarr.get(API + "torrents/properties", hash=torrent).json
    assert misfits(properties, types.GO_PROPERTIES) == []
    assert misfits(properties, types.DOTNET_PROPERTIES) == []
    files = sonarr.get(API + "torrents/files", hash=torrent).json
    assert len(files) == 2
    for file in files:
        assert misfits(file, types.GO_FILE) == []
        assert len(file["piece_range"]) == 2
    trackers = sonarr.get(API + "torrents/trackers", hash=torrent).json
    assert len(trackers) >= 2
    for tracker in trackers:
        assert misfits(tracker, types.GO_TRACKER) == []
        assert tracker["url"]


def test_maindata_fits_whole_and_in_parts(sonarr, torrent):
    whole = sonarr.get(API + "sync/maindata", rid="0").json
    assert misfits(whole["torrents"][torrent], types.GO_TORRENT, partial=True) == []
    assert misfits(whole["server_state"], types.GO_SERVER_STATE) == []
    assert whole["full_update"] is True
    assert type(whole["rid"]) is int
    assert whole["categories"]["tv"] == {"name": "tv", "savePath": "/downloads/complete/tv"}
    assert sorted(whole["tags"]) == ["a", "b"]
    assert all(isinstance(named, list) for named in whole["trackers"].values())

    sonarr.post(API + "torrents/setCategory", hashes=torrent, category="")
    part = sonarr.get(API + "sync/maindata", rid=str(whole["rid"])).json
    assert part["torrents"][torrent]["category"] == ""
    assert misfits(part["torrents"][torrent], types.GO_TORRENT, partial=True) == []
    assert misfits(part.get("server_state", {}), types.GO_SERVER_STATE, partial=True) == []


def test_transfer_info_and_preferences_fit(sonarr):
    assert misfits(sonarr.get(API + "transfer/info").json, types.GO_TRANSFER) == []
    preferences = sonarr.get(API + "app/preferences").json
    assert misfits(preferences, types.GO_PREFERENCES) == []
    assert preferences["scan_dirs"] == {}


def test_build_info_fits(sonarr):
    info = sonarr.get(API + "app/buildInfo").json
    assert all(type(info[name]) is str for name in ("qt", "libtorrent", "boost", "openssl", "zlib"))
    assert type(info["bitness"]) is int


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (1, types.INT, True),
        (1.0, types.INT, False),
        (True, types.INT, False),
        (2**31, types.SMALL, False),
        (1, types.FLOAT, True),
        (None, types.TEXT, False),
        (0, types.FLAG, False),
        ([], types.LIST, True),
    ],
)
def test_the_types_are_as_strict_as_the_clients(value, kind, fits):
    assert types.is_of(value, kind) is fits
