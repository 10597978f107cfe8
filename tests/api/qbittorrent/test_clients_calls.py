"""What clients other than Sonarr and Radarr call, in their order and their libraries' spelling.

Each test is one client's round, with a password, and asserts what the client goes on with. The
types they decode are in `test_client_types`.
"""

import json

import pytest
import qbittorrentapi

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.jobs.states import State
from engine.jobs.views import AddRequest
from engine.store.records import CategoryRecord
from tests.fakes.client_types import GO_PREFERENCES, GO_TORRENT, GO_TRACKER, misfits
from tests.fakes.http_clients import AXIOS, DOTNET, GO, NODE_FETCH, REQUESTS, Client, browser

NOW = 1_700_000_000
USER, PASSWORD = "user", "pä ss&+%"
DONE = "d" * 40
FILE = "950aae932e7e820f99a6387c04bb43fdf48fb6f1"
FOLDER = "/downloads/complete/tv"


@pytest.fixture(autouse=True)
async def _world(server, torrents):
    """A service with a password, one finished torrent and one that downloads."""
    server.app = create_app(torrents, ApiConfig(login=Login.of(USER, PASSWORD)), clock=lambda: NOW)
    torrents._categories["tv"] = CategoryRecord(name="tv", save_path=FOLDER)
    magnet = f"magnet:?xt=urn:btih:{DONE}&dn=Show.S01E01&tr=https%3A%2F%2Ft.example%2Fsecret"
    await torrents.add(AddRequest(magnet=magnet, category="tv", save_path=FOLDER))
    torrents.finish(DONE, {"Show.S01/a.mkv": 1000, "Show.S01/b.nfo": 10})
    await torrents.add(AddRequest(magnet="e" * 40))
    torrents._change("e" * 40, size=400, root="x")
    torrents.become("e" * 40, State.DOWNLOADING, downloaded=100, speed=5000.5, eta=60)


@pytest.fixture
def make(server):
    """Make a client; one of a browser is behind the address of the service."""
    made = []

    def client(library, *, logged_in=True):
        library = library or browser(server.port)
        made.append(Client(server.port, library))
        if logged_in:
            assert made[-1].login(USER, PASSWORD).text == "Ok."
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def api(server):
    """What Home Assistant and qbit_manage use."""
    with qbittorrentapi.Client(
        host=f"http://127.0.0.1:{server.port}", username=USER, password=PASSWORD
    ) as client:
        client.auth_log_in()
        yield client


def by_hash(answer):
    assert answer.status == 200
    return {torrent["hash"]: torrent for torrent in answer.json}


# Dashboards


def test_homepage_is_turned_away_logs_in_and_counts(make):
    homepage = make(NODE_FETCH, logged_in=False)
    assert homepage.get("torrents/info").status == 403
    login = homepage.login(USER, PASSWORD)
    assert (login.status, login.body) == (200, b"Ok.")

    listed = homepage.get("torrents/info").json

    assert sum(one["dlspeed"] + one["upspeed"] for one in listed) == 5000
    assert [one["hash"] for one in listed if one["progress"] == 1] == [DONE]
    leeching = [one for one in listed if "DL" in one["state"] or one["state"] == "downloading"]
    assert [(one["eta"], one["amount_left"]) for one in leeching] == [(60, 300)]


def test_homarr_reads_the_version_lists_and_switches(make, torrents):
    homarr = make(NODE_FETCH)
    assert homarr.get("app/version").text.startswith("v4.")

    listed = by_hash(homarr.get("torrents/info", limit="50"))

    assert listed[DONE]["completion_on"] == listed[DONE]["added_on"] == torrents.now
    assert listed[DONE]["uploaded"] == 0
    assert homarr.post("torrents/pause", hashes="all").status == 200
    states = [one["state"] for one in homarr.get("torrents/info").json]
    assert states == ["pausedUP", "pausedDL"]
    assert homarr.post("torrents/resume", hashes="e" * 40).status == 200
    assert homarr.post("torrents/delete", hashes=DONE, deleteFiles="true").status == 200
    assert list(by_hash(homarr.get("torrents/info"))) == ["e" * 40]
    assert torrents.files_deleted == [DONE]


