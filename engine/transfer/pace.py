"""A speed limit in bytes per second, exact over time and changeable while running."""

import threading
import time
from collections.abc import Callable

BURST = 0.1
"""Seconds' worth of bytes that may pass at once after a pause: enough to ride over the scheduler's
jitter, too little to be seen in a second's average."""


class Pace:
    """Tells each reader how long to wait after what it just read. Any thread.

    Debts are booked on one clock line (`_free_at`): the sum over all readers is exact, whoever
    reads how much.
    """

    def __init__(self, rate: float = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = rate
        self._free_at = 0.0

    def __repr__(self) -> str:
        return f"<Pace {self._rate or 'unlimited'}>"

    @property
    def rate(self) -> float:
        """Bytes per second; 0 means no limit."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        with self._lock:
            self._rate = rate
            self._free_at = self._clock()

    def charge(self, count: int) -> float:
        """Book `count` bytes; return the seconds to wait before reading on."""
        if not self._rate:  # the hot path takes no lock
            return 0.0
        with self._lock:
            if not self._rate:
                return 0.0
            now = self._clock()
            self._free_at = max(self._free_at, now - BURST) + count / self._rate
            return max(0.0, self._free_at - now)
