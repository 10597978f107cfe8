"""Piece hashing beside a download: what has to be read back for it, and when.

Theory
    While files come one after the other in torrent order, one running hash sees all bytes pass and
    checks every piece before its bytes are written. Where they do not, a piece at the border of
    two files needs bytes that passed before: those are read back from the disk, before a file for
    its first piece and after it for its last.

    A piece that reaches into a file which is not here cannot be verified: the file may come later,
    and then the piece is, or it may not be wanted at all. Such a piece is passed over. Files in
    their final place are not read either: they are somebody else's by then, and may be gone or
    changed for good reason.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.jobs.fetch import in_thread
from engine.jobs.ledger import Entry
from engine.jobs.pieces import PieceChecker
from engine.metainfo import Metainfo
from engine.store.records import FileRecord
from engine.transfer.disk import read_range

Observer = Callable[[int, Sequence[memoryview]], None]
"""Takes the offset in the file of the first byte, and the bytes."""

Part = tuple[int, int, int]
"""File index, start, end."""


class Verifier:
    """Checks the pieces of one torrent while its files are fetched into `folder`.

    The checker itself is used by one thread at a time: ours while no download runs, the writer's
    while one does.
    """

    def __init__(self, folder: Path, entry: Entry, meta: Metainfo) -> None:
        self._folder = folder
        self._entry = entry
        self._meta = meta
        self._checker = PieceChecker(meta)

    def __repr__(self) -> str:
        return f"<Verifier {self._checker!r}>"

    def begin_anew(self) -> None:
        """Forget what was hashed: it was interrupted, or wrong."""
        self._checker = PieceChecker(self._meta)

    async def before(self, file: FileRecord) -> Observer:
        """Read back what comes before the rest of a file in its piece; return what hashes the rest.

        Raises PieceMismatch, DiskTrouble.
        """
        for checker in (self._checker, PieceChecker(self._meta)):
            parts = checker.needs(file.index, file.flushed)
            if all(map(self._is_here, parts)):
                self._checker = checker
                await self._read_back(parts)
                return lambda offset, views: checker.feed(file.index, offset, views)
        self.begin_anew()
        return self._from(self._next_piece(file), file)

    async def after(self) -> None:
        """Read back what follows the file just fetched in its last piece, if that is here.

        Raises PieceMismatch, DiskTrouble.
        """
        parts = self._checker.rest()
        if all(map(self._is_here, parts)):
            await self._read_back(parts)

    def _is_here(self, part: Part) -> bool:
        index, _, end = part
        file = self._entry.file(index)
        return not file.published and file.flushed >= end

    def _next_piece(self, file: FileRecord) -> int:
        """Return where in the file the first piece begins that has none of what is on disk."""
        offset = self._meta.files[file.index].offset
        at = offset + file.flushed
        return at + -at % self._meta.piece_length - offset

    def _from(self, start: int, file: FileRecord) -> Observer:
        """Return what hashes a file's bytes from `start` on, and passes over those before."""
        checker = self._checker

        def observe(offset: int, views: Sequence[memoryview]) -> None:
            checker.feed(file.index, max(offset, start), list(_without(start - offset, views)))

        return observe

    async def _read_back(self, parts: Sequence[Part]) -> None:
        if parts:
            await in_thread(self._feed_from_disk, parts)

    def _feed_from_disk(self, parts: Sequence[Part]) -> None:
        for index, start, end in parts:
            at = start
            for view in read_range(self._folder / self._entry.file(index).path, start, end):
                self._checker.feed(index, at, [view])
                at += len(view)


def _without(count: int, views: Sequence[memoryview]) -> Iterator[memoryview]:
    """Yield the bytes of `views` but for the first `count`."""
    for view in views:
        if count < len(view):
            yield view[max(count, 0) :]
        count -= len(view)