def test_home_assistant_reads_everything_at_once_and_toggles(api):
    data = api.sync_maindata()
    assert data["server_state"]["dl_info_speed"] == 5000
    assert data["server_state"]["up_info_speed"] == 0
    assert data["server_state"]["connection_status"] == "connected"
    assert data["server_state"]["alltime_dl"] >= 0
    assert float(data["server_state"]["global_ratio"]) >= 0
    states = [torrent["state"] for torrent in data["torrents"].values()]
    assert sorted(states) == ["downloading", "pausedUP"]

    assert api.transfer_speed_limits_mode() == "0"
    api.transfer_toggle_speed_limits_mode(True)
    assert api.transfer_speed_limits_mode() == "1"
    api.transfer_toggle_speed_limits_mode()
    assert api.transfer_speed_limits_mode() == "0"

    for status, count in [("all", 2), ("downloading", 1), ("completed", 1), ("paused", 1)]:
        assert len(api.torrents_info(status)) == count
    shown = api.torrents_info("active")[0]
    assert {"name", "hash", "added_on", "progress", "state", "eta", "ratio"} <= shown.keys()


# Cleaners


def test_cleanuparr_waits_to_go_on_and_reads_every_detail(make, torrents):
    cleanuparr = make(DOTNET)
    assert cleanuparr.get("app/webapiVersion").text.count(".") >= 1
    query = {"filter": "all", "reverse": "false", "hashes": f"{DONE.upper()}|{'0' * 40}"}
    assert list(by_hash(cleanuparr.get("torrents/info", **query))) == [DONE]
    done = by_hash(cleanuparr.get("torrents/info", filter="completed", reverse="false"))
    assert list(done) == [DONE]
    assert cleanuparr.get("torrents/info", filter="all", hashes="0" * 40).json == []

    # It looks at rows like these only, and calls a method of their URL.
    trackers = cleanuparr.get("torrents/trackers", hash=DONE).json
    assert [row for row in trackers if "**" in row["url"]]
    assert cleanuparr.get("torrents/properties", hash=DONE).json["save_path"] == FOLDER
    files = cleanuparr.get("torrents/files", hash=DONE).json
    assert [(file["index"], file["priority"]) for file in files] == [(0, 1), (1, 1)]
    for path in ("properties", "files", "trackers"):
        assert cleanuparr.get(f"torrents/{path}", hash="0" * 40).status == 404

    assert cleanuparr.post("torrents/filePrio", hash=DONE, id="1", priority="0").status == 200
    assert cleanuparr.get("torrents/files", hash=DONE).json[1]["priority"] == 0
    assert "tv" in cleanuparr.get("torrents/categories").json
    assert cleanuparr.post("torrents/createCategory", category="cleanuparr unlinked").status == 200
    moved = cleanuparr.post("torrents/setCategory", hashes=DONE, category="cleanuparr unlinked")
    assert moved.status == 200
    assert cleanuparr.post("torrents/addTags", hashes=DONE, tags="unlinked").status == 200
    assert cleanuparr.get("transfer/speedLimitsMode").text == "0"
    preferences = json.dumps({"excluded_file_names": "*.lnk\n*.exe"})
    assert cleanuparr.post("app/setPreferences", json=preferences).status == 200
    assert cleanuparr.post("torrents/pause", hashes=DONE).status == 200
    assert cleanuparr.post("torrents/delete", hashes=DONE, deleteFiles="true").status == 200
    assert torrents.view(DONE) is None


