import asyncio
import logging

import pytest

from api.qbittorrent import adding
from api.qbittorrent.adding import add_options
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig, Fetched
from api.qbittorrent.parameters import Parameters
from engine.jobs.views import BadTorrent
from tests.fakes.sonarr_http import SonarrHttp

ADD = "/api/v2/torrents/add"
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
BASE32 = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK"
OTHER = "0123456789abcdef0123456789abcdef01234567"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&dn=Show.S01E01"
IN_FILE = "950aae932e7e820f99a6387c04bb43fdf48fb6f1"


def hashes(torrents):
    return [view.record.hash for view in torrents.views()]


@pytest.mark.parametrize(
    "magnet",
    [MAGNET, f"magnet:?xt=urn:btih:{BASE32}", HASH, HASH.upper(), BASE32, MAGNET + "&tr=x" * 500],
    ids=["magnet", "base32 magnet", "hash", "upper-case hash", "base32 hash", "multipart magnet"],
)
def test_a_torrent_is_there_at_once_under_its_infohash(sonarr, torrents, magnet):
    answer = sonarr.post(ADD, urls=magnet, category="tv", paused="False")
    assert (answer.status, answer.body) == (200, b"Ok.")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert hashes(torrents) == [HASH]
    assert sonarr.get("/api/v2/torrents/properties", hash=HASH).status == 200
    (shown,) = sonarr.get("/api/v2/torrents/info", category="tv").json
    assert (shown["hash"], shown["state"]) == (HASH, "queuedDL")


@pytest.mark.parametrize(
    "filename", ["Two.Files.2024.torrent", "k3J9xQ0aZb7Lm2Tt", "Été «1».torrent"]
)
def test_a_torrent_file_is_taken_under_any_name(sonarr, torrents, torrent_file, filename):
    assert sonarr.post(ADD, ("torrents", filename, torrent_file), category="tv").text == "Ok."
    assert hashes(torrents) == [IN_FILE]
    assert torrents.requests[0].metainfo == torrent_file


def test_several_torrents_are_added_at_once(sonarr, torrents, torrent_file):
    answer = sonarr.post(ADD, ("torrents", "a", torrent_file), urls=f"{MAGNET}\r\n\n{OTHER}\n")
    assert answer.text == "Ok."
    assert hashes(torrents) == [IN_FILE, HASH, OTHER]


def test_a_torrent_that_is_there_already_is_ok_and_stays_as_it_is(sonarr, torrents):
    assert sonarr.post(ADD, urls=MAGNET, category="tv").text == "Ok."
    assert sonarr.post(ADD, urls=MAGNET, category="other").text == "Ok."
    (view,) = torrents.views()
    assert view.record.category == "tv"


def test_one_torrent_taken_is_ok_whatever_became_of_other_lines(sonarr, torrents, torrent_file):
    answer = sonarr.post(ADD, ("torrents", "good", torrent_file), urls="rubbish\nftp://t.example/x")
    assert answer.text == "Ok."
    assert hashes(torrents) == [IN_FILE]


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_is_no_torrent_keeps_the_others_out(sonarr, torrents, torrent_file, order):
    files = [("torrents", "bad", b"<html>"), ("torrents", "good", torrent_file)][::order]
    answer = sonarr.post(ADD, *files, urls=MAGNET, category="new")
    assert (answer.status, answer.text) == (415, "Error: 'bad' is not a valid torrent file.")
    assert torrents.views() == torrents.categories() == []


@pytest.mark.parametrize("urls", ["rubbish", "magnet:?dn=x", "magnet:?xt=urn:btih:123", "", " \n"])
def test_nothing_taken_is_fails_with_200(sonarr, torrents, urls):
    answer = sonarr.post(ADD, urls=urls)
    assert (answer.status, answer.body) == (200, b"Fails.")
    assert torrents.views() == []


def test_no_field_at_all_is_fails(sonarr):
    assert sonarr.post(ADD).text == "Fails."


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"d4:spam4:eggse", b"\x00\xff"])
def test_a_file_that_is_no_torrent_is_415(sonarr, content):
    answer = sonarr.post(ADD, ("torrents", "x.torrent", content), category="tv")
    assert answer.status == 415
    assert answer.text == "Error: 'x.torrent' is not a valid torrent file."
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


def test_an_unknown_category_is_created(sonarr, torrents):
    sonarr.post(ADD, urls=MAGNET, category="new")
    assert [one.name for one in torrents.categories()] == ["new"]
    assert torrents.views()[0].record.category == "new"


def test_a_category_that_cannot_be_fails_the_request(sonarr, torrents, caplog):
    with caplog.at_level(logging.WARNING):
        assert sonarr.post(ADD, urls=MAGNET, category="//").text == "Fails."
    assert torrents.views() == []
    assert "the category name '//' must not" in caplog.text


