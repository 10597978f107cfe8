"""The torrents that cases work with. All of them are made here, from their names alone.

What becomes of one is told by the first part of its name: `film` and `pack` are complete on both
servers before the first case, `paused` ones are added paused, and `waiting` ones run without
anybody having a byte of them.
"""

import hashlib
from functools import cached_property

import msgspec

from tests.conformance.bencode import TRACKER, bencoded, info_of


class Made(msgspec.Struct, frozen=True, dict=True):
    """A torrent of the suite's own making."""

    name: str

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Contents by path below the torrent's folder, or one file named as the torrent."""
        if self.single:
            return {self.name: content(self.name, 40_000)}
        return {
            "a.txt": content(f"{self.name}/a", 20_000),
            "sub/b.txt": content(f"{self.name}/b", 30_000),
            "sub/c.nfo": content(f"{self.name}/c", 77),
        }

    @property
    def single(self) -> bool:
        """Whether it is one file without a folder."""
        return self.name.endswith(".mkv")

    @cached_property
    def paths(self) -> dict[str, bytes]:
        """Contents by path below the folder the torrent is saved in."""
        if self.single:
            return self.files
        return {f"{self.name}/{path}": data for path, data in self.files.items()}

    @cached_property
    def infohash(self) -> str:
        return hashlib.sha1(bencoded(info_of(self.name, self.files))).hexdigest()

    @cached_property
    def torrent(self) -> bytes:
        """The .torrent."""
        return bencoded({"announce": TRACKER, "info": info_of(self.name, self.files)})

    @property
    def magnet(self) -> str:
        return f"magnet:?xt=urn:btih:{self.infohash}&dn={self.name}"


def content(seed: str, size: int) -> bytes:
    """Return bytes that are the same in every run."""
    blocks = range(-(-size // 32))
    stream = b"".join(hashlib.sha256(f"{seed} {block}".encode()).digest() for block in blocks)
    return stream[:size]
