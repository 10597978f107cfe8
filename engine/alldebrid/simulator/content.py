"""File content without files: bytes at any offset, made when they are asked for. Pure."""

import functools
import hashlib
from typing import Protocol

CHUNK = 1024 * 1024
"""Bytes after which `Counted` content counts on; the sample's piece length."""

_STAMP = 16
"""Bytes at the end of each chunk: seed and chunk number, so that no two chunks are alike."""


class Content(Protocol):
    """Some bytes that can be read from any offset."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    @property
    def etag(self) -> str:
        """A strong entity tag, quotes and all."""

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, which is at most `size`."""


class Fixed:
    """Content that is there as bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)
        self.etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    def __repr__(self) -> str:
        return f"<Fixed {self.size} bytes>"

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`."""
        return self._data[start:end]


class Counted:
    """One pseudo-random block over and over, each time with its number at the end.

    Looks random to whatever compresses, differs in every chunk so that a misplaced one is
    noticed, and is made at the speed of a copy.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self.seed = seed
        self.etag = f'"{seed:x}-{size:x}"'

    def __repr__(self) -> str:
        return f"<Counted {self.size} bytes seed={self.seed}>"

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`."""
        end = min(end, self.size)
        parts: list[bytes | memoryview] = []
        while start < end:
            chunk, offset = divmod(start, CHUNK)
            take = min(CHUNK - offset, end - start)
            parts.append(memoryview(block())[offset : offset + take])
            if offset + take > CHUNK - _STAMP:
                stamp_from = max(0, offset - (CHUNK - _STAMP))
                stamp_to = offset + take - (CHUNK - _STAMP)
                parts.append(self.stamp(chunk)[stamp_from:stamp_to])
            start += take
        return b"".join(parts)

    def stamp(self, chunk: int) -> bytes:
        """Return the end of a chunk: what comes after `block()`."""
        return self.seed.to_bytes(8, "big") + chunk.to_bytes(8, "big")


@functools.cache
def block() -> bytes:
    """Return what every chunk starts with: all of it but the stamp."""
    return hashlib.shake_128(b"alldebrid-client simulated content").digest(CHUNK - _STAMP)