def test_decluttarr_makes_its_tags_and_looks_for_what_is_stuck(make, torrents):
    decluttarr = make(REQUESTS)
    version = decluttarr.get("app/version").text[1:]
    assert tuple(map(int, version.split("."))) >= (4, 3, 0)
    for tag in ("Keep", "Obsolete"):
        assert tag not in decluttarr.get("torrents/tags").json
        assert decluttarr.post("torrents/createTags", tags=tag).status == 200
        assert tag in decluttarr.get("torrents/tags").json
    if not decluttarr.get("app/preferences").json.get("use_unwanted_folder"):
        wanted = '{"use_unwanted_folder": true}'
        assert decluttarr.post("app/setPreferences", json=wanted).status == 200
    state = decluttarr.get("sync/maindata").json["server_state"]
    assert state["connection_status"] == "connected"
    info = decluttarr.get("transfer/info").json
    assert (info["dl_rate_limit"], info["dl_info_speed"]) == (0, 5000)

    items = by_hash(decluttarr.get("torrents/info"))
    assert items["e" * 40]["completed"] == 100
    assert "Keep" not in items[DONE]["tags"]
    assert not decluttarr.get("torrents/properties", hash=DONE).json.get("is_private", False)
    (file, _) = decluttarr.get("torrents/files", hash=DONE).json
    assert {"index", "name", "availability", "progress", "priority"} <= file.keys()
    assert decluttarr.post("torrents/filePrio", hash=DONE, id="0", priority="0").status == 200
    both = f"{DONE}|{'e' * 40}"
    assert decluttarr.post("torrents/addTags", hashes=both, tags="Obsolete").status == 200
    assert by_hash(decluttarr.get("torrents/info"))["e" * 40]["tags"] == "Obsolete"
    assert decluttarr.post("torrents/delete", hashes="e" * 40, deleteFiles="true").status == 200
    assert [view.record.hash for view in torrents.views()] == [DONE]


def test_qbit_manage_sorts_tags_limits_and_exports(api, torrents, torrent_file):
    assert qbittorrentapi.Version.is_app_version_supported(api.app.version)
    assert api.app.version >= "v4.5.0"
    assert api.app.preferences.max_ratio_act == 0
    assert api.app.preferences.max_ratio_enabled in {True, False}
    assert api.torrent_categories.categories["tv"].savePath == FOLDER
    api.torrents_add(torrent_files=torrent_file, category="tv", is_paused=True)

    listed = api.torrents.info(sort="added_on")

    complete = {torrent.hash: torrent.state_enum.is_complete for torrent in listed}
    assert complete == {DONE: True, "e" * 40: False, FILE: False}
    torrent = next(one for one in listed if one.hash == FILE)
    urls = [tracker.url for tracker in torrent.trackers if tracker.url.startswith("http")]
    assert urls == ["http://tracker.example"]
    assert qbittorrentapi.TrackerStatus(torrent.trackers[-1].status).name == "WORKING"
    assert [file.name for file in torrent.files] == []
    torrent.set_auto_management(True)
    torrent.add_tags(tags=["tracker.example", "noHL"])
    torrent.remove_tags(tags=["noHL"])
    torrent.set_category(category="tv")
    torrent.set_share_limits(ratio_limit=2, seeding_time_limit=600, inactive_seeding_time_limit=-2)
    torrent.set_upload_limit(51200)
    torrent.recheck()
    torrent.resume()
    assert torrent.export() == torrent_file
    (shown,) = api.torrents_info(torrent_hashes=FILE)
    assert (shown.tags, shown.ratio_limit, shown.seeding_time_limit) == ("tracker.example", 2, 600)
    assert shown.up_limit == 51200
    api.torrents_create_category(name="uncategorized", save_path="/downloads/uncategorized")
    api.torrents_edit_category(name="uncategorized", save_path="/downloads/other")
    torrent.delete(delete_files=False)
    assert torrents.view(FILE) is None


# Web interfaces


