"""No name in a torrent, or in AllDebrid's tree of one, leads out of the folder of its downloads."""

import hashlib
import os.path
from pathlib import Path

import bencodepy
import pytest

from engine.metainfo import parse_torrent

PIECE = 1 << 16


def hostile_paths(outside):
    """Paths that would lead out: parts of names, as a .torrent lists them."""
    up = [".."] * 12
    return [
        [*up, *str(outside).split("/")[1:], "climbed"],
        ["..", "..", "..", "outside", "near"],
        [str(outside / "absolute")],
        ["", "", *str(outside).split("/")[1:], "empty"],
        [f"a/../../../../..{outside}/hidden"],
        ["..\\..\\..\\outside\\windows"],
        ["sub", "..", "..", "..", "..", "outside", "after"],
        [f"nul\x00{outside}/nul"],
        ["..", "beside.db"],
        ["~", "home"],
        ["...", "dots"],
        ["file.mkv"],
        ["file.mkv", "below a file"],
    ]


def contents(paths):
    return [f"marked payload {number}".encode() + b"x" * number for number in range(len(paths))]


def hostile_torrent(name, paths):
    files = [
        {b"path": [part.encode() for part in path], b"length": len(content)}
        for path, content in zip(paths, contents(paths), strict=True)
    ]
    stream = b"".join(contents(paths))
    pieces = [stream[at : at + PIECE] for at in range(0, len(stream), PIECE)]
    info = {
        b"name": name.encode(),
        b"piece length": PIECE,
        b"pieces": b"".join(hashlib.sha1(piece).digest() for piece in pieces),
        b"files": files,
    }
    return bencodepy.encode({b"info": info})


def payload_below(folder):
    """Every file with payload of ours below a folder; links are not followed."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and b"marked payload" in path.read_bytes()[:14]
    }


@pytest.mark.parametrize("name", ["..", "{outside}/root", "ok"])
@pytest.mark.parametrize("by", ["file", "magnet"])
def test_everything_stays_below_the_folder_of_finished_files(
    make_service, alldebrid, tmp_path, name, by
):
    outside = tmp_path / "outside"
    outside.mkdir()
    name = name.format(outside=outside)
    paths = hostile_paths(outside)
    torrent = hostile_torrent(name, paths)
    infohash = parse_torrent(torrent).infohash
    tree = {"/".join(path): content for path, content in zip(paths, contents(paths), strict=True)}
    alldebrid.hold(infohash, name, tree)
    service = make_service()
    service.start()

    given = (
        {"torrent_files": torrent} if by == "file" else {"urls": f"magnet:?xt=urn:btih:{infohash}"}
    )
    with service.client() as client:
        assert client.torrents_add(**given, rename="../../outside/renamed", tags="../x") == "Ok."
    shown = service.wait_for(infohash, "pausedUP")

    complete = service.downloads / "complete"
    found = payload_below(tmp_path)
    assert sorted(found.values()) == sorted(contents(paths))
    assert all(path.resolve().is_relative_to(complete) for path in found)
    assert Path(shown.content_path).parent == complete
    assert list(outside.iterdir()) == []
    assert list((service.downloads / "incomplete").iterdir()) == []

    with service.client() as client:
        client.torrents_delete(delete_files=True, torrent_hashes=infohash)
    assert service.stop() == 0
    assert payload_below(tmp_path) == {}
    assert complete.is_dir()
    assert outside.is_dir()


@pytest.mark.parametrize("at_start", ["../../outside", "a/../../../outside", "..", "/outside/.."])
def test_no_category_and_no_relative_path_leads_out(make_service, tmp_path, at_start):
    service = make_service()
    service.start()
    complete = str(service.downloads / "complete")

    with service.client() as client:
        for number, place in enumerate(
            [{"category": at_start}, {"save_path": at_start.lstrip("/")}]
        ):
            torrent = hostile_torrent(f"x{number}", [["a"]])
            client.torrents_add(torrent_files=torrent, **place)
        shown = client.torrents_info()

    assert all(os.path.normpath(one.save_path).startswith(complete) for one in shown)
    assert not (tmp_path / "outside").exists()
