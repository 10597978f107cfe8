"""The one writer of a download: what is written when, and what is durable when.

Theory
    Bytes are written strictly in file order, in long aligned writes, and never twice. A write
    begins when enough has arrived to be worth the disk's while, when the oldest byte has waited for
    `flush_interval`, or when the rest of the file is there.

    Durable order: the bytes (fdatasync), then the checkpoint. So a checkpoint never speaks of bytes
    that a power cut could take away, and a crash between the two only means that they are fetched
    again. The sync is made beside the writes (`syncer`), and the checkpoint speaks of what was
    written when it began; `save` is called here.

    Downloads on one disk take turns (`turns`): while another has its own, this one waits and its
    ring fills. While the disk is shared, more has to have arrived before a turn is asked for.

    A full ring is written in several pieces: while one is on its way the line fills the room of
    the one before. Written in one go it would stop the line, and then the disk.

    The observer sees every byte once, in order, before it is written: what it refuses never reaches
    the disk.
"""

from collections.abc import Callable, Sequence

import msgspec

from engine.transfer.board import Board
from engine.transfer.disk import ALIGNMENT, PartFile
from engine.transfer.syncer import Syncer
from engine.transfer.turns import SHORTEST, Turn

SMALLEST_WRITE = 4 << 20
"""Bytes: below this a disk spends more time on the call than on the bytes (measured: 4 MiB direct
writes are at the plateau)."""

USUAL_WRITE = 8 << 20
"""Bytes that are worth a write, however large the ring is: what waits for more is memory that the
line could use. A disk that is slower than the line finds longer writes by itself."""

LONGEST_PIECE = 16 << 20
"""Bytes written in one call: their memory is free for the line only when all of it is written."""

CHECKPOINT_BYTES = 64 << 20
"""Bytes after which a checkpoint is due, `CHECKPOINT_SECONDS` after the last: a crash may cost what
came since and what is in the ring, though never more than `Request.ring` in all."""

CHECKPOINT_SECONDS = 2.0
"""Seconds between checkpoints at least, unless half of `Request.ring` was written since: on a hard
disk each costs a flush of its cache, and the record some more."""

SYNC_LOOK = 0.02
"""Seconds between two looks at a sync under way, when there is nothing else to do: its end may be
what makes room for the line."""

TURN_LOOK = 0.1
"""Seconds between two looks while the disk is another's."""

RATE_SECONDS = 2.0
"""Seconds of writing that the measured rate of the disk goes back."""


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


class Rate:
    """Bytes per second of what is measured, over the last one or two `RATE_SECONDS` of it."""

    def __init__(self) -> None:
        self._bytes = 0.0
        self._seconds = 0.0

    def __repr__(self) -> str:
        return f"<Rate {self.value:.0f}>"

    @property
    def value(self) -> float:
        """Bytes per second; 0 when nothing was measured."""
        return self._bytes / self._seconds if self._seconds > 0 else 0.0

    def add(self, count: int, seconds: float) -> None:
        """Count bytes and what they took; time that stood still says nothing."""
        if self._seconds > 2 * RATE_SECONDS:
            self._bytes, self._seconds = self._bytes / 2, self._seconds / 2
        if seconds > 0:
            self._bytes, self._seconds = self._bytes + count, self._seconds + seconds


