"""What a .torrent says: its infohash, its files and its v1 piece hashes (BEP 3, 12, 27, 47).

Text
    Names should be UTF-8. Those that are not are read as Latin-1: it takes any byte and keeps
    different names different, which replacement characters would not. The `.utf-8` twins of
    `name` and `path` win where they exist. Names stay untrusted: `engine.jobs.paths` makes them
    safe.

Versions
    A v2-only torrent (BEP 52) is refused, a hybrid one is read by its v1 half.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from engine.metainfo.bencode import Scanned, Value, scan
from engine.metainfo.errors import BadMetainfo

HASH_SIZE = 20
"""Bytes of one SHA-1 in `pieces`."""

MAX_SIZE = 2**63 - 1
"""Bytes of one file or of all: what SQLite and off_t can hold."""

MAX_PIECE_LENGTH = 2**30
"""Bytes; four times the largest piece that any client makes."""


class MetaFile(msgspec.Struct, frozen=True):
    """One file, padding included, as the torrent names it (untrusted)."""

    path: tuple[str, ...]
    """Below the torrent's folder; for a single file just its name."""
    size: int
    padding: bool
    """Zeros that only align the next file; not to be downloaded or put on disk."""
    offset: int
    """Where it begins in the stream of all files, padding included, that the pieces cut up."""


class Metainfo(msgspec.Struct, frozen=True):
    """A torrent. `repr` leaves the trackers out: they may hold passkeys."""

    infohash: str
    """SHA-1 of the bytes of `info` as they stand in the file: 40 lower-case hex digits."""
    name: str
    """Of the single file or of the folder, untrusted; the infohash when the torrent has none."""
    files: tuple[MetaFile, ...]
    """In the torrent's order; an index into this is a file's index everywhere."""
    single_file: bool
    size: int
    """Bytes of all files without padding, at least 1."""
    piece_length: int
    """Bytes of every piece but the last, which may be shorter."""
    pieces: bytes
    """SHA-1 of each piece, 20 bytes each."""
    trackers: tuple[str, ...]
    private: bool

    def __repr__(self) -> str:
        return (
            f"<Metainfo {self.infohash} files={len(self.files)} size={self.size}"
            f" pieces={len(self.pieces) // HASH_SIZE} trackers={len(self.trackers)}>"
        )


def parse_torrent(data: bytes) -> Metainfo:
    """Read the bytes of a .torrent file.

    Raises BadMetainfo: for broken bencoding with the byte position, else with the field's name.
    """
    scanned = scan(data)
    outer = _dictionary(scanned.value, "the .torrent")
    infohash = _infohash(data, scanned)
    info = _dictionary(outer[b"info"], "info")
    _refuse_v2_only(info)
    name = _text(info, b"name", "info.name") or infohash
    piece_length = _number(info.get(b"piece length"), "info.piece length", 1, MAX_PIECE_LENGTH)
    files = tuple(_files(info, name, piece_length))
    size = sum(file.size for file in files if not file.padding)
    if not size:
        raise BadMetainfo("the torrent has nothing to download: all its files are empty")
    return Metainfo(
        infohash=infohash,
        name=name,
        files=files,
        single_file=b"files" not in info,
        size=size,
        piece_length=piece_length,
        pieces=_pieces(info, files[-1].offset + files[-1].size, piece_length),
        trackers=tuple(dict.fromkeys(_trackers(outer))),
        private=info.get(b"private") == 1,
    )


def is_padding_name(path: tuple[str, ...]) -> bool:
    """Say whether a file of this path is padding by the habits of clients that do not mark it.

    `.pad/<digits>` is libtorrent's, `_____padding_file_...` BitComet's.
    """
    if path[-1].startswith("_____padding_file"):
        return True
    return path[-2:-1] == (".pad",) and path[-1].isdecimal()


