"""Just enough bencode and magnets for a simulated AllDebrid: the infohash, the name, the making.

AllDebrid is the other side of the wire, so this reads what our side sends without its code.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

Bencode = int | bytes | Sequence["Bencode"] | Mapping[bytes, "Bencode"]

MOST_NESTED = 64
"""Levels of lists and dictionaries; real torrents have five."""

_HEX = re.compile(r"[0-9a-fA-F]{40}")
_BASE32 = re.compile(r"[a-zA-Z2-7]{32}")
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,9}):")
_INTEGER = re.compile(rb"i-?[0-9]{1,20}e")


class NotATorrent(ValueError):
    """What was sent is no torrent and no magnet."""


class Named(msgspec.Struct, frozen=True):
    """Which torrent is meant."""

    infohash: str
    name: str = ""


def encode(value: Bencode) -> bytes:
    """Return `value` in bencode, dictionaries in the order of their keys."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if isinstance(value, Mapping):
        pairs = (encode(key) + encode(value[key]) for key in sorted(value))
        return b"d" + b"".join(pairs) + b"e"
    return b"l" + b"".join(encode(item) for item in value) + b"e"


def named_by_file(data: bytes) -> Named:
    """Read which torrent a .torrent is. Raises NotATorrent."""
    info = _members(data, 0).get(b"info")
    if info is None:
        raise NotATorrent
    start, end = info
    name_start, name_end = _members(data, start).get(b"name", (0, 0))
    name = data[name_start:name_end].partition(b":")[2].decode("utf-8", "replace")
    return Named(hashlib.sha1(data[start:end], usedforsecurity=False).hexdigest(), name)


def named_by_magnet(uri: str) -> Named:
    """Read which torrent a magnet or a bare infohash means. Raises NotATorrent."""
    if not uri.startswith("magnet:"):
        return Named(_infohash(uri))
    query = parse_qs(urlsplit(uri).query)
    for topic in query.get("xt", []):
        if topic.lower().startswith("urn:btih:"):
            return Named(_infohash(topic[9:]), query.get("dn", [""])[0])
    raise NotATorrent


def _infohash(text: str) -> str:
    if _HEX.fullmatch(text):
        return text.lower()
    if _BASE32.fullmatch(text):
        return binascii.hexlify(base64.b32decode(text.upper())).decode()
    raise NotATorrent


def _members(data: bytes, start: int) -> dict[bytes, tuple[int, int]]:
    """Return where the values of the dictionary at `start` stand, by key."""
    if data[start : start + 1] != b"d":
        raise NotATorrent
    members: dict[bytes, tuple[int, int]] = {}
    at = start + 1
    while data[at : at + 1] != b"e":
        value_at = _end(data, at, 0)
        end = _end(data, value_at, 0)
        members[data[at:value_at].partition(b":")[2]] = (value_at, end)
        at = end
    return members


def _end(data: bytes, at: int, depth: int) -> int:
    """Return where the value at `at` ends."""
    if match := _LENGTH.match(data, at):
        end = match.end() + int(match[1])
        if end <= len(data):
            return end
    elif match := _INTEGER.match(data, at):
        return match.end()
    elif data[at : at + 1] in {b"l", b"d"} and depth < MOST_NESTED:
        at += 1
        while data[at : at + 1] != b"e":
            at = _end(data, at, depth + 1)
        return at + 1
    raise NotATorrent
