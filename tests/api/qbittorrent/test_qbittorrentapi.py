"""The service driven by a client that nobody here wrote."""

import pytest
import qbittorrentapi

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login

MAGNET_HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
MAGNET = f"magnet:?xt=urn:btih:{MAGNET_HASH}&dn=Show.S01E01"
FILE_HASH = "950aae932e7e820f99a6387c04bb43fdf48fb6f1"


@pytest.fixture
def client(server, torrents):
    server.app = create_app(torrents, ApiConfig(login=Login.of("user", "secret")))
    with qbittorrentapi.Client(
        host="127.0.0.1",
        port=server.port,
        username="user",
        password="secret",
        RAISE_ERROR_FOR_UNSUPPORTED_QBITTORRENT_VERSIONS=True,
    ) as client:
        yield client


def test_it_logs_in_and_recognises_the_version(client):
    assert client.is_logged_in
    assert (client.app.version, client.app.web_api_version) == ("v4.5.2", "2.8.19")
    assert client.app.build_info.bitness == 64
    assert client.app.default_save_path == "/downloads/complete"
    assert client.app.preferences.dht


def test_it_is_refused_with_a_wrong_password(server, torrents):
    server.app = create_app(torrents, ApiConfig(login=Login.of("user", "secret")))
    wrong = qbittorrentapi.Client(
        host="127.0.0.1", port=server.port, username="user", password="wrong"
    )
    with pytest.raises(qbittorrentapi.LoginFailed):
        wrong.auth_log_in()
    assert not wrong.is_logged_in


def test_it_adds_lists_and_deletes(client, torrents, torrent_file):
    assert client.torrents_add(urls=MAGNET, category="tv", tags=["a", "b"]) == "Ok."
    assert client.torrents_add(torrent_files=torrent_file, is_paused=True) == "Ok."
    torrents.finish(MAGNET_HASH, {"Show.S01E01.mkv": 1000})

    (done,) = client.torrents_info(category="tv")
    assert (done.hash, done.name, done.state) == (MAGNET_HASH, "Show.S01E01", "pausedUP")
    assert done.state_enum.is_complete
    assert client.torrents_tags() == ["a", "b"]
    assert client.torrents_categories()["tv"].savePath == ""
    assert [file.name for file in done.files] == ["Show.S01E01.mkv"]
    assert done.trackers[0].status == 2
    assert done.properties.total_size == 1000

    (paused,) = client.torrents_info(status_filter="paused", category="")
    assert (paused.hash, paused.state) == (FILE_HASH, "pausedDL")
    paused.resume()
    assert client.torrents_info(torrent_hashes=FILE_HASH)[0].state == "queuedDL"
    paused.set_share_limits(ratio_limit=2, seeding_time_limit=-1)
    paused.set_force_start(enable=True)
    paused.top_priority()
    paused.increase_priority()
    paused.set_auto_management(enable=False)
    paused.toggle_sequential_download()
    paused.recheck()
    assert client.torrents_info(torrent_hashes=FILE_HASH)[0].ratio_limit == 2

    client.torrents_delete(torrent_hashes="all", delete_files=True)
    assert client.torrents_info() == []
    assert torrents.files_deleted == [MAGNET_HASH, FILE_HASH]


def test_it_follows_maindata(client):
    first = client.sync.maindata.delta()
    assert (first.full_update, first.torrents) == (True, {})
    client.torrents_add(urls=MAGNET)
    assert list(client.sync.maindata.delta().torrents) == [MAGNET_HASH]
    assert client.transfer.info.connection_status == "connected"


def test_it_sets_and_reads_limits(client):
    client.torrents_add(urls=MAGNET, download_limit=5000)
    assert client.torrents_download_limit(torrent_hashes=MAGNET_HASH) == {MAGNET_HASH: 5000}
    client.torrents_info()[0].set_download_limit(limit=6000)
    assert client.torrents_info()[0].dl_limit == 6000
    client.transfer.download_limit = 4 << 20
    assert client.transfer.download_limit == 4 << 20
    client.transfer.set_speed_limits_mode(intended_state=True)
    assert client.transfer.speed_limits_mode == "1"
    client.app.preferences = {"alt_dl_limit": 1 << 20}
    assert client.transfer.info.dl_rate_limit == 1 << 20