def test_flood_posts_what_others_get(make, torrents, torrent_file):
    flood = make(AXIOS)
    assert "SID=" in flood.cookie
    assert flood.get("app/webapiVersion").text.startswith("2.8.")  # so it pauses and resumes
    assert len(by_hash(flood.post("torrents/info"))) == 2
    assert flood.post("app/preferences").json["save_path"] == "/downloads/complete"
    assert flood.post("transfer/info").json["dl_info_speed"] == 5000
    for path in ("files", "properties", "trackers"):
        assert flood.post(f"torrents/{path}", hash=DONE).status == 200
    assert flood.post("sync/torrentPeers", hash=DONE, rid="0").json["peers"] == {}
    whole = flood.post("sync/maindata", rid="0").json
    assert whole["full_update"] is True
    part = flood.post("sync/maindata", rid=str(whole["rid"])).json
    assert part.get("full_update", False) is False or set(part["torrents"]) == {DONE, "e" * 40}

    options = {"savepath": "/downloads/flood", "paused": "true", "root_folder": "true"}
    added = flood.post("torrents/add", ("torrents", "0.torrent", torrent_file), **options)
    assert (added.status, added.text) == (200, "Ok.")
    urls = f"magnet:?xt=urn:btih:{'1' * 40}\nmagnet:?xt=urn:btih:{'2' * 40}"
    assert flood.upload("torrents/add", urls=urls, **options).text == "Ok."
    listed = by_hash(flood.post("torrents/info"))
    assert {FILE, "1" * 40, "2" * 40} <= set(listed)
    assert (listed[FILE]["save_path"], listed[FILE]["state"]) == ("/downloads/flood", "pausedDL")

    hashes = f"{FILE}|{'1' * 40}"
    for path in ("recheck", "resume", "pause", "topPrio", "bottomPrio", "reannounce"):
        assert flood.post(f"torrents/{path}", hashes=hashes).status == 200, path
    assert flood.post("torrents/addTags", hashes=hashes, tags="a,b").status == 200
    assert flood.post("torrents/removeTags", hashes=hashes, tags="").status == 200
    assert flood.post("torrents/toggleSequentialDownload", hashes=hashes).status == 200
    moved = flood.post("torrents/setLocation", hashes=DONE, location="/downloads/moved")
    assert moved.status == 200
    assert torrents.view(DONE).record.save_path == "/downloads/moved"
    # Not percent-encoded, and with settings that mean nothing here.
    body = json.dumps({"dht": True, "max_connec": 500, "dl_limit": 4096, "announce_ip": ""})
    kind = "application/x-www-form-urlencoded"
    answer = flood._send("POST", "app/setPreferences", f"json={body}".encode(), kind)
    assert answer.status == 200
    assert flood.post("transfer/info").json["dl_rate_limit"] == 4096


def test_vuetorrent_opens_its_pages(make, torrents, torrent_file):
    """In a browser: with Origin and Referer, which name this very service."""
    page = make(None)
    assert page.get("app/version").text.startswith("v4.")
    for path, kind in [
        ("app/buildInfo", dict),
        ("app/preferences", dict),
        ("torrents/categories", dict),
        ("torrents/tags", list),
        ("search/plugins", list),
        ("rss/rules", dict),
        ("app/networkInterfaceList", list),
    ]:
        answer = page.get(path)
        assert (answer.status, type(answer.json)) == (200, kind), path
        assert answer.headers["content-type"] == "application/json"
    assert page.get("rss/items", withData="true").json == {}
    levels = {"info": "true", "normal": "true", "warning": "true", "critical": "false"}
    assert isinstance(page.get("log/main", last_known_id="-1", **levels).json, list)
    first = page.get("sync/maindata", rid="0").json
    assert set(first["torrents"]) == {DONE, "e" * 40}
    assert page.get("sync/torrentPeers", hash=DONE, rid="0").status == 200

    options = {"category": "tv", "stopped": "true", "paused": "true", "autoTMM": "false"}
    files = [("torrents", "a b.torrent", torrent_file)]
    assert page.post("torrents/add", *files, **options).text == "Ok."
    second = page.get("sync/maindata", rid=str(first["rid"])).json
    assert FILE in second["torrents"]
    assert second["rid"] != first["rid"]

    hashes = FILE
    for path, more in [
        ("resume", {}),
        ("pause", {}),
        ("setForceStart", {"value": "true"}),
        ("toggleSequentialDownload", {}),
        ("toggleFirstLastPiecePrio", {}),
        ("setSuperSeeding", {"value": "true"}),
        ("setAutoManagement", {"enable": "true"}),
        ("setDownloadLimit", {"limit": "1024"}),
        ("setUploadLimit", {"limit": "1024"}),
        (
            "setShareLimits",
            {"ratioLimit": "-2", "seedingTimeLimit": "-2", "inactiveSeedingTimeLimit": "-2"},
        ),
        ("increasePrio", {}),
        ("decreasePrio", {}),
        ("topPrio", {}),
        ("addTags", {"tags": "a"}),
        ("removeTags", {}),
        ("setCategory", {"category": ""}),
        ("recheck", {}),
        ("reannounce", {}),
    ]:
        assert page.post(f"torrents/{path}", hashes=hashes, **more).status == 200, path
    assert page.post("torrents/rename", hash=FILE, name="A new name").status == 200
    assert torrents.view(FILE).record.name == "A new name"
    assert page.get("torrents/pieceStates", hash=FILE).status == 200
    assert page.get("torrents/export", hash=FILE).body == torrent_file
    renamed = {"hash": DONE, "oldPath": "Show.S01/a.mkv", "newPath": "Show.S01/c.mkv"}
    assert page.post("torrents/renameFile", **renamed).status == 200
    assert page.get("torrents/files", hash=DONE).json[0]["name"] == "Show.S01/c.mkv"
    category = {"category": "new", "savePath": "", "downloadPath": "", "downloadPathEnabled": "no"}
    assert page.post("torrents/createCategory", **category).status == 200
    assert page.post("torrents/removeCategories", categories="new\ntv").status == 200
    assert page.post("transfer/toggleSpeedLimitsMode").status == 200
    assert page.post("torrents/delete", hashes=FILE, deleteFiles="false").status == 200
    assert page.post("auth/logout").status == 200
    assert page.get("app/version").status == 403


