"""How many requests may go to AllDebrid: pure, the clock is passed in.

Theory
    AllDebrid takes 12 requests a second and 600 a minute. Other programs on the same key or
    address count too, so we take part of it. Sliding windows, not buckets: a bucket of 8 refilled
    at 8 a second lets 16 through in one second, and that is what gets refused.

Guarantees
    In any half-open second at most PER_SECOND requests start, in any half-open minute at most
    PER_MINUTE. While held (`refused`) none starts. Requests that were under way together and are
    refused together count as one refusal.
"""

from collections import deque
from collections.abc import Callable

from engine.http import backoff

PER_SECOND = 8
PER_MINUTE = 300

SECOND = 1.0
MINUTE = 60.0


class RateBudget:
    """The one budget that all requests of a key share. One event loop."""

    def __init__(self, per_second: int = PER_SECOND, per_minute: int = PER_MINUTE) -> None:
        self._per_second = per_second
        self._per_minute = per_minute
        self._starts: deque[float] = deque(maxlen=max(per_second, per_minute))
        self._held_until = float("-inf")
        self._held_at = float("-inf")
        self._refusals = 0

    def __repr__(self) -> str:
        return f"<RateBudget started={len(self._starts)} refusals={self._refusals}>"

    def delay(self, now: float) -> float:
        """Return the seconds until a request may start; 0.0 for now."""
        free_at = self._held_until
        for count, window in ((self._per_second, SECOND), (self._per_minute, MINUTE)):
            if len(self._starts) >= count:
                free_at = max(free_at, self._starts[-count] + window)
        return max(0.0, free_at - now)

    def start(self, now: float) -> None:
        """Count a request that starts now; `delay(now)` was 0."""
        self._starts.append(now)

    def refused(
        self, started: float, now: float, asked: float | None, random: Callable[[], float]
    ) -> float:
        """Hold all requests after a 429 or 503 and return the seconds of the hold.

        `started` is when the refused request began, `asked` the server's Retry-After in seconds.
        """
        if started >= self._held_at:
            self._held_at = now
            # Never 0: a refusal without Retry-After must cost something.
            pause = backoff.SHORTEST / 2 + backoff.delay(self._refusals, random)
            self._refusals += 1
            self._held_until = max(self._held_until, now + pause)
        if asked is not None:
            self._held_until = max(self._held_until, now + asked)
        return self._held_until - now

    def accepted(self) -> None:
        """Note that a request was answered: the next refusal starts from the shortest wait."""
        self._refusals = 0