def test_it_renames_moves_and_chooses_files(client, torrents, torrent_file):
    client.torrents_add(torrent_files=torrent_file, save_path="/d")
    torrents.know(FILE_HASH, {"Show/1.mkv": 600, "Show/sub/2.mkv": 400})
    (torrent,) = client.torrents_info()
    assert torrent.export() == torrent_file

    torrent.rename(new_name="Other")
    torrent.rename_file(old_path="Show/1.mkv", new_path="Show/one.mkv")
    torrent.rename_folder(old_path="Show/sub", new_path="Show/Extras")
    assert [file.name for file in torrent.files] == ["Show/one.mkv", "Show/Extras/2.mkv"]
    torrent.file_priority(file_ids=[0, 1], priority=0)
    torrent.file_priority(file_ids=1, priority=7)
    assert [file.priority for file in torrents.files(FILE_HASH)] == [0, 7]
    torrent.set_location(location="/other")
    (torrent,) = client.torrents_info()
    assert (torrent.name, torrent.save_path) == ("Other", "/other")

    assert len(client.torrents_piece_hashes(FILE_HASH)) == len(
        client.torrents_piece_states(FILE_HASH)
    )
    assert client.torrents_webseeds(FILE_HASH) == []


def test_it_keeps_tags_and_categories(client):
    client.torrents_create_tags(["a", "b"])
    client.torrents_delete_tags("a")
    assert client.torrents_tags() == ["b"]
    client.torrents_create_category("tv", save_path="/tv")
    client.torrents_edit_category("tv", save_path="/other")
    assert client.torrents_categories()["tv"].savePath == "/other"
    with pytest.raises(qbittorrentapi.Conflict409Error):
        client.torrents_edit_category("tv", save_path="/other")
    client.torrents_remove_categories("tv")
    assert client.torrents_categories() == {}


def test_it_sets_and_reads_preferences(client, torrents):
    client.app.preferences = {"max_active_downloads": 7, "start_paused_enabled": True}
    assert client.app.preferences.max_active_downloads == 7
    client.torrents_add(urls=MAGNET)
    assert client.torrents_info()[0].state == "pausedDL"
    client.app.preferences = {"queueing_enabled": False}
    with pytest.raises(qbittorrentapi.Conflict409Error):
        client.torrents_top_priority(torrent_hashes="all")
    with pytest.raises(qbittorrentapi.InvalidRequest400Error):
        client.app.preferences = {"max_ratio_act": 1}
    client.app.preferences = dict(client.app.preferences)
    assert not torrents.preferences().queueing


def test_it_finds_no_search_and_no_feeds(client):
    assert client.search_plugins() == []
    job = client.search_start(pattern="x", category="all", plugins="all")
    with pytest.raises(qbittorrentapi.NotFound404Error):
        client.search_results(search_id=job.id)
    assert client.rss_items() == client.rss_rules() == {}
    with pytest.raises(qbittorrentapi.Conflict409Error):
        client.rss_add_feed(url="http://x.example/rss", item_path="x")


def test_it_reads_our_refusals_as_qbittorrents(client):
    with pytest.raises(qbittorrentapi.NotFound404Error):
        client.torrents_properties(torrent_hash="0" * 40)
    with pytest.raises(qbittorrentapi.Conflict409Error):
        client.torrents_set_category(torrent_hashes="all", category="unknown")
    with pytest.raises(qbittorrentapi.UnsupportedMediaType415Error):
        client.torrents_add(torrent_files=b"no torrent")
    assert client.torrents_add(urls="no magnet") == "Fails."
