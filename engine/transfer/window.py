"""Which byte is fetched by whom, and how far the writer may go. Pure: no clock, lock or socket.

Theory
    A download is the half-open range `[base, size)`. `base` moves forward only: all below it is
    written. Every byte at or above `base` is in exactly one of three places:

        gap       nobody fetches it yet
        lease     one connection fetches it; `lease.cursor` says how far it got
        arrived   fetched, in the ring, waiting for the writer

    Arrived bytes need no list. A lease that ends disappears and what it fetched is, by
    subtraction, arrived. So the first byte that is missing is the smallest of the first gap's start
    and the leases' cursors, and everything below it may be written: that is `ready()`.

Rules
    No byte is stored at or beyond `limit()`: one farther than `base + capacity` has no place in the
    ring, and one farther than `durable + reach` would make a crash cost more than `reach` bytes.
    A holder asks `room()` before each block, and waits. Room goes by position, not by who comes
    first: the head's is always there, so whoever waits for room waits for the head. A holder that
    waits while nobody fetches the head must let go and fetch that: `is_behind_a_gap()`.

    Leases are handed out in file order, and end on block borders. They begin below the limit, or at
    most `ahead` bytes beyond it: what is asked for now comes only when its first byte has travelled
    here, and by then the writer has moved on. Since the first gap always comes first, the head of
    the file is never starved by what lies behind it.

What breaks if you edit
    `cursor` is advanced by the lease's holder without a lock, one int store at a time; everything
    else is called under the download's lock. A holder must have filled the memory before it moves
    the cursor, because the writer trusts it at once.
"""

import bisect

import msgspec

UNBOUNDED = 1 << 62
"""Bytes: farther than any file."""


class Lease:
    """A range that one connection fetches, in order. `[cursor, end)` is still missing."""

    __slots__ = ("asked_at", "began_at", "cursor", "end", "start", "waiting_since")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.cursor = start
        self.waiting_since: float | None = None
        """Since when its holder waits for the server; None while it waits for us."""
        self.asked_at: float | None = None
        """When its holder asked the server for it."""
        self.began_at: float | None = None
        """When the answer came, put off by as long as its holder has waited for us since."""

    def put_off(self, seconds: float) -> None:
        """Its holder has waited for us: that is not the server's time."""
        if self.began_at is not None:
            self.began_at += seconds

    def __repr__(self) -> str:
        return f"<Lease {self.start}..{self.end} at {self.cursor}>"


class Gap(msgspec.Struct):
    """A range nobody fetches."""

    start: int
    end: int


class Window:
    """The ranges of one download; see the module's theory."""

    def __init__(
        self, *, start: int, size: int, capacity: int, block: int, reach: int | None = None
    ) -> None:
        if not 0 <= start <= size:
            raise ValueError(f"cannot start at byte {start} of {size}")
        if capacity < block:
            raise ValueError(f"capacity {capacity} does not hold one block of {block} bytes")
        self.base = start
        self.size = size
        self.capacity = capacity
        """Bytes the ring may hold; may be changed at any time."""
        self.block = block
        self.durable = start
        """Everything below it survives a crash; at most `base`."""
        self._reach = UNBOUNDED if reach is None else reach
        self._gaps = [Gap(start, size)] if start < size else []
        self._leases: list[Lease] = []

    def __repr__(self) -> str:
        return (
            f"<Window {self.base}..{self.size}, ready to {self.ready()}, limit {self.limit()}, "
            f"{len(self._leases)} leases, {len(self._gaps)} gaps>"
        )

    def lease(self, length: int | None, ahead: int = 0) -> Lease | None:
        """Hand out the first missing bytes; None when they are too far away.

        About `length` bytes, or with None all up to the next that somebody else fetches; `ahead`
        is how many bytes beyond the limit they may begin.
        """
        if not self._gaps or self._gaps[0].start >= self.limit() + ahead:
            return None
        gap = self._gaps[0]
        end = gap.end
        if length is not None:
            border = (gap.start + length) // self.block * self.block
            end = min(end, max(border, self._next_border(gap.start)))
        lease = Lease(gap.start, end)
        gap.start = end
        if gap.start == gap.end:
            del self._gaps[0]
        self._leases.append(lease)
        return lease

    def give_back(self, lease: Lease) -> None:
        """End a lease, finished or not; what is missing of it becomes a gap again."""
        self._leases.remove(lease)
        if lease.cursor < lease.end:
            self._add_gap(Gap(lease.cursor, lease.end))

    def take_rest(self, lease: Lease) -> None:
        """Extend the only lease to the end of the file. Raises ValueError if there are others."""
        if self._leases != [lease]:
            raise ValueError("only a single lease can take the rest")
        lease.end = self.size
        self._gaps = []

    def shorten(self, size: int) -> None:
        """Set the size of a file whose end has just been found by reading up to it."""
        self.size = size
        self._gaps = [Gap(gap.start, min(gap.end, size)) for gap in self._gaps if gap.start < size]
        for lease in self._leases:
            lease.end = min(lease.end, size)

    def ready(self) -> int:
        """Return the first byte that has not arrived: all from `base` to it may be written."""
        missing = self._gaps[0].start if self._gaps else self.size
        return min([missing, *(lease.cursor for lease in self._leases if lease.cursor < lease.end)])

    def advance(self, base: int) -> None:
        """Record that everything below `base` is written."""
        if not self.base <= base <= self.ready():
            raise ValueError(f"cannot advance from {self.base} to {base}, ready is {self.ready()}")
        self.base = base

    def limit(self) -> int:
        """Return the first byte that may not be stored now: the ring or the reach ends there."""
        ring = self.base // self.block * self.block + self.capacity
        return min(self.size, ring, self.durable + self._reach)

    def room(self, lease: Lease) -> int:
        """Return how far the lease's holder may fill: a block border, its end, or its cursor."""
        return max(lease.cursor, min(self._next_border(lease.cursor), lease.end, self.limit()))

    def is_behind_a_gap(self, lease: Lease) -> bool:
        """Tell whether nobody fetches the bytes that the lease's holder waits for."""
        return bool(self._gaps) and self._gaps[0].start < lease.cursor

    def head(self) -> Lease | None:
        """Return the lease that holds up the writer, if the first missing byte is leased."""
        missing = self.ready()
        return next((each for each in self._leases if each.cursor == missing < each.end), None)

    @property
    def missing(self) -> int:
        """Bytes from the first that nobody fetches yet to the end of the file."""
        return self.size - self._gaps[0].start if self._gaps else 0

    @property
    def leases(self) -> tuple[Lease, ...]:
        """The leases now held, in no order."""
        return tuple(self._leases)

    @property
    def exhausted(self) -> bool:
        """True when no byte is left to lease, now or later, unless a lease is given back."""
        return not self._gaps

    @property
    def done(self) -> bool:
        """True when every byte is written."""
        return self.base == self.size

    def _next_border(self, offset: int) -> int:
        return (offset // self.block + 1) * self.block

    def _add_gap(self, gap: Gap) -> None:
        """Insert a gap in order, joined with its neighbours, so that gaps stay few and long."""
        index = bisect.bisect_left(self._gaps, gap.start, key=lambda each: each.start)
        self._gaps.insert(index, gap)
        if index + 1 < len(self._gaps) and gap.end == self._gaps[index + 1].start:
            gap.end = self._gaps.pop(index + 1).end
        if index > 0 and self._gaps[index - 1].end == gap.start:
            self._gaps[index - 1].end = gap.end
            del self._gaps[index]
