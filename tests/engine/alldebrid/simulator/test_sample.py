import hashlib

import bencodepy

from engine.alldebrid.simulator.sample import sample
from engine.alldebrid.simulator.torrent import named_by_file


def test_the_sample_is_a_torrent_of_a_big_file_and_a_small_one_in_a_folder():
    made = sample()
    info = bencodepy.decode(made.torrent)[b"info"]
    paths = [b"/".join(entry[b"path"]).decode() for entry in info[b"files"]]
    assert paths == [f"{made.name}.mkv", f"Info/{made.name}.nfo"]
    assert sum(entry[b"length"] for entry in info[b"files"]) == made.size == made.held.size
    assert info[b"files"][0][b"length"] > 192 * 1024 * 1024
    assert made.infohash == named_by_file(made.torrent).infohash == made.held.infohash
    assert made.infohash in repr(made)


def test_its_pieces_are_those_of_what_is_served():
    made = sample()
    info = bencodepy.decode(made.torrent)[b"info"]
    length, pieces = info[b"piece length"], info[b"pieces"]
    video, nfo = (file.content for file in made.held.files)
    count = -(-made.size // length)
    assert len(pieces) == 20 * count
    for piece in (0, 1, count // 2, count - 2, count - 1):
        start = piece * length
        data = video.read(start, start + length)
        if start + length > video.size:
            data += nfo.read(0, nfo.size)
        assert hashlib.sha1(data).digest() == pieces[20 * piece : 20 * piece + 20]
    assert len({pieces[at : at + 20] for at in range(0, len(pieces), 20)}) == count


def test_it_says_that_it_is_simulated():
    made = sample()
    assert "Simulated" in made.name
    assert b"Simulated" in bencodepy.decode(made.torrent)[b"comment"]
    assert b"SIMULATED" in made.held.files[1].content.read(0, 100)
