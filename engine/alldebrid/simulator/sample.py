"""The sample: a torrent that the simulator really serves, piece hashes and all."""

import functools
import hashlib

import msgspec

from engine.alldebrid.simulator.account import Held, HeldFile
from engine.alldebrid.simulator.content import CHUNK, Counted, Fixed, block
from engine.alldebrid.simulator.torrent import encode

NAME = "Simulated.AllDebrid.Sample.2026.1080p.WEB.x264-SIMULATED"

VIDEO_SIZE = 192 * CHUNK + 345_678
"""Bytes; not a multiple of the piece length, so that the last piece spans two files."""

SEED = 2026

NFO = (
    b"This torrent is SIMULATED. Nothing here came from AllDebrid or from any peer.\r\n"
    b"\r\n"
    b"alldebrid-client made the bytes of the .mkv beside this file by itself, to show on this\r\n"
    b"machine that a torrent is added, downloaded, verified and found. It is no video.\r\n"
    b"Set ALLDEBRID_API_KEY to work with AllDebrid.\r\n"
)


class Sample(msgspec.Struct, frozen=True):
    """A torrent for trying things out."""

    name: str
    infohash: str
    torrent: bytes
    """The .torrent."""
    size: int
    held: Held
    """What the simulator serves for it."""

    def __repr__(self) -> str:
        return f"Sample(name={self.name!r}, infohash={self.infohash})"


@functools.cache
def sample() -> Sample:
    """Return the sample torrent: a big file, and a small one in a nested folder."""
    video = Counted(VIDEO_SIZE, SEED)
    files = (
        HeldFile((NAME, f"{NAME}.mkv"), video),
        HeldFile((NAME, "Info", f"{NAME}.nfo"), Fixed(NFO)),
    )
    info = encode(
        {
            b"files": [
                {b"length": file.content.size, b"path": [part.encode() for part in file.path[1:]]}
                for file in files
            ],
            b"name": NAME.encode(),
            b"piece length": CHUNK,
            b"pieces": _pieces(video, NFO),
        }
    )
    torrent = b"d7:comment36:Simulated, made by alldebrid-client.4:info%be" % info
    infohash = hashlib.sha1(info, usedforsecurity=False).hexdigest()
    held = Held(infohash, NAME, files)
    return Sample(NAME, infohash, torrent, VIDEO_SIZE + len(NFO), held)


def _pieces(video: Counted, rest: bytes) -> bytes:
    """Return the SHA-1 of each piece; all but the last start with the same block, hashed once."""
    start = hashlib.sha1(block(), usedforsecurity=False)
    hashes = bytearray()
    whole = video.size // CHUNK
    for chunk in range(whole):
        piece = start.copy()
        piece.update(video.stamp(chunk))
        hashes += piece.digest()
    last = video.read(whole * CHUNK, video.size) + rest
    hashes += hashlib.sha1(last, usedforsecurity=False).digest()
    return bytes(hashes)
