"""What a webhook's body comes to, and what is noted of what had to be left out."""

import json

import pytest

from api.webhook.announced import announced, offered
from api.webhook.config import WebhookConfig
from arrpush.announcement import BadAnnouncement
from arrpush.lenient import BadJson
from arrpush.payload import Target
from engine.jobs.intake import THREAD_FROM
from engine.metainfo import parse_torrent
from tests.api.webhook.world import HASH, NAME, URL, encoded, torrent

BASE = "http://nas:6500"


async def offer(body, asked="sonarr", **config):
    said = await announced(json.dumps(body).encode())
    return await offered(said, asked, BASE, WebhookConfig(**config))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.torrent").write_bytes(torrent())
    (tmp_path / "broken.torrent").write_bytes(b"<html>")
    return tmp_path


async def test_a_name_and_a_url_are_a_release():
    found = await offer({"TorrentName": NAME, "TorrentUrl": URL})
    assert (found.offer.release.name, found.offer.release.url) == (NAME, URL)
    assert (found.offer.target, found.offer.base) == (Target.SONARR, BASE)
    assert (found.offer.torrent, found.note) == (b"", "")


async def test_the_torrent_in_the_body_is_offered_as_it_came():
    found = await offer({"TorrentDataRawBytes": encoded(torrent())})
    assert found.offer.torrent == torrent()
    assert found.offer.release.torrent == parse_torrent(torrent())
    assert found.note == ""


async def test_the_torrent_at_the_path_is_too(folder):
    body = {"TorrentPathName": str(folder / "a.torrent")}
    found = await offer(body, torrent_dirs=(folder,))
    assert found.offer.torrent == torrent()
    assert found.note == ""


async def test_the_one_in_the_body_comes_first_and_the_path_is_not_looked_at(folder):
    body = {"TorrentData": encoded(torrent("Other")), "TorrentPath": str(folder / "gone")}
    found = await offer(body, torrent_dirs=(folder,))
    assert found.offer.torrent == torrent("Other")
    assert found.note == ""


async def test_the_one_at_the_path_is_taken_where_that_in_the_body_is_broken(folder):
    body = {"TorrentData": encoded(b"<html>"), "TorrentPath": str(folder / "a.torrent")}
    found = await offer(body, torrent_dirs=(folder,))
    assert found.offer.torrent == torrent()
    assert found.note.startswith("the .torrent in the body is left out: ")


@pytest.mark.parametrize(
    "more",
    [{"TorrentUrl": URL}, {"MagnetURI": f"magnet:?xt=urn:btih:{HASH}"}, {"TorrentHash": HASH}],
    ids=lambda more: next(iter(more)),
)
@pytest.mark.parametrize("name", ["gone", "broken.torrent", "../a.torrent"])
async def test_without_its_torrent_a_release_goes_on_and_that_is_noted(folder, more, name):
    body = {"TorrentName": NAME, "TorrentPath": f"{folder}/{name}", **more}
    found = await offer(body, torrent_dirs=(folder,))
    assert found.offer.torrent == b""
    assert found.offer.release.torrent is None
    assert found.note.startswith("the .torrent on disk is left out: ")
    assert str(folder) not in found.note


async def test_without_bytes_that_can_be_read_it_goes_on_too():
    found = await offer({"TorrentName": NAME, "TorrentUrl": URL, "TorrentData": "?"})
    assert found.offer.torrent == b""
    assert found.note.startswith("TorrentData must be the .torrent in base64")
    with pytest.raises(BadAnnouncement, match=r"TorrentData must be the \.torrent in base64"):
        await offer({"TorrentName": NAME, "TorrentData": "?"})


@pytest.mark.parametrize("name", ["gone", "broken.torrent", "../a.torrent"])
async def test_with_nothing_else_it_is_refused(folder, name):
    with pytest.raises(BadAnnouncement, match="on disk is left out"):
        await offer({"TorrentName": NAME, "TorrentPath": f"{folder}/{name}"}, "sonarr")
    with pytest.raises(BadAnnouncement, match=r"in the body is left out: .*; .* on disk"):
        await offer(
            {"TorrentData": encoded(b"x"), "TorrentPath": f"{folder}/{name}"},
            torrent_dirs=(folder,),
        )


async def test_a_torrent_on_disk_may_be_as_large_as_a_body(folder):
    body = {"TorrentPath": str(folder / "a.torrent")}
    size = len(torrent())
    assert (await offer(body, torrent_dirs=(folder,), max_upload=size)).offer.torrent
    with pytest.raises(BadAnnouncement, match="more than"):
        await offer(body, torrent_dirs=(folder,), max_upload=size - 1)


async def test_what_is_not_said_is_as_the_settings_say():
    body = {"TorrentName": NAME, "TorrentUrl": URL}
    settings = {"indexer": "Mine", "download_client": "AllDebrid"}
    found = (await offer(body, **settings)).offer.release
    assert (found.indexer, found.download_client) == ("Mine", "AllDebrid")
    body |= {"IndexerName": "Theirs", "DownloadClient": "Other"}
    found = (await offer(body, **settings)).offer.release
    assert (found.indexer, found.download_client) == ("Theirs", "Other")


async def test_the_name_in_the_torrent_tells_who_gets_it():
    body = {"TorrentData": encoded(torrent("A.Film.2020.1080p.WEB.H264-GROUP"))}
    assert (await offer(body, "auto")).offer.target is Target.RADARR
    assert (await offer({"TorrentData": encoded(torrent())}, "")).offer.target is Target.SONARR


async def test_a_large_one_is_read_in_a_thread(monkeypatch):
    large = torrent()[:-1] + b"8:comments" + b"%d:" % THREAD_FROM + b"x" * THREAD_FROM + b"e"
    large = large.replace(b"8:comments", b"7:zomment")
    threads = []

    async def noting(work, *arguments):
        threads.append(work)
        return work(*arguments)

    monkeypatch.setattr("api.webhook.announced.in_thread", noting)
    found = await offer({"TorrentData": encoded(large)})
    assert found.offer.torrent == large
    assert len(threads) == 1
    await offer({"TorrentData": encoded(torrent())})
    assert len(threads) == 1


async def test_what_is_no_json_is_refused():
    with pytest.raises(BadJson, match="line 1, column 1"):
        await announced(b"name=x")


@pytest.mark.parametrize(
    "field",
    [
        {"TorrentUrl": "https://t/Show S14E01.torrent"},
        {"TorrentUrl": "/download/1"},
        {"MagnetURI": "N/A"},
        {"InfoUrl": ["x"]},
        {"Indexers": {}},
        {"ReleaseName": 1.5},
        {"TorrentPath": True},
        {"Protocol": {}},
    ],
    ids=str,
)
async def test_no_field_that_is_not_needed_loses_a_release(field):
    body = {"TorrentDataRawBytes": encoded(torrent()), **field}
    found = await offer(body)

    assert found.offer.torrent == torrent()
    assert found.note or field == {"Indexers": {}}
