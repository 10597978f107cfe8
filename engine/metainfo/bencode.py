"""A strict, bounded reader of bencoding that remembers where things stand.

Theory
    An infohash is the SHA-1 of the bytes of `info` as they stand in the file. Decoding and encoding
    again gives other bytes for files that are slightly off (unsorted keys), so the reader reports
    the span of each value of the outermost dictionary and nobody ever encodes.

Rules
    * One value, and nothing after it.
    * Numbers have one spelling: no leading zero, no `-0`, no plus sign.
    * Unsorted keys are taken: files like that are in circulation. Of a repeated key the first
      value counts, but `Scanned.spans` lists every one, so that a reader can refuse.

Guarantees
    Never recursive; time and memory are linear in the input and bounded by the limits below; any
    input gives a value or BadMetainfo with the byte where it went wrong.

What breaks if you edit
    The reader notes the start of every token at depth 1 in `marks`: those are key, value, key,
    value, ... and last the end of the outermost container. `_spans` relies on that order.
"""

import re
from typing import TypeAlias

import msgspec

from engine.metainfo.errors import BadMetainfo

MAX_DEPTH = 64
"""Nested containers. The deepest real thing, a v2 file tree, has one per folder."""

MAX_TOKENS = 500_000
"""Values, keys and ends. Some 50,000 files fit; a bomb of them stays below 40 MB of objects."""

MAX_DIGITS = 20
"""Digits of an integer or a length: 2**64 has 20."""

Value: TypeAlias = int | bytes | list["Value"] | dict[bytes, "Value"]
"""A decoded value. Its dictionaries are the format's own and stay inside this package."""

_TOKEN = re.compile(
    rb"(0|[1-9][0-9]{0,%(more)d}):|i(0|-?[1-9][0-9]{0,%(more)d})e|([lde])"
    % {b"more": MAX_DIGITS - 1}
)
_STRING, _INTEGER = 1, 2  # groups of _TOKEN
_END = ord("e")
_DICTIONARY = ord("d")


class Span(msgspec.Struct, frozen=True):
    """Where a value of the outermost dictionary stands: bytes `start` to `end`, half-open."""

    key: bytes
    start: int
    end: int


class Scanned(msgspec.Struct, frozen=True):
    """A decoded document; `spans` is in file order, and empty unless `value` is a dictionary."""

    value: Value
    spans: tuple[Span, ...]


class _Open:
    """A container that is being read; a dictionary collects keys and values in turn."""

    __slots__ = ("is_dictionary", "items")

    def __init__(self, *, is_dictionary: bool) -> None:
        self.is_dictionary = is_dictionary
        self.items: list[Value] = []

    def wants_key(self) -> bool:
        """Say whether a dictionary's key comes next."""
        return self.is_dictionary and len(self.items) % 2 == 0

    def close(self, position: int) -> Value:
        """Return the finished container; `position` is where its `e` stands."""
        if not self.is_dictionary:
            return self.items
        if len(self.items) % 2:
            raise _bad(position, "a dictionary ends after a key that has no value")
        # Backwards, so that of a repeated key the first value wins, as in libtorrent.
        keys, values = self.items[-2::-2], self.items[::-2]
        return {key: value for key, value in zip(keys, values, strict=True) if type(key) is bytes}


class _Reader:
    """Reads token by token; `outside` stands for the file and ends up with one item."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.marks: list[int] = []
        self.outside = _Open(is_dictionary=False)
        self._current = self.outside
        self._parents: list[_Open] = []

    def done(self) -> bool:
        """Say whether the one value is complete."""
        return self._current is self.outside and bool(self.outside.items)

    def step(self) -> None:
        """Read one token."""
        start = self.position
        token = _TOKEN.match(self.data, start)
        if token is None:
            raise _no_token(self.data, start)
        if len(self._parents) == 1:
            self.marks.append(start)
        self.position = token.end()
        if token.lastindex == _STRING:
            self._string(start, int(token[_STRING]))
        elif self.data[start] == _END:
            self._close(start)
        elif self._current.wants_key():
            raise _bad(start, "a dictionary's key must be a string")
        elif token.lastindex == _INTEGER:
            self._current.items.append(int(token[_INTEGER]))
        else:
            self._open(start)

    def _string(self, start: int, length: int) -> None:
        end = self.position + length
        if end > len(self.data):
            raise _bad(start, f"a string of {length} bytes runs past the end")
        self._current.items.append(self.data[self.position : end])
        self.position = end

    def _open(self, start: int) -> None:
        if len(self._parents) == MAX_DEPTH:
            raise _bad(start, f"it is nested deeper than {MAX_DEPTH} levels")
        self._parents.append(self._current)
        self._current = _Open(is_dictionary=self.data[start] == _DICTIONARY)

    def _close(self, start: int) -> None:
        if not self._parents:
            raise _bad(start, "an end without a beginning")
        value = self._current.close(start)
        self._current = self._parents.pop()
        self._current.items.append(value)


def scan(data: bytes) -> Scanned:
    """Decode one bencoded value that fills `data`. Raises BadMetainfo."""
    reader = _Reader(data)
    for _ in range(MAX_TOKENS):
        reader.step()
        if reader.done():
            break
    else:
        raise _bad(reader.position, f"it holds more than {MAX_TOKENS} values")
    if reader.position != len(data):
        raise _bad(reader.position, f"{len(data) - reader.position} bytes follow the end")
    return Scanned(reader.outside.items[0], _spans(data, reader.marks))


def _spans(data: bytes, marks: list[int]) -> tuple[Span, ...]:
    """Pair the token starts of the outermost container up, if it is a dictionary."""
    if data[0] != _DICTIONARY:
        return ()
    keys, values, ends = marks[:-1:2], marks[1::2], marks[2::2]
    return tuple(
        Span(_key_at(data, key, value), value, end)
        for key, value, end in zip(keys, values, ends, strict=True)
    )


def _key_at(data: bytes, start: int, end: int) -> bytes:
    """Return the string that fills these bytes."""
    return data[data.index(b":", start) + 1 : end]


def _no_token(data: bytes, position: int) -> BadMetainfo:
    """Say why nothing can be read at `position`."""
    if position >= len(data):
        return _bad(position, "it ends too early")
    found = data[position : position + 1]
    if found == b"i":
        return _bad(position, f"an integer must be i, up to {MAX_DIGITS} plain digits, e")
    if found.isdigit():
        return _bad(position, f"a string must be its length (up to {MAX_DIGITS} digits), a colon")
    return _bad(position, f"a value cannot begin with byte 0x{found.hex()}")


def _bad(position: int, why: str) -> BadMetainfo:
    return BadMetainfo(f"the .torrent is not valid bencoding at byte {position}: {why}")
