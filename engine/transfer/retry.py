"""When to try again, and when to give up. Pure: time and randomness are passed in.

Theory
    A download has one purse of patience for all its connections. Failures spend it, progress fills
    it again: a line that loses a connection a minute for ten hours is no reason to give up, ten
    tries in a row that bring no byte are.

    Before anything was ever received, `FIRST_TRIES` failures are enough: a wrong name or a refused
    port should be told to the user at once. Afterwards the purse is a time.
"""

import random
from collections.abc import Callable

from engine.transfer.errors import (
    ConnectionTrouble,
    LinkExpired,
    ServerBusy,
    ServerTrouble,
    TransferError,
)

FIRST_TRIES = 4
"""Failures before the first good answer; with the delays below they take about two seconds."""

FIRST_DELAY = 0.5
"""Seconds at most before the second try; doubled for each one after. The first has none."""

LONGEST_DELAY = 10.0
"""Seconds at most between two tries."""

PASSING = (ConnectionTrouble, ServerTrouble, ServerBusy, LinkExpired)
"""What another try may mend."""


class Patience:
    """Decides what follows a failure; one per download. Called under the download's lock."""

    def __init__(
        self, seconds: float, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.seconds = seconds
        """Seconds without a byte after which trouble is passed on."""
        self._draw = draw
        self._failures = 0
        self._since = 0.0
        self._answered = False

    def __repr__(self) -> str:
        return f"<Patience {self._failures} failures of {self.seconds} s>"

    def progressed(self) -> None:
        """Bytes of the file arrived: all is forgiven."""
        self._answered = True
        self._failures = 0

    def failed(self, problem: TransferError, now: float) -> float | None:
        """Return the seconds to wait before the next try, None to give up."""
        if not isinstance(problem, PASSING):
            return None
        if not self._failures:
            self._since = now
        self._failures += 1
        told = problem.retry_after or 0.0
        spent = now - self._since + told
        if self._answered:
            over = self._failures > FIRST_TRIES and spent > self.seconds
        else:
            tried = self._failures >= FIRST_TRIES
            over = told > self.seconds or (tried and (not told or spent > self.seconds))
        if over:
            return None
        return self._delay()

    def _delay(self) -> float:
        """Full jitter: connections that failed together do not come back together."""
        if self._failures == 1:
            return 0.0
        return self._draw(0.0, min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (self._failures - 2)))
