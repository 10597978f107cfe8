"""Check bytes against a torrent's piece hashes while they pass by, without reading them again.

Theory
    The pieces (SHA-1, v1) cut up one stream: all files of the torrent one after another, padding
    included as zeros. Bytes arrive in that order, so a single running hash is all the state there
    is; it runs on from one file into the next. A piece is settled with its last real byte: padding
    that follows is hashed at once.

Rules
    * Feed what comes next in the stream. Between pieces the checker may go anywhere; inside a piece
      it takes nothing but the next real byte.
    * To go on in the middle of a piece, feed first what `needs` lists: the piece's bytes before
      that point, which are on disk.
    * After PieceMismatch the checker is of no more use; make a new one.

One thread at a time; the views are hashed where they lie, and not kept.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from engine.metainfo import HASH_SIZE, MetaFile, Metainfo

_ZEROS = memoryview(bytes(64 * 1024))
"""Padding is hashed in runs of this: long enough for hashlib to release the GIL."""


class PieceMismatch(Exception):
    """A piece is not what the torrent says.

    `rewinds` holds (file index, offset) for each real file with bytes in the piece: nothing from
    `offset` on can be trusted in it, so its durable prefix must not be longer than that.
    """

    def __init__(self, piece: int, rewinds: tuple[tuple[int, int], ...]) -> None:
        super().__init__(f"piece {piece} is not what the torrent says")
        self.piece = piece
        self.rewinds = rewinds


class PieceChecker:
    """Hashes a torrent's files in order and compares each piece as it is complete."""

    def __init__(self, meta: Metainfo) -> None:
        self._meta = meta
        self._length = _end(meta.files[-1])
        self._sha = hashlib.sha1(usedforsecurity=False)
        self._piece: int | None = None  # the one that is being hashed; None between pieces
        self._position = 0  # the next byte of the stream; only means something inside a piece

    def __repr__(self) -> str:
        state = "between pieces" if self._piece is None else f"piece={self._piece}"
        return f"<PieceChecker {self._meta.infohash} {state} position={self._position}>"

    def needs(self, file_index: int, offset: int) -> list[tuple[int, int, int]]:
        """Return what must be fed before the bytes from `offset` of the file on: real bytes only.

        Each item is (file index, start, end), in the order to feed. If a piece is being hashed that
        ends before that point, the rest of it comes first. Empty when nothing is needed; a piece
        that has no bytes from that point on was settled when the last of them came by.
        """
        point = self._meta.files[file_index].offset + offset
        if self._piece is None:
            return self._piece_up_to(point)
        end = self._end_of(self._piece)
        if self._position <= point < end:
            return list(_real(self._meta, self._position, point))
        return [*_real(self._meta, self._position, end), *self._piece_up_to(point)]

    def rest(self) -> list[tuple[int, int, int]]:
        """Return what is still to be fed of the piece that is being hashed; empty between pieces.

        The items are those of `needs`.
        """
        if self._piece is None:
            return []
        return list(_real(self._meta, self._position, self._end_of(self._piece)))

    def feed(self, file_index: int, offset: int, views: Sequence[memoryview]) -> None:
        """Hash bytes of a file, the first of them at `offset`.

        Raises PieceMismatch when they complete a wrong piece, ValueError when they are not what
        comes next (a mistake of the caller).
        """
        size = sum(len(view) for view in views)
        if not size:
            return
        file = self._meta.files[file_index]
        if file.padding or not 0 <= offset <= file.size - size:
            raise ValueError(f"file {file_index} has no bytes {offset} to {offset + size} to check")
        self._go_to(file.offset + offset)
        for view in views:
            self._take(view)

    def _piece_up_to(self, point: int) -> list[tuple[int, int, int]]:
        """Return the bytes before `point` of the piece it lies in, if some follow it there."""
        piece = point // self._meta.piece_length
        if not any(_real(self._meta, point, self._end_of(piece))):
            return []
        return list(_real(self._meta, piece * self._meta.piece_length, point))

    def _go_to(self, point: int) -> None:
        """Make `point` the next byte, over nothing but padding."""
        if self._piece is None:
            self._begin(point // self._meta.piece_length)
        if point < self._position or any(_real(self._meta, self._position, point)):
            raise ValueError(f"byte {self._position} of the torrent comes next, not {point}")
        self._hash_zeros(point - self._position)

    def _begin(self, piece: int) -> None:
        self._sha = hashlib.sha1(usedforsecurity=False)
        self._piece = piece
        self._position = piece * self._meta.piece_length

    def _take(self, view: memoryview) -> None:
        """Hash bytes that stand at the position, piece by piece."""
        while view:
            piece = self._position // self._meta.piece_length
            if self._piece is None:
                self._begin(piece)
            part = view[: self._end_of(piece) - self._position]
            self._sha.update(part)
            self._position += len(part)
            view = view[len(part) :]
            self._settle(piece)

    def _settle(self, piece: int) -> None:
        """Compare the piece if none of its real bytes is still to come."""
        end = self._end_of(piece)
        if any(_real(self._meta, self._position, end)):
            return
        self._hash_zeros(end - self._position)
        self._piece = None
        at = piece * HASH_SIZE
        if self._sha.digest() != self._meta.pieces[at : at + HASH_SIZE]:
            begin = piece * self._meta.piece_length
            touched = _real(self._meta, begin, end)
            raise PieceMismatch(piece, tuple((index, start) for index, start, _ in touched))

    def _hash_zeros(self, count: int) -> None:
        """Hash the padding from the position on."""
        self._position += count
        while count:
            run = _ZEROS[:count]
            self._sha.update(run)
            count -= len(run)

    def _end_of(self, piece: int) -> int:
        """Return where a piece ends in the stream."""
        return min((piece + 1) * self._meta.piece_length, self._length)


def pieces_of(meta: Metainfo, file_index: int) -> range:
    """Return the pieces that hold bytes of a file; none for an empty one."""
    file = meta.files[file_index]
    if not file.size:
        return range(0)
    return range(file.offset // meta.piece_length, -(-_end(file) // meta.piece_length))


def _real(meta: Metainfo, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (file index, start, end) of the bytes, not padding, of a part of the stream."""
    if start >= end:
        return
    for index in range(bisect_right(meta.files, start, key=_end), len(meta.files)):
        file = meta.files[index]
        if file.offset >= end:
            return
        if file.size and not file.padding:
            yield index, max(start - file.offset, 0), min(end - file.offset, file.size)


def _end(file: MetaFile) -> int:
    """Return where a file ends in the stream."""
    return file.offset + file.size