def test_qui_follows_the_changes_and_knows_what_it_may_ask(make):
    qui = make(GO)
    version = tuple(map(int, qui.get("app/webapiVersion").text.split(".")))
    assert (2, 8, 11) <= version < (2, 11, 0)  # exports, but no tasks, nor stopped for paused
    assert qui.get("app/buildInfo").status == 200
    assert misfits(qui.get("app/preferences").json, GO_PREFERENCES) == []
    data = qui.get("sync/maindata", rid="0").json
    seen = {infohash: dict(torrent) for infohash, torrent in data["torrents"].items()}

    assert qui.post("torrents/pause", hashes="e" * 40).status == 200
    part = qui.get("sync/maindata", rid=str(data["rid"])).json
    for infohash, changed in part.get("torrents", {}).items():
        assert misfits(changed, GO_TORRENT, partial=True) == []
        seen[infohash] |= changed
    assert seen["e" * 40]["state"] == "pausedDL"
    assert seen[DONE]["state"] == "pausedUP"

    listed = by_hash(qui.get("torrents/info", includeTrackers="true"))
    assert misfits(listed[DONE], GO_TORRENT) == []
    for row in qui.get("torrents/trackers", hash=DONE).json:
        assert misfits(row, GO_TRACKER) == []
    assert qui.get("torrents/export", hash=DONE).status in {404, 409}  # a magnet has no file
    assert qui.post("torrents/delete", hashes=DONE, deleteFiles="false").status == 200
    gone = qui.get("sync/maindata", rid=str(part["rid"])).json
    assert DONE in gone.get("torrents_removed", []) or DONE not in gone["torrents"]


# Those that add


def test_autobrr_tests_counts_adds_and_finds_a_tracker_that_works(make, torrents, torrent_file):
    autobrr = make(GO)
    assert autobrr.get("app/webapiVersion").status == 200
    listed = by_hash(autobrr.get("torrents/info", filter="all"))
    assert all(misfits(one, GO_TORRENT) == [] for one in listed.values())
    active = by_hash(autobrr.get("torrents/info", filter="downloading"))
    assert [one["state"] for one in active.values()] == ["downloading"]
    assert autobrr.get("transfer/info").json["dl_info_speed"] == 5000

    options = {
        "paused": "false",
        "stopped": "false",
        "skip_checking": "true",
        "root_folder": "true",
        "contentLayout": "Subfolder",
        "savepath": "/downloads/autobrr",
        "autoTMM": "false",
        "category": "tv",
        "tags": "a, b",
        "upLimit": "1048576",
        "dlLimit": "2097152",
        "ratioLimit": "2.00",
        "seedingTimeLimit": "600",
        "firstLastPiecePrio": "true",
        "sequentialDownload": "true",
    }
    added = autobrr.post("torrents/add", ("torrents", "k3J9xQ0aZb7Lm2Tt", torrent_file), **options)
    assert (added.status, added.text) == (200, "Ok.")
    assert added.headers["content-type"].startswith("text/plain")
    again = autobrr.post("torrents/add", urls=f"magnet:?xt=urn:btih:{'3' * 40}", paused="true")
    assert again.headers["content-type"].startswith("text/plain")

    rows = autobrr.get("torrents/trackers", hash=FILE).json
    assert any(row["status"] == 2 for row in rows)
    alarms = ("unregistered", "not registered", "not found", "not exist")
    assert not any(alarm in row["msg"].lower() for row in rows for alarm in alarms)
    assert autobrr.post("torrents/reannounce", hashes=FILE).status == 200
    assert autobrr.get("app/preferences").json["queueing_enabled"] is True
    for path in ("topPrio", "bottomPrio"):
        assert autobrr.post(f"torrents/{path}", hashes=FILE).status == 200
    shown = by_hash(autobrr.get("torrents/info", hashes=FILE))[FILE]
    assert shown["save_path"] == "/downloads/autobrr"
    assert (shown["category"], shown["tags"]) == ("tv", "a, b")
    assert (shown["up_limit"], shown["dl_limit"]) == (1 << 20, 2 << 20)
    assert (shown["ratio_limit"], shown["seeding_time_limit"]) == (2, 600)
    assert autobrr.post("torrents/delete", hashes=FILE, deleteFiles="true").status == 200
    assert torrents.view(FILE) is None


