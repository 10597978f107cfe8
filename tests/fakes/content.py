"""What a fake server serves: bytes in memory, or a pattern of any size that needs none."""

import functools
import hashlib
import random
from collections.abc import Iterator
from typing import Protocol

PERIOD = 1024 * 1024 + 7
"""Bytes after which a pattern repeats. A prime: two places of a file that differ by any multiple
of 1 MiB below 1 TiB hold different bytes, so a misplaced block never goes unnoticed."""


class Content(Protocol):
    """Bytes that can be read anywhere; ranges are half-open."""

    size: int

    def views(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes of a range in parts of at most about 1 MiB, without copying."""


class Blob:
    """Content that stands in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def __repr__(self) -> str:
        return f"Blob({self.size})"

    def views(self, start: int, end: int) -> Iterator[memoryview]:
        view = memoryview(self._data)[start:end]
        for at in range(0, len(view), PERIOD):
            yield view[at : at + PERIOD]


class Pattern:
    """`size` bytes that look random, are the same in every run, and cost 1 MiB of memory.

    Two patterns of one size and different seeds differ everywhere.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self.seed = seed
        self._block = _block(seed)

    def __repr__(self) -> str:
        return f"Pattern({self.size}, seed={self.seed})"

    def views(self, start: int, end: int) -> Iterator[memoryview]:
        end = min(end, self.size)
        while start < end:
            at = start % PERIOD
            view = self._block[at : min(PERIOD, at + end - start)]
            yield view
            start += len(view)

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        return b"".join(self.views(start, self.size if end is None else end))

    @functools.cached_property
    def _sha256(self) -> str:
        digest = hashlib.sha256()
        for view in self.views(0, self.size):
            digest.update(view)
        return digest.hexdigest()

    def sha256(self) -> str:
        """The hash in hex digits; about a second per GiB, once."""
        return self._sha256


def as_content(given: bytes | Content) -> Content:
    return Blob(given) if isinstance(given, bytes) else given


@functools.cache
def _block(seed: int) -> memoryview:
    return memoryview(random.Random(seed).randbytes(PERIOD))