class Writer:
    """Writes one download's bytes to its file. One thread, but for the figures."""

    def __init__(
        self,
        part: PartFile,
        board: Board,
        turn: Turn,
        *,
        start: int,
        batch: int,
        flush_interval: float,
        checkpoint_bytes: int,
        most_unsaved: int,
        save: Save,
        observe: Observe | None,
        clock: Callable[[], float],
    ) -> None:
        self._part = part
        self._board = board
        self._turn = turn
        self._syncer = Syncer(part.sync)
        self._batch = max(ALIGNMENT, batch // ALIGNMENT * ALIGNMENT)
        self._flush_interval = flush_interval
        self._checkpoint_bytes = checkpoint_bytes
        self._most_unsaved = most_unsaved
        self._save_record = save
        self._observe = observe
        self._clock = clock
        self.written = start
        self.durable = start
        self.queued = False
        """True while it waits for its turn: the disk is the limit, whatever the ring holds."""
        self._rate = Rate()
        self._syncing_to = start
        """Up to where syncs were asked for; the last one may be under way."""
        self._waiting_since: float | None = None
        self._synced_at = clock()

    def __repr__(self) -> str:
        return f"<Writer {self.written} written, {self.durable} durable>"

    @property
    def disk_rate(self) -> float:
        """Bytes per second that the disk takes while it is written to; 0 before the first write.

        Where the page cache takes the bytes, it is the disk's as soon as the cache makes us wait.
        """
        return self._rate.value

    def target(self, capacity: int) -> int:
        """Return how many bytes make a write worth while, for a ring of `capacity` bytes."""
        if self._turn.crowded and not self.queued:
            return min(self._batch, max(SMALLEST_WRITE, SHORTEST), capacity // 2)
        worth = max(SMALLEST_WRITE, min(USUAL_WRITE, capacity // 4))
        return min(self._batch, worth, capacity // 2)

    def wait(self, capacity: int, timeout: float) -> None:
        """Sleep until there may be something to do, or `timeout` seconds."""
        if self._syncer.busy:
            timeout = min(timeout, SYNC_LOOK)
        if self.queued:
            self._turn.wait(timeout)
        else:
            self._board.wait(self.target(capacity), timeout)

    def step(self, capacity: int) -> bool:
        """Write what is worth writing now; return whether anything was. Raises what went wrong."""
        self._save(self._syncer.take())
        now = self._clock()
        base, ready = self._board.ready()
        if ready == base:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        due = self._waiting_since is not None and now - self._waiting_since >= self._flush_interval
        target = self.target(capacity)
        end = plan(
            base=base,
            ready=ready,
            size=self._board.size,
            target=target,
            batch=min(self._batch, max(target, min(LONGEST_PIECE, capacity // 3))),
            due=due,
        )
        self._board.dry = end == base
        if end == base:
            self.queued = False
            self._turn.rest()
        else:
            end = self._write(base, end)
            if end > base:
                self._waiting_since = now if ready > end else None
        self._sync_if_due()
        return end > base

    def drain(self) -> None:
        """Write everything that is ready and save where we are: the download ends early."""
        while True:
            base, ready = self._board.ready()
            end = plan(
                base=base, ready=ready, size=self._board.size, target=0, batch=self._batch, due=True
            )
            if end == base:
                break
            if self._write(base, end, urgent=True) == base:
                self._turn.wait(TURN_LOOK)
        self._turn.leave()
        self.checkpoint()

    def checkpoint(self) -> None:
        """Make what is written durable, then say so. Waits for the sync under way, if any."""
        self._save(self._syncer.wait())
        if self.written == self.durable:
            return
        if self._board.size is not None:
            self._part.sync()
        self._save(self.written)

    def finish(self, size: int) -> None:
        """Give the file its size, all of which is written; make it durable, then say so."""
        self._turn.leave()
        self._save(self._syncer.wait())
        self._part.finish(size)
        if self.written > self.durable:
            self._save(self.written)

    def close(self) -> None:
        """End the thread that syncs; waits for the sync under way. Nothing is said of it."""
        self._syncer.close()

    def _write(self, start: int, end: int, *, urgent: bool = False) -> int:
        """Write from `start` up to `end`, or less if the turn ends; return up to where."""
        granted = self._turn.ask(end - start, urgent=urgent)
        self.queued = not granted
        if granted < end - start:
            end = start + granted // ALIGNMENT * ALIGNMENT
        if end == start:
            return start
        views = self._board.views(start, end)
        if self._observe is not None:
            self._observe(start, views)
        began = self._clock()
        self._part.write(start, views)
        seconds = self._clock() - began
        self._turn.wrote(end - start, seconds)
        self._rate.add(end - start, seconds)
        self.written = end
        self._board.advance(end)
        return end

    def _sync_if_due(self) -> None:
        """Begin to make what is written durable, when enough is, or long enough was not."""
        pending = self.written - self._syncing_to
        now = self._clock()
        if self._syncer.busy or not pending:
            return
        since = now - self._synced_at
        enough = pending >= self._checkpoint_bytes and since >= CHECKPOINT_SECONDS
        if not enough and since < self._flush_interval and pending < self._most_unsaved:
            return
        self._synced_at, self._syncing_to = now, self.written
        if self._board.size is None:
            self._save(self.written)
        else:
            self._syncer.begin(self.written)

    def _save(self, durable: int | None) -> None:
        """Say that bytes below `durable` survive a power cut; None: there is nothing to say."""
        if durable is None:
            return
        size, expected = self._board.size, self._board.expected
        if size is not None:  # else nobody can go on: a crash costs all of it
            self.durable = durable
            self._save_record(
                Checkpoint(
                    flushed=durable,
                    size=size,
                    etag=expected.etag,
                    last_modified=expected.last_modified,
                )
            )
        self._board.saved(durable)