@pytest.mark.parametrize(
    ("form", "state"),
    [
        ({"paused": "True"}, "pausedDL"),
        ({"paused": "true", "stopped": "true"}, "pausedDL"),
        ({"stopped": "True"}, "pausedDL"),
        ({"paused": "False"}, "queuedDL"),
        ({"paused": "false", "stopped": "false"}, "queuedDL"),
        ({"paused": "TRUE"}, "pausedDL"),
        ({"paused": "1"}, "pausedDL"),
        ({"stopped": "on"}, "pausedDL"),
        ({}, "queuedDL"),
        ({"paused": "perhaps"}, "queuedDL"),
    ],
)
def test_a_torrent_starts_or_waits_as_asked(sonarr, form, state):
    sonarr.post(ADD, urls=MAGNET, **form)
    assert sonarr.get("/api/v2/torrents/info").json[0]["state"] == state


@pytest.mark.parametrize(("form", "state"), [({}, "pausedDL"), ({"paused": "False"}, "queuedDL")])
def test_who_says_nothing_gets_what_is_preferred(sonarr, form, state):
    sonarr.post("/api/v2/app/setPreferences", json='{"start_paused_enabled": true}')
    sonarr.post(ADD, urls=MAGNET, **form)
    assert sonarr.get("/api/v2/torrents/info").json[0]["state"] == state


def test_what_else_is_asked_for_reaches_the_torrent(sonarr, torrents):
    sonarr.post(
        ADD,
        urls=MAGNET,
        tags="a, b,a",
        rename="Other",
        savepath="/downloads/elsewhere/",
        ratioLimit="1.5",
        seedingTimeLimit="1440",
        inactiveSeedingTimeLimit="60",
        dlLimit="1000",
        upLimit="2000",
        sequentialDownload="True",
        firstLastPiecePrio="true",
        autoTMM="false",
    )
    (request,) = torrents.requests
    assert request.tags == ("a", "b")
    assert (request.rename, request.save_path) == ("Other", "/downloads/elsewhere")
    assert (request.ratio_limit, request.seeding_time_limit) == (1.5, 1440)
    assert request.inactive_seeding_time_limit == 60
    assert (request.download_limit, request.upload_limit) == (1000, 2000)
    assert (request.sequential, request.first_last, request.auto_managed) == (True, True, False)
    assert sonarr.get("/api/v2/torrents/tags").json == ["a", "b"]


def test_options_that_mean_nothing_here_are_accepted(sonarr):
    answer = sonarr.post(
        ADD,
        urls=MAGNET,
        cookie="a=b",
        skip_checking="True",
        root_folder="true",
        contentLayout="Subfolder",
        useDownloadPath="true",
        downloadPath="/x",
    )
    assert answer.text == "Ok."


@pytest.mark.parametrize(
    ("given", "folder"), [("", ""), (" ", ""), ("/a/b/", "/a/b"), ("sub/../x", "/d/x")]
)
def test_a_save_path_is_absolute_and_plain(given, folder):
    assert add_options(Parameters([("savepath", given)]), "/d").save_path == folder


@pytest.mark.parametrize(
    ("savepath", "reason"),
    [
        ("../../out", "must not lead out of"),
        ("/", "root folder"),
        ("/unfinished/x", "among the unfinished files"),
        ("/a\x07b", "control characters"),
        ("/x" * 3000, "longer than"),
    ],
)
def test_a_folder_that_may_not_be_is_fails_and_leaves_nothing_behind(
    sonarr, server, torrents, caplog, savepath, reason
):
    server.app = create_app(torrents, ApiConfig(unfinished_path="/unfinished"))
    with caplog.at_level(logging.WARNING):
        answer = sonarr.post(ADD, urls=MAGNET, savepath=savepath, category="new", tags="x")
    assert (answer.status, answer.text) == (200, "Fails.")
    assert torrents.views() == torrents.categories() == []
    assert sonarr.get("/api/v2/torrents/tags").json == []
    (record,) = caplog.records
    assert record.getMessage().startswith("add=refused reason=")
    assert reason in record.getMessage()


@pytest.mark.parametrize(
    ("urls", "file"), [("rubbish", None), ("https://t.example/1", None), ("", b"<html>")]
)
def test_what_is_no_torrent_makes_no_category(sonarr, torrents, urls, file):
    files = [("torrents", "x.torrent", file)] if file else []
    sonarr.post(ADD, *files, urls=urls, category="new")
    assert torrents.categories() == []


@pytest.mark.parametrize("category", ["a/../../b", "..", "a\x07b", "x" * 256, "\\x", "/x"])
def test_a_category_that_cannot_be_is_told_before_a_file_is_read(sonarr, torrents, category):
    answer = sonarr.post(ADD, ("torrents", "x.torrent", b"<html>"), category=category)
    assert (answer.status, answer.text) == (200, "Fails.")
    assert torrents.categories() == []


