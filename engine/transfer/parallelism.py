"""How many connections one download uses: more only while more brings more. Pure.

Theory
    A line that is shared fairly is nine tenths full with three connections, so a download starts
    with few. At first they are multiplied as fast as answers come, as long as each step brings much
    more: that is the far server with a limit per connection, where every second counts. The first
    step that does not is taken back and looked at again with patience: they are doubled for a
    `PERIOD`, and stay so if the sum rises by `GAIN`.

    A number once settled is tried again from time to time, because what limits (the line, the
    host, the disk) changes during an hour's download: first with a quarter fewer, for connections
    are the host's scarce good and cost the processor, then with more.

    While the ring is full the disk is the limit, and more connections bring nothing: such a second
    says nothing about the line and is not counted.
"""

from enum import Enum

START = 2
"""Connections to begin with: one more than none idle while a request travels."""

ANSWERS = 4
"""How many times a first byte's wait the first measurements take."""

SHORTEST_PERIOD, PERIOD = 0.12, 1.0
"""Seconds of one measurement: at first, at least; and later: several round trips and slow
starts."""

LEAP, LEAP_GAIN = 4, 1.25
"""While starting, so many times as many are tried, and have to raise the sum by this factor."""

GAIN = 1.08
"""Later a trial has to raise the sum by this factor; less is noise."""

AS_MUCH = 0.97
"""Fewer connections are kept if they bring this part of what more brought."""

HOLD_FEWER, HOLD = 15.0, 60.0
"""Seconds to keep a number before trying fewer, and after a trial of more that brought nothing."""


class Trial(Enum):
    """What is being found out."""

    STARTING = "starting"
    NONE = "none"
    MORE = "more"
    FEWER = "fewer"


class Parallelism:
    """Decides the number of connections from measurements; one per download."""

    def __init__(self, cap: int, now: float) -> None:
        self.cap = cap
        self.target = min(START, cap)
        self.reason = "start"
        self._trial = Trial.STARTING
        self._fallback = 0
        """Where to go back to when the trial now running does not pay; 0 before the first."""
        self._best = 0.0
        self._since = now
        self._counted = 0
        self._fewer_at = self._more_at = now

    def __repr__(self) -> str:
        return f"<Parallelism {self.target} of {self.cap} ({self.reason})>"

    @property
    def prospect(self) -> int:
        """How many connections there may be in a moment: ranges should be short enough for them."""
        return min(self.cap, self.target * LEAP) if self._trial is Trial.STARTING else self.target

    def limit(self, cap: int) -> None:
        """Lower the cap, because the link or the host says so."""
        self.cap = max(1, min(self.cap, cap))
        if self.target > self.cap:
            self._settle(self.cap, "host's limit", self._since)

    def begin_anew(self, now: float, received: int) -> None:
        """Something else was changed that moves the sum: what was measured so far says nothing."""
        self._since, self._counted = now, received

    def observe(self, now: float, received: int, *, disk_bound: bool, latency: float) -> bool:
        """Take the total of bytes received; return True when `target` changed.

        `latency`: seconds that a first byte usually takes.
        """
        if not received:
            self._since = now  # nothing can be learned before the first byte
        elapsed = now - self._since
        if elapsed < self._period(latency):
            return False
        rate = (received - self._counted) / elapsed
        self._since, self._counted = now, received
        before = self.target
        if disk_bound:
            if self._trial is not Trial.NONE:
                self._settle(self._fallback or self.target, "disk is the limit", now)
        else:
            self._judge(rate, now)
        return self.target != before

    def _period(self, latency: float) -> float:
        if self._trial is not Trial.STARTING:
            return PERIOD
        return min(PERIOD, max(SHORTEST_PERIOD, ANSWERS * latency))

    def _judge(self, rate: float, now: float) -> None:
        """Look back on a measurement during which the line was the limit."""
        match self._trial:
            case Trial.STARTING if rate >= self._best * LEAP_GAIN:
                self._best = rate
                self._try(self.prospect, "more brought more", now)
            case Trial.STARTING:
                self.target, self.reason = self._fallback, "many more brought little more"
                self._trial = Trial.NONE
                self._more_at = now
                self._fewer_at = now + HOLD_FEWER
            case Trial.MORE if rate >= self._best * GAIN:
                self._best = rate
                self._try(min(self.cap, self.target * 2), "more brought more", now)
            case Trial.MORE:
                self._settle(self._fallback, "more brought nothing", now)
            case Trial.FEWER if rate >= self._best * AS_MUCH:
                self._settle(self.target, "fewer brought as much", now)
            case Trial.FEWER:
                self._settle(self._fallback, "fewer brought less", now)
                self._fewer_at = now + HOLD
            case Trial.NONE:
                self._best = rate
                self._try_something(now)

    def _try_something(self, now: float) -> None:
        """Begin a trial if it is time for one."""
        if now >= self._more_at and self.target < self.cap:
            self._trial = Trial.MORE
            self._try(min(self.cap, self.target * 2), "trying more", now)
        elif now >= self._fewer_at and self.target > START:
            self._trial = Trial.FEWER
            self._try(max(START, self.target * 3 // 4), "trying fewer", now)

    def _try(self, target: int, reason: str, now: float) -> None:
        if target == self.target:
            self._settle(target, "the most that are allowed", now)
            return
        self._fallback, self.target, self.reason = self.target, target, reason

    def _settle(self, target: int, reason: str, now: float) -> None:
        self.target, self.reason = min(target, self.cap), reason
        self._trial, self._fallback = Trial.NONE, 0
        self._fewer_at = now + HOLD_FEWER
        self._more_at = now + HOLD
