"""What the connections and the writer of one download share, behind one lock.

Theory
    Fetchers take leases from the window, fill the ring and move their cursors; the writer writes
    what is ready and moves the base. Both sides sleep on conditions of the same lock: `_room` wakes
    fetchers (bytes were written, a range came back, the number of connections changed), `_work`
    wakes the writer (enough arrived, something went wrong).

Rules
    No callback happens under the lock, and no system call but the giving back of memory after the
    ring has shrunk, now and then; it is held for microseconds, once per block and per lease.
    `Lease.cursor`, `asked_at` and `waiting_since` are moved by their holder without it. Nothing
    here reads a clock but through the one given.

    Until the first good answer only one fetcher is let through: it finds out the size, whether the
    server knows ranges and which validators hold, and one request is what an expired link deserves.
"""

import logging
import threading
from collections.abc import Callable

import msgspec

from engine.transfer.errors import FileChanged, ServerTrouble, Stopped, TransferError
from engine.transfer.latency import Latency
from engine.transfer.ranges import Body, Expected
from engine.transfer.retry import Patience
from engine.transfer.ring import BLOCK, Ring
from engine.transfer.stalls import Stalls
from engine.transfer.window import UNBOUNDED, Lease, Window

UNKNOWN_SIZE = UNBOUNDED
"""Stands for the size of a file whose end nobody has told us yet."""

LONGEST_LEASE = 32 << 20
"""Bytes: longer ones save no waiting worth having, at any distance."""

AHEAD = 0.5
"""How far beyond the window a range may begin, in rings: its first byte has to travel here, and by
then the writer has moved on."""

logger = logging.getLogger("engine.transfer.board")


class Counts(msgspec.Struct):
    """Running numbers of one download."""

    retries: int = 0
    connections: int = 0
    connections_peak: int = 0