@pytest.mark.parametrize("form", ["file", "magnet"])
def test_a_store_that_takes_nothing_is_fails_and_one_line(
    sonarr, torrents, torrent_file, caplog, form
):
    torrents.take_no_changes("there is no room in /config")
    files = [("torrents", "x.torrent", torrent_file)] if form == "file" else []
    urls = MAGNET if form == "magnet" else ""
    with caplog.at_level(logging.WARNING):
        answer = sonarr.post(ADD, *files, urls=urls, category="tv", tags="x")
    assert (answer.status, answer.text) == (200, "Fails.")
    assert sonarr.get("/api/v2/torrents/tags").json == []
    (record,) = caplog.records
    assert "no room in /config" in record.getMessage()
    assert record.exc_info is None


def test_limits_that_are_no_numbers_count_as_not_given():
    fields = [("ratioLimit", "nan"), ("seedingTimeLimit", "x"), ("inactiveSeedingTimeLimit", "")]
    options = add_options(Parameters(fields), "/d")
    assert (options.ratio_limit, options.seeding_time_limit) == (-2, -2)
    assert options.inactive_seeding_time_limit == -2


def test_urls_are_refused_while_nobody_fetches_them_and_stay_out_of_the_log(sonarr, caplog):
    with caplog.at_level(logging.WARNING):
        answer = sonarr.post(ADD, urls="https://tracker.example/1.torrent?passkey=SECRET")
    assert (answer.status, answer.text) == (200, "Fails.")
    assert "source=url" in caplog.text
    assert "add the .torrent file or a magnet" in caplog.text
    assert "SECRET" not in caplog.text


def test_urls_are_fetched_where_somebody_does(server, torrents, torrent_file):
    asked = []

    async def fetch(url, cookie):
        asked.append((url, cookie))
        if "gone" in url:
            raise BadTorrent("The URL answered 404.")
        return Fetched(metainfo=torrent_file)

    server.app = create_app(torrents, ApiConfig(), fetch_torrent=fetch)
    sonarr = SonarrHttp(server.port)
    urls = "HTTPS://tracker.example/1\nhttp://gone/"
    assert sonarr.post(ADD, urls=urls, cookie="uid=1; pass=2").text == "Ok."
    assert asked == [
        ("HTTPS://tracker.example/1", "uid=1; pass=2"),
        ("http://gone/", "uid=1; pass=2"),
    ]
    assert hashes(torrents) == [IN_FILE]
    assert sonarr.post(ADD, urls="http://gone/").text == "Fails."


def test_a_url_that_leads_to_a_magnet_is_one(server, torrents):
    async def fetch(_url, _cookie):
        return Fetched(magnet=MAGNET)

    server.app = create_app(torrents, ApiConfig(), fetch_torrent=fetch)
    assert SonarrHttp(server.port).post(ADD, urls="http://prowlarr:9696/1").text == "Ok."
    assert torrents.requests[0].magnet == MAGNET


def test_a_broken_form_is_400_with_a_reason(sonarr):
    answer = sonarr.send("POST", ADD, b"rubbish", "multipart/form-data; boundary=x")
    assert (answer.status, answer.text) == (400, "The multipart form is broken or not complete.")


def test_magnets_stay_out_of_the_log(sonarr, caplog):
    with caplog.at_level(logging.DEBUG):
        sonarr.post(ADD, urls="magnet:?xt=urn:btih:1&tr=http://t.example/SECRET")
        sonarr.post(ADD, urls=f"{MAGNET}&tr=http://t.example/SECRET")
    assert "source=magnet" in caplog.text
    assert "SECRET" not in caplog.text


def test_urls_are_fetched_side_by_side(server, torrents):
    together = asyncio.Barrier(3)

    async def fetch(url, _cookie):
        await asyncio.wait_for(together.wait(), 5)
        return Fetched(magnet=f"magnet:?xt=urn:btih:{url[-1] * 40}")

    server.app = create_app(torrents, ApiConfig(), fetch_torrent=fetch)
    urls = "\n".join(f"http://tracker.example/{name}" for name in "abc")

    assert SonarrHttp(server.port).post(ADD, urls=urls).text == "Ok."
    assert [view.record.hash[0] for view in torrents.views()] == ["a", "b", "c"]


def test_urls_that_take_for_ever_do_not_hold_up_the_answer(server, torrents, monkeypatch):
    monkeypatch.setattr(adding, "PATIENCE", 0.0)

    async def fetch(_url, _cookie):
        await asyncio.Event().wait()

    server.app = create_app(torrents, ApiConfig(), fetch_torrent=fetch)
    urls = "\n".join(f"http://tracker.example/{number}" for number in range(30))

    assert SonarrHttp(server.port).post(ADD, urls=f"{urls}\n{MAGNET}").text == "Ok."
    assert hashes(torrents) == [HASH]
