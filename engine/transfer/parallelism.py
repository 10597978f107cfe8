"""How many connections one download uses: more only while more brings more. Pure.

Theory
    A line that is shared fairly is nine tenths full with three connections, so a download starts
    with few. They are doubled as long as each doubling raises the sum of all of them; the first
    doubling that does not pay is taken back and that number is kept for `HOLD` seconds, then tried
    again, because what limits (the line, the host, the disk) changes during an hour's download.

    While the ring is full the disk is the limit, and more connections bring nothing: such a second
    says nothing about the line and is not counted.
"""

START = 2
"""Connections to begin with: one more than none idle while a request travels."""

PERIOD = 1.0
"""Seconds of one measurement: several round trips and slow starts."""

GAIN = 1.08
"""A doubling has to raise the sum by this factor; less is noise."""

HOLD = 60.0
"""Seconds to keep a number that a doubling did not improve."""


class Parallelism:
    """Decides the number of connections from measurements; one per download."""

    def __init__(self, cap: int, now: float) -> None:
        self.cap = cap
        self.target = min(START, cap)
        self.reason = "start"
        self._fallback = 0
        """Where to go back to when the trial now running does not pay; 0 when none runs."""
        self._best = 0.0
        self._since = now
        self._counted = 0
        self._held_until = 0.0

    def __repr__(self) -> str:
        return f"<Parallelism {self.target} of {self.cap} ({self.reason})>"

    def limit(self, cap: int) -> None:
        """Lower the cap, because the link or the host says so."""
        self.cap = max(1, min(self.cap, cap))
        if self.target > self.cap:
            self._settle(self.cap, "host's limit", self._since)

    def observe(self, now: float, received: int, *, disk_bound: bool) -> bool:
        """Take the total of bytes received; return True when `target` changed."""
        elapsed = now - self._since
        if elapsed < PERIOD:
            return False
        rate = (received - self._counted) / elapsed
        self._since, self._counted = now, received
        before = self.target
        if disk_bound:
            if self._fallback:
                self._settle(self._fallback, "disk is the limit", now)
        elif self._fallback:
            self._judge(rate, now)
        elif now >= self._held_until:
            self._best = rate
            self._try_more()
        return self.target != before

    def _judge(self, rate: float, now: float) -> None:
        if rate >= self._best * GAIN:
            self._best, self._fallback = rate, 0
            self.reason = "more brought more"
            self._try_more()
        else:
            self._settle(self._fallback, "more brought nothing", now)

    def _try_more(self) -> None:
        more = min(self.cap, self.target * 2)
        if more > self.target:
            self._fallback, self.target = self.target, more
            self.reason = "trying more"

    def _settle(self, target: int, reason: str, now: float) -> None:
        self.target, self.reason = target, reason
        self._fallback = 0
        self._held_until = now + HOLD
