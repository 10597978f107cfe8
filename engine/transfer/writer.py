"""The one writer of a download: what is written when, and what is durable when.

Theory
    Bytes are written strictly in file order, in long aligned writes, and never twice. A write
    begins when enough has arrived to be worth the disk's while, when the oldest byte has waited for
    `flush_interval`, or when the rest of the file is there.

    Durable order: the bytes (fdatasync), then the checkpoint. So a checkpoint never speaks of bytes
    that a power cut could take away, and a crash between the two only means that they are fetched
    again.

    The observer sees every byte once, in order, before it is written: what it refuses never reaches
    the disk.
"""

from collections.abc import Callable, Sequence

import msgspec

from engine.transfer.board import Board
from engine.transfer.disk import ALIGNMENT, PartFile

SMALLEST_WRITE = 4 << 20
"""Bytes: below this a disk spends more time on the call than on the bytes (measured: 4 MiB direct
writes are at the plateau)."""

CHECKPOINT_BYTES = 64 << 20
"""Bytes after which a checkpoint is due: a crash may cost these and what is in the ring, though
never more than `Request.ring` in all."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A durable prefix, and what the bytes in it came from."""

    flushed: int
    """Bytes from the start of the file that survive a power cut."""
    size: int
    etag: str = ""
    last_modified: str = ""


Save = Callable[[Checkpoint], None]
Observe = Callable[[int, Sequence[memoryview]], None]


def plan(*, base: int, ready: int, size: int | None, target: int, batch: int, due: bool) -> int:
    """Return up to where to write now; `base` when it is better to wait.

    `target` is what is worth a write, `batch` the most to write at once, `due` says that the
    oldest byte has waited long enough. All ends but the file's own are aligned.
    """
    end = min(ready, base + batch)
    if end == size:
        return end
    end = end // ALIGNMENT * ALIGNMENT
    if end <= base or (end - base < target and not due):
        return base
    return end


class Writer:
    """Writes one download's bytes to its file. One thread."""

    def __init__(
        self,
        part: PartFile,
        board: Board,
        *,
        start: int,
        batch: int,
        flush_interval: float,
        checkpoint_bytes: int,
        save: Save,
        observe: Observe | None,
        clock: Callable[[], float],
    ) -> None:
        self._part = part
        self._board = board
        self._batch = max(ALIGNMENT, batch // ALIGNMENT * ALIGNMENT)
        self._flush_interval = flush_interval
        self._checkpoint_bytes = checkpoint_bytes
        self._save = save
        self._observe = observe
        self._clock = clock
        self.written = start
        self.durable = start
        self.dry = False
        """True while it waits for bytes: less has arrived than is worth a write."""
        self._waiting_since: float | None = None
        self._synced_at = clock()

    def __repr__(self) -> str:
        return f"<Writer {self.written} written, {self.durable} durable>"

    def target(self, capacity: int) -> int:
        """Return how many bytes make a write worth while, for a ring of `capacity` bytes."""
        return min(self._batch, max(SMALLEST_WRITE, capacity // 4), capacity // 2)

    def step(self, capacity: int) -> bool:
        """Write what is worth writing now; return whether anything was. Raises what went wrong."""
        now = self._clock()
        base, ready = self._board.ready()
        if ready == base:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        due = self._waiting_since is not None and now - self._waiting_since >= self._flush_interval
        end = plan(
            base=base,
            ready=ready,
            size=self._board.size,
            target=self.target(capacity),
            batch=self._batch,
            due=due,
        )
        self.dry = end == base
        if not self.dry:
            self._write(base, end)
            self._waiting_since = now if ready > end else None
        self._checkpoint_if_due()
        return not self.dry

    def drain(self) -> None:
        """Write everything that is ready and save where we are: the download ends early."""
        while True:
            base, ready = self._board.ready()
            end = plan(
                base=base, ready=ready, size=self._board.size, target=0, batch=self._batch, due=True
            )
            if end == base:
                break
            self._write(base, end)
        self.checkpoint()

    def checkpoint(self) -> None:
        """Make what is written durable, then say so."""
        size = self._board.size
        self._synced_at = self._clock()
        if self.written == self.durable:
            return
        if size is None:  # nobody can go on in a file of unknown size: a crash costs all of it
            self._board.saved(self.written)
            return
        self._part.sync()
        self.durable = self.written
        expected = self._board.expected
        self._save(
            Checkpoint(
                flushed=self.durable,
                size=size,
                etag=expected.etag,
                last_modified=expected.last_modified,
            )
        )
        self._board.saved(self.durable)

    def _write(self, start: int, end: int) -> None:
        views = self._board.views(start, end)
        if self._observe is not None:
            self._observe(start, views)
        self._part.write(start, views)
        self.written = end
        self._board.advance(end)

    def _checkpoint_if_due(self) -> None:
        pending = self.written - self.durable
        if pending >= self._checkpoint_bytes or (
            pending and self._clock() - self._synced_at >= self._flush_interval
        ):
            self.checkpoint()
