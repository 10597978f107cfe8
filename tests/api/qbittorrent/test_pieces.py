import hashlib

import pytest

from api.qbittorrent.pieces import web_seeds

API = "/api/v2/torrents/"
MAGNET = "a" * 40
FILE = "950aae932e7e820f99a6387c04bb43fdf48fb6f1"


@pytest.fixture(autouse=True)
def two(sonarr, torrent_file):
    sonarr.post(API + "add", ("torrents", "x.torrent", torrent_file), urls=MAGNET)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_torrent_is_given_back_as_it_was_added(sonarr, torrent_file, method):
    answer = getattr(sonarr, method)(API + "export", hash=FILE)
    assert (answer.status, answer.body) == (200, torrent_file)
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


def test_a_magnet_cannot_be_exported(sonarr):
    answer = sonarr.get(API + "export", hash=MAGNET)
    assert (answer.status, answer.text) == (
        409,
        "Unable to export torrent file. Error: Missing metadata",
    )


def test_pieces_are_those_of_the_torrent(sonarr, torrents, torrent_file):
    hashes = sonarr.get(API + "pieceHashes", hash=FILE).json
    assert bytes.fromhex("".join(hashes)) in torrent_file
    assert all(len(one) == 2 * hashlib.sha1().digest_size for one in hashes)
    assert sonarr.get(API + "pieceStates", hash=FILE).json == [0] * len(hashes)
    torrents.finish(FILE, {"x": 1})
    assert sonarr.get(API + "pieceStates", hash=FILE).json == [2] * len(hashes)


@pytest.mark.parametrize("route", ["pieceHashes", "pieceStates", "webseeds"])
def test_a_magnet_has_nothing_to_list(sonarr, route):
    answer = sonarr.get(API + route, hash=MAGNET)
    assert (answer.headers["content-type"], answer.json) == ("application/json", [])


def test_web_seeds_are_listed(sonarr, torrent_file):
    assert sonarr.get(API + "webseeds", hash=FILE).json == []
    with_seed = torrent_file.replace(b"4:infod", b"4:infod", 1)[:-1] + b"8:url-list10:http://w/xe"
    sonarr.post(API + "delete", hashes=FILE)
    sonarr.post(API + "add", ("torrents", "x.torrent", with_seed))
    assert sonarr.get(API + "webseeds", hash=FILE).json == [{"url": "http://w/x"}]


@pytest.mark.parametrize(
    ("metainfo", "urls"),
    [
        (b"de", []),
        (b"le", []),
        (b"d8:url-list0:e", []),
        (b"d8:url-listi1ee", []),
        (b"d8:url-list3:a/be", ["a/b"]),
        (b"d8:url-listl1:a1:b0:i1eee", ["a", "b"]),
        (b"d8:url-list1:\xffe", ["\ufffd"]),
    ],
)
def test_web_seeds_come_alone_or_as_a_list(metainfo, urls):
    assert web_seeds(metainfo) == urls
