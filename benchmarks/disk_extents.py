"""Where on its device a file lies, and whose bytes a block request writes.

`extents` asks the file system (FIEMAP); the rest is pure.
"""

import array
import bisect
import fcntl
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.hdd_model import SECTOR, Request

_FIEMAP = 0xC020660B
_SYNC = 1
_LAST = 1
_HEAD = struct.Struct("=QQLLLL")
_EXTENT = struct.Struct("=QQQQQLLLL")
_COUNT = 512


class Extent(msgspec.Struct, frozen=True, order=True):
    """A stretch of a file that is a stretch of the device. In sectors."""

    sector: int
    """On the device."""
    sectors: int
    at: int
    """In the file."""


class Turn(msgspec.Struct, frozen=True):
    """Writes to one file, with none to another between them."""

    name: str
    began: float
    """Seconds, on the clock of the trace."""
    ended: float
    bytes: int


def extents(path: Path) -> list[Extent]:
    """Return a file's extents in file order. Raises OSError."""
    found: list[Extent] = []
    start = 0
    with path.open("rb") as file:
        while True:
            head = _HEAD.pack(start, (1 << 64) - 1 - start, _SYNC, 0, _COUNT, 0)
            answer = array.array("B", head + bytes(_COUNT * _EXTENT.size))
            fcntl.ioctl(file.fileno(), _FIEMAP, answer)
            batch, last = parse_fiemap(bytes(answer))
            found += batch
            if last or not batch:
                return found
            start = (found[-1].at + found[-1].sectors) * SECTOR


def parse_fiemap(answer: bytes) -> tuple[list[Extent], bool]:
    """Return what the kernel told, and whether the file's last extent is among it."""
    mapped = _HEAD.unpack_from(answer)[3]
    found, last = [], False
    for number in range(mapped):
        at = _HEAD.size + number * _EXTENT.size
        logical, physical, length, _, _, flags, *_ = _EXTENT.unpack_from(answer, at)
        found.append(Extent(physical // SECTOR, length // SECTOR, logical // SECTOR))
        last = last or bool(flags & _LAST)
    return found, last


class Map:
    """Whose bytes lie where on a device."""

    def __init__(self, files: Mapping[str, Sequence[Extent]]) -> None:
        self._owners = sorted((extent, name) for name, known in files.items() for extent in known)
        self._starts = [extent.sector for extent, _ in self._owners]

    def __repr__(self) -> str:
        return f"<Map {len(self._owners)} extents>"

    def find(self, sector: int) -> tuple[str, int] | None:
        """Return a sector's file and the byte in it; None where no file lies (the journal)."""
        number = bisect.bisect_right(self._starts, sector) - 1
        if number < 0:
            return None
        extent, name = self._owners[number]
        if sector >= extent.sector + extent.sectors:
            return None
        return name, (extent.at + sector - extent.sector) * SECTOR


def turns(requests: Iterable[Request], owners: Map) -> list[Turn]:
    """Return who wrote how much in a row. Writes to no file's extents are skipped."""
    found: list[Turn] = []
    for request in requests:
        owner = owners.find(request.sector)
        if request.op != "W" or owner is None:
            continue
        name, count = owner[0], request.sectors * SECTOR
        if found and found[-1].name == name:
            before = found[-1]
            found[-1] = Turn(name, before.began, request.t, before.bytes + count)
        else:
            found.append(Turn(name, request.t, request.t, count))
    return found


def offsets(requests: Iterable[Request], owners: Map) -> list[tuple[float, int]]:
    """Return when the device was where in its files: (t, the byte after the write)."""
    found = []
    for request in requests:
        owner = owners.find(request.sector)
        if request.op == "W" and owner is not None:
            found.append((request.t, owner[1] + request.sectors * SECTOR))
    return found


def contested(found: Sequence[Turn]) -> list[Turn]:
    """Return the turns that ended because somebody else's came: not the last of any file.

    A file's last turn is as short as what was left of it, and whoever is alone has no turns.
    """
    last = {turn.name: number for number, turn in enumerate(found)}
    return [turn for number, turn in enumerate(found) if last[turn.name] != number]
