"""A speed limit in bytes per second, exact over time and changeable while running.

Theory
    A `Pace` is a clock line: every byte that was read is booked on it as the time that it is worth
    at the limit, and `_free_at` is where that line ends. A reader waits until what it has booked
    itself is paid for, then reads again. So readers come round in the order of their bookings,
    none is passed over, and the sum of all is exact whoever reads how much.

    What may deviate is what was read and is not paid for yet: at most one read per reader. So
    nobody reads more at once than its share of `AHEAD` seconds' worth. A read that was begun at
    one limit is paid for at that one, however long it takes: no change of the limit makes a debt
    that lasts longer than `AHEAD`.

    Readers come late: a thread wakes late, a server thinks. What was not used in the last `BURST`
    seconds may be made up for, older time is lost.

Guarantees
    Over any ten seconds without a change of the limit, readers that always find bytes get between
    0.98 and 1.02 of it, as long as it is at least ten bytes a second for each reader: less than a
    byte cannot be read. A limit of 0 costs no lock.
"""

import threading
import time
import weakref
from collections.abc import Callable

BURST = 0.1
"""Seconds' worth of bytes that may pass at once after a pause: enough to ride over the scheduler's
jitter and a request's round trip, and with AHEAD below 2 % of ten seconds."""

AHEAD = 0.06
"""Seconds' worth of bytes that all readers together may have read and not paid for. 16 readers then
wake about 270 times a second in all, whatever the limit is."""

LONGEST_NAP = 0.1
"""Seconds a reader sleeps at most before it asks again: a change of the limit is felt by then."""


class Pace:
    """A limit that several readers share; each has its own `Throttle`. Any thread."""

    def __init__(self, rate: float = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = rate
        self._free_at = clock()
        self._readers: weakref.WeakSet[Throttle] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"<Pace {self._rate or 'unlimited'}>"

    @property
    def rate(self) -> float:
        """Bytes per second; 0 means no limit. A change holds at once, also for who waits."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        with self._lock:
            now = self._clock()
            ahead = max(self._free_at - now, -BURST)
            if not (rate and self._rate):
                ahead = 0.0
            elif ahead > 0:
                ahead *= min(1.0, self._rate / rate)  # a debt of bytes gets no longer, only shorter
            self._free_at = now + ahead
            self._rate = rate

    def join(self, reader: "Throttle") -> None:
        """Share the limit with one reader more, as long as somebody holds it."""
        self._readers.add(reader)

    def share(self, rate: float) -> int:
        """Return the most bytes for one read at this rate, at least 1."""
        return max(1, int(rate * AHEAD / max(1, len(self._readers))))

    def due(self) -> float:
        """Return when all that was read so far is paid for; in the past when it is."""
        return self._free_at

    def book(self, seconds: float) -> float:
        """Book what was read as the time it is worth; return when it is paid for."""
        with self._lock:
            self._free_at = max(self._free_at, self._clock() - BURST) + seconds
            return self._free_at


class Throttle:
    """One reader under several limits: how much it may read next, and how long it has to wait.

    For each read: `grant`, while that is 0 wait for `nap` seconds, then read, then `spend`. One
    thread at a time. A read that fails is not spent; whoever stops asking owes nothing.
    """

    def __init__(self, paces: tuple[Pace, ...], clock: Callable[[], float]) -> None:
        self._paces = paces
        self._clock = clock
        self._rates: tuple[float, ...] = ()  # as they were at the last grant; () for no limit
        self._due: float | None = None  # None: to be asked for, because other limits hold now
        self.nap = 0.0
        """Seconds to wait before asking again, after a `grant` of 0."""
        for pace in paces:
            pace.join(self)

    def __repr__(self) -> str:
        return f"<Throttle {self._paces!r}>"

    def grant(self, wanted: int) -> int:
        """Return how many bytes to read next, from 1 to `wanted`; 0 while it is not its turn."""
        for pace in self._paces:
            if pace.rate:
                return self._grant(wanted)
        self._rates = ()
        return wanted

    def spend(self, count: int) -> None:
        """Book what was read, at the limits that held when it was granted."""
        if self._rates:
            for pace, rate in zip(self._paces, self._rates, strict=True):
                if rate:
                    self._due = max(self._due or 0.0, pace.book(count / rate))

    def _grant(self, wanted: int) -> int:
        rates = tuple([pace.rate for pace in self._paces])
        if rates != self._rates:
            self._rates, self._due = rates, None
        limits = [(pace, rate) for pace, rate in zip(self._paces, rates, strict=True) if rate]
        if self._due is None:  # who comes new, or anew, waits for what the others have read
            self._due = max((pace.due() for pace, _ in limits), default=0.0)
        self.nap = min(LONGEST_NAP, self._due - self._clock())
        if self.nap > 0:
            return 0
        return min([wanted, *(pace.share(rate) for pace, rate in limits)])