def test_autobrr_is_told_what_is_wrong_with_its_file_and_its_password(make):
    autobrr = make(GO)
    refused = autobrr.post("torrents/add", ("torrents", "x", b"<html>"), paused="false")
    assert refused.status == 415
    wrong = make(GO, logged_in=False)
    assert wrong.login(USER, "wrong").text == "Fails."
    assert wrong.get("torrents/info", filter="all").status == 403


@pytest.mark.parametrize("recheck", [True, False])
def test_cross_seed_injects_checks_and_resumes(make, torrents, torrent_file, recheck):
    """It posts everything, and sends the whole Set-Cookie line back as its cookie."""
    cross_seed = make(NODE_FETCH)
    assert cross_seed.cookie.startswith("SID=")
    assert "HttpOnly" in cross_seed.cookie
    version = cross_seed.post("app/version").text
    assert [int(part) for part in version[1:].split(".")[:2]] >= [4, 3]
    assert cross_seed.post("torrents/createTags", tags="cross-seed").status == 200
    assert cross_seed.post("app/preferences").json["resume_data_storage_type"]
    found = by_hash(cross_seed.post("torrents/info"))
    assert FILE not in found
    (searchee,) = cross_seed.post("torrents/info", hashes=DONE).json
    assert searchee["state"] == "pausedUP"
    names = [file["name"] for file in cross_seed.post("torrents/files", hash=DONE).json]
    assert names == ["Show.S01/a.mkv", "Show.S01/b.nfo"]
    assert cross_seed.post("torrents/trackers", hash=DONE).status == 200

    form = {
        "downloadPath": searchee["save_path"],
        "savepath": searchee["save_path"],
        "autoTMM": str(searchee["auto_tmm"]).lower(),
        "category": "tv.cross-seed",
        "tags": "cross-seed",
        "contentLayout": "Original",
        "skip_checking": str(not recheck).lower(),
        "paused": str(recheck).lower(),
        "foo": "bar",
    }
    name = "Two.Files.cross-seed.torrent"
    assert cross_seed.post("torrents/add", ("torrents", name, torrent_file), **form).status == 200
    (new,) = cross_seed.post("torrents/info", hashes=FILE).json
    assert (new["hash"], new["infohash_v1"]) == (FILE, FILE)
    assert (new["category"], new["tags"]) == ("tv.cross-seed", "cross-seed")
    assert new["save_path"] == FOLDER
    if recheck:
        assert new["state"] == "pausedDL"
        assert cross_seed.post("torrents/pause", hashes=FILE).status == 200
        assert cross_seed.post("torrents/recheck", hashes=FILE).status == 200
        torrents.become(FILE, State.PAUSED)
        (checked,) = cross_seed.post("torrents/info", hashes=FILE).json
        assert checked["state"] in {"pausedDL", "pausedUP"}
        assert cross_seed.post("torrents/resume", hashes=FILE).status == 200
    assert torrents.view(FILE).state is State.ADDED