class Board:
    """The shared state of one download; see the module's theory. Any thread."""

    def __init__(
        self,
        *,
        start: int,
        expected: Expected,
        ring: Ring,
        capacity: int,
        reach: int,
        cap: int,
        patience: Patience,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._work = threading.Condition(self._lock)
        size = UNKNOWN_SIZE if expected.size is None else expected.size
        self._window = Window(start=start, size=size, capacity=capacity, block=BLOCK, reach=reach)
        self._ring = ring
        ring.trim(capacity)
        self._patience = patience
        self._alone = cap == 1
        """True when there will never be a second connection: one request fetches the rest."""
        self._wanted = BLOCK
        self._starved = 0
        self._called_back = False
        """True while one that waited for room lets go, to fetch what nobody does."""
        self.expected = expected
        self.answered = False
        """True after the first good answer."""
        self.unranged = False
        """True when the server knows no ranges: one connection, from the first byte."""
        self.target = 1
        """Connections that may hold leases."""
        self.prospect = 1
        """Connections that there may be in a moment."""
        self.cap = cap
        """Connections that link and host allow; lowered only."""
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        """Set when every thread of the download should end."""
        self.counts = Counts()
        self.dry = False
        """True while the writer waits for bytes: less has arrived than is worth a write."""
        self.latency = Latency()
        """How long answers take and how fast they come; changed under the lock."""

    def __repr__(self) -> str:
        return f"<Board {self._window!r} {self._ring!r} target={self.target}>"

    # For fetchers.

    def take(self, number: int) -> Lease | None:
        """Return a lease for fetcher `number`; waits for one. None when its work is over."""
        with self._lock:
            while not self.stopping.is_set() and number < self.target:
                if self.answered or not self._window.leases:
                    lease = self._window.lease(self._length(), self._ahead())
                    if lease is not None:
                        self._called_back = False
                        return lease
                    if self._all_arrived():
                        return None
                hungry = not self._window.exhausted
                self._starved += hungry
                self._room.wait()
                self._starved -= hungry
            self._called_back = False
            self._room.notify_all()
            return None

    def rest(self, seconds: float) -> None:
        """Wait before the next try, unless the download ends before."""
        until = self._clock() + seconds
        with self._lock:
            while not self.stopping.is_set() and not self._all_arrived():
                left = until - self._clock()
                if left <= 0:
                    return
                self._room.wait(left)

    def give_back(self, lease: Lease) -> None:
        """End a lease, finished or not."""
        with self._lock:
            if lease.began_at is not None and lease.waiting_since is None:
                self.latency.fetched(lease.cursor - lease.start, self._clock() - lease.began_at)
            lease.waiting_since = None
            self._window.give_back(lease)
            self._room.notify_all()
            self._work.notify_all()

    def heard(self, lease: Lease) -> None:
        """The answer for a lease has come."""
        now = self._clock()
        with self._lock:
            if lease.asked_at is not None:
                self.latency.answered(now - lease.asked_at)
            lease.began_at = now

    def accept(self, body: Body, lease: Lease) -> None:
        """Take a checked answer; the first one decides what the file is."""
        with self._lock:
            if body.ranged:
                self.unranged = False
            if self.answered and body.ranged:
                return
            if self.answered and not self.unranged:
                raise ServerTrouble("the server sent the whole file after it had sent parts")
            if body.size is not None and body.size < max(lease.cursor, self._window.base):
                raise FileChanged(f"the file has become shorter: {body.size} bytes")
            if body.size is not None and self.expected.size is None:
                self._window.shorten(body.size)
            self.expected = msgspec.structs.replace(
                self.expected,
                size=body.size,
                etag=body.etag or self.expected.etag,
                last_modified=body.last_modified or self.expected.last_modified,
            )
            if not body.ranged:
                self.unranged = True
                self.target = 1
                self._window.take_rest(lease)
            self.answered = True
            self._patience.progressed()
            self._room.notify_all()
            self._work.notify_all()
        if not body.ranged:
            logger.info("connections=1 reason=server-knows-no-ranges")

    def no_ranges(self) -> None:
        """The server ignored a range: from now on one connection reads from the first byte."""
        with self._lock:
            self.unranged = True
            self.target = 1

    def claim(self, lease: Lease) -> memoryview | None:
        """Return the memory for the lease's next bytes, up to a block's end; waits for room.

        None when the lease is finished, has to be let go, or the download ends.
        """
        with self._lock:
            if lease.cursor > lease.start:
                self._patience.progressed()
            self._announce()
            while not self.stopping.is_set() and lease.cursor < lease.end:
                end = self._window.room(lease)
                if end > lease.cursor:
                    return self._ring.view(lease.cursor, end)
                if self._window.is_behind_a_gap(lease) and not self._called_back:
                    self._called_back = True  # one is enough to fetch what all wait for
                    return None
                lease.waiting_since, since = None, self._clock()
                self._starved += 1
                self._room.wait()
                self._starved -= 1
                lease.put_off(self._clock() - since)
            return None

    def found_end(self, size: int) -> None:
        """A body without a length ended: that is the file's size."""
        with self._lock:
            self._window.shorten(size)
            self.expected = msgspec.structs.replace(self.expected, size=size)
            self._work.notify_all()

    def stumbled(self, problem: TransferError, lease: Lease) -> float:
        """A connection failed; return the seconds until the next try, or end the download."""
        with self._lock:
            if lease.cursor > lease.start:
                self._patience.progressed()
            self.counts.retries += 1
            delay = self._patience.failed(problem, self._clock())
        if delay is None:
            self.fail(problem)
            return 0.0
        return delay

    def lower_cap(self, cap: int) -> None:
        """The link or the host allows no more than `cap` connections."""
        with self._lock:
            self.cap = max(1, min(self.cap, cap))

    def fail(self, problem: BaseException) -> None:
        """End the download; the first problem is the one that is told."""
        with self._lock:
            if self.failure is None:
                self.failure = problem
            self._end()

    def stop(self) -> None:
        """End the download without blame."""
        with self._lock:
            self._end()

    def joined(self, change: int) -> None:
        """Count a connection that was opened (+1) or closed (-1)."""
        with self._lock:
            self.counts.connections += change
            peak = max(self.counts.connections_peak, self.counts.connections)
            self.counts.connections_peak = peak

    # For the writer.

    def wait(self, wanted: int, timeout: float) -> None:
        """Sleep until `wanted` bytes or all are ready, or something is wrong; or `timeout`."""
        with self._lock:
            self._wanted = wanted
            if not self._is_due():
                self._work.wait(timeout)

    def ready(self) -> tuple[int, int]:
        """Return the base and how far all bytes have arrived."""
        with self._lock:
            return self._window.base, self._window.ready()

    def views(self, start: int, end: int) -> list[memoryview]:
        """Return the memory of bytes that are ready."""
        with self._lock:
            return self._ring.views(start, end)

    def advance(self, base: int) -> None:
        """Bytes below `base` are written: free their memory."""
        with self._lock:
            self._window.advance(base)
            self._ring.release(base)
            self._room.notify_all()

    def saved(self, durable: int) -> None:
        """Bytes below `durable` survive a crash."""
        with self._lock:
            self._window.durable = durable
            self._room.notify_all()

    def resize(self, *, target: int | None = None, capacity: int | None = None) -> None:
        """Change the number of connections or the ring's capacity."""
        with self._lock:
            if target is not None and not self.unranged:
                self.target = target
            if capacity is not None:
                self._window.capacity = capacity
                self._ring.trim(capacity)
            self._room.notify_all()

    def stuck(self, stalls: Stalls, *, now: float, heard_at: float) -> list[tuple[Lease, str]]:
        """Return the leases whose connections should be given up, and why."""
        with self._lock:
            head = self._window.head() if self.answered else None
            leases = self._window.leases
            return stalls.find(leases, head, self.latency, now=now, heard_at=heard_at)

    @property
    def waiting(self) -> float:
        """The share of connections, 0 to 1, that wait for an answer's first byte."""
        with self._lock:
            asked = [each for each in self._window.leases if each.asked_at is not None]
            waiting = sum(each.began_at is None for each in asked)
            return min(1.0, waiting / self.target)

    @property
    def used(self) -> int:
        """Bytes of the ring in use."""
        return self._ring.used

    @property
    def starved(self) -> float:
        """The share of connections, 0 to 1, that wait for room in the ring."""
        with self._lock:
            return min(1.0, self._starved / self.target)

    @property
    def fetched(self) -> bool:
        """True when every byte has arrived: there is no work left for connections."""
        with self._lock:
            return self._all_arrived()

    @property
    def done(self) -> bool:
        """True when every byte is written."""
        with self._lock:
            return self._window.done and self.expected.size is not None

    @property
    def size(self) -> int | None:
        """Bytes of the file, None while nobody knows."""
        return self.expected.size

    def raise_failure(self) -> None:
        """Raise what ended the download, if something did."""
        if self.failure is not None:
            raise self.failure
        if self.stopping.is_set():
            raise Stopped("stopped")

    def _end(self) -> None:
        self.stopping.set()
        self._room.notify_all()
        self._work.notify_all()

    def _all_arrived(self) -> bool:
        return self._window.exhausted and not self._window.leases

    def _length(self) -> int | None:
        """How long the next lease should be: the window's fair share, and less near the end.

        The ranges of all connections should end together with the file.
        """
        if self.unranged or (self.answered and self._alone):
            return None
        if not self.answered:
            return BLOCK
        share = self._window.capacity // max(self.target, self.prospect)
        tail = self._window.missing // (2 * self.target)
        least = max(BLOCK, int(self.latency.typical * self.latency.speed))
        return min(LONGEST_LEASE, max(least, min(share, tail)) + BLOCK // 2)

    def _ahead(self) -> int:
        return int(self._window.capacity * AHEAD)

    def _is_due(self) -> bool:
        ready = self._window.ready()
        return (
            ready - self._window.base >= self._wanted
            or (ready == self._window.size > self._window.base)
            or self.stopping.is_set()
        )

    def _announce(self) -> None:
        if self._is_due():
            self._work.notify()