def _infohash(data: bytes, scanned: Scanned) -> str:
    spans = [span for span in scanned.spans if span.key == b"info"]
    if not spans:
        raise BadMetainfo("the .torrent has no info dictionary")
    if len(spans) > 1:
        raise BadMetainfo(
            f"the .torrent has a second info dictionary at byte {spans[1].start};"
            " which torrent it is cannot be told"
        )
    raw = memoryview(data)[spans[0].start : spans[0].end]
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def _refuse_v2_only(info: dict[bytes, Value]) -> None:
    if b"pieces" not in info and (info.get(b"meta version") == 2 or b"file tree" in info):
        raise BadMetainfo(
            "this is a BitTorrent v2-only torrent, which AllDebrid cannot fetch;"
            " a v1 or a hybrid torrent is needed"
        )


def _files(info: dict[bytes, Value], name: str, piece_length: int) -> Iterator[MetaFile]:
    entries = info.get(b"files")
    if entries is None:
        size = _number(info.get(b"length"), "info.length", 0, MAX_SIZE)
        yield MetaFile((name,), size, padding=False, offset=0)
        return
    if not isinstance(entries, list) or not entries:
        raise BadMetainfo("info.files must be a list of at least one file")
    offset = 0
    for number, value in enumerate(entries):
        where = f"info.files[{number}]"
        entry = _dictionary(value, where)
        size = _number(entry.get(b"length"), f"{where}.length", 0, MAX_SIZE - offset)
        path = _path(entry, where)
        yield MetaFile(path, size, _is_padding(entry, path, size, piece_length, where), offset)
        offset += size


def _path(entry: dict[bytes, Value], where: str) -> tuple[str, ...]:
    for key in (b"path.utf-8", b"path"):
        parts = entry.get(key)
        if isinstance(parts, list) and any(parts):
            return tuple(_decoded(part, f"{where}.{key.decode()}") for part in parts)
    raise BadMetainfo(f"{where}.path must be a list of folder names and a file name")


def _is_padding(
    entry: dict[bytes, Value], path: tuple[str, ...], size: int, piece_length: int, where: str
) -> bool:
    """Say whether a file is padding, which fills up a piece and so is smaller than one."""
    attributes = entry.get(b"attr")
    if not isinstance(attributes, bytes) or b"p" not in attributes:
        return is_padding_name(path) and size < piece_length
    if size >= piece_length:
        raise BadMetainfo(f"{where} is marked as padding but is not smaller than a piece")
    return True


def _pieces(info: dict[bytes, Value], length: int, piece_length: int) -> bytes:
    pieces = info.get(b"pieces")
    if not isinstance(pieces, bytes):
        raise BadMetainfo("info.pieces must be a string of SHA-1 hashes")
    expected = -(-length // piece_length) * HASH_SIZE
    if len(pieces) != expected:
        raise BadMetainfo(
            f"info.pieces has {len(pieces)} bytes, but {length} bytes in pieces of"
            f" {piece_length} need {expected}"
        )
    return pieces


def _trackers(outer: dict[bytes, Value]) -> Iterator[str]:
    """Yield trackers, tiers flattened; what is malformed here is no reason to refuse a torrent."""
    tiers = outer.get(b"announce-list")
    candidates = [outer.get(b"announce")]
    for tier in tiers if isinstance(tiers, list) else []:
        candidates += tier if isinstance(tier, list) else [tier]
    for candidate in candidates:
        if isinstance(candidate, bytes) and (tracker := _decode(candidate).strip()):
            yield tracker


def _dictionary(value: Value, where: str) -> dict[bytes, Value]:
    if not isinstance(value, dict):
        raise BadMetainfo(f"{where} must be a dictionary")
    return value


def _number(value: Value | None, where: str, low: int, high: int) -> int:
    if not isinstance(value, int) or not low <= value <= high:
        raise BadMetainfo(f"{where} must be an integer from {low} to {high}")
    return value


def _text(table: dict[bytes, Value], key: bytes, where: str) -> str:
    """Return the text under `key` or its `.utf-8` twin; "" when there is none."""
    return _decoded(table.get(key + b".utf-8") or table.get(key, b""), where)


def _decoded(value: Value, where: str) -> str:
    if not isinstance(value, bytes):
        raise BadMetainfo(f"{where} must be text")
    return _decode(value)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
