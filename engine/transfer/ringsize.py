"""How large the ring is: it grows when growth pays and shrinks when nothing needs it. Pure.

Theory
    The ring is there so that the disk has something to write while the line pauses or while one
    late range holds up the head. It was too small in three cases, and only in these:

        late    the disk stands dry while connections wait for room: one of them holds up the head,
                and what the others could have fetched meanwhile is lost
        far     the disk stands dry and connections wait for first bytes much of their time: the
                ranges are too short for the distance, because the ring has no room for longer ones.
                Where `EFFORT` times what comes during one wait is under way, no more than one part
                in `EFFORT` is lost to waiting
        burst   every connection waited for room, and soon after the disk ran dry: what it could
                have written meanwhile is what the ring should have held

    A ring that is full because the disk is slow never lets the disk run dry; a ring that is empty
    because the line is slow was never full. Neither grows. Late and far ranges cost nothing where
    the line is full all the same, so growth for their sake is a trial: it is taken back if the sum
    does not rise, and the next one has to wait twice as long.

    What was not needed for `CALM` seconds is given back. Where the disk ran dry now and then, the
    highest fill was needed; where it never did, only what the fill moved by.
"""

import msgspec

START = 24 << 20
"""Bytes to begin with: on a steady link more adds memory and no speed."""

LOSS = 0.2
"""Share of a period that has to be lost for growth to pay."""

TOO_FAR = 0.1
"""Share of a period that may be lost to waiting for first bytes: a little more than what `EFFORT`
aims at."""

PERIOD = 0.2
"""Seconds of one measurement."""

EFFORT = 12
"""One part in so many may be lost to waiting for first bytes."""

PAYS = 1.15
"""By what factor the sum must rise for growth to be kept; less is noise."""

TRIAL = 2.5 * PERIOD
"""Seconds that growth has to show what it brings."""

FADING = 0.98
"""What is left of the best rate after each period: a line may become slower."""

FIRST_HOLD, LONGEST_HOLD = 2.0, 60.0
"""Seconds before the next trial after one that brought nothing, doubled each time."""

FULL = 0.8
"""Share of the ring that is in use when it is full: blocks wait to be filled or written."""

AFTER = 3.0
"""Seconds after a full ring in which a dry disk is its fault."""

BUSY = 1.0
"""Seconds of writing after which the disk's speed is believed: several of its longest writes."""

CALM = 20.0
"""Seconds without need after which memory is given back."""

SPARE = 1.25
"""How much more than was needed is kept."""


class Sight(msgspec.Struct, frozen=True):
    """What ring, line and disk have been doing since the last look."""

    starved: float
    """Share of connections, 0 to 1, that wait for room."""
    waiting: float
    """Share of connections, 0 to 1, that wait for the first byte of an answer."""
    dry: bool
    """The writer waits for bytes."""
    used: int
    """Bytes in the ring."""
    received: int
    """Bytes received so far by this download."""
    written: int
    """Bytes written so far by this download."""
    latency: float
    """Seconds that a first byte usually takes."""


class Trial(msgspec.Struct, frozen=True):
    """Growth that has to prove itself."""

    before: int
    """Capacity to go back to, in bytes."""
    rate: float
    """Bytes per second that came before."""
    until: float


class RingSize:
    """Decides the ring's capacity in bytes; one per download."""

    def __init__(self, cap: int, block: int, now: float) -> None:
        self.cap = cap // block * block
        self.capacity = min(self.cap, START // block * block)
        self.reason = "start"
        self._floor = self.capacity
        self._block = block
        self._at = now
        self._full_at = float("-inf")
        self._drain = 0.0
        """Bytes per second that the disk took when it was last kept busy."""
        self._busy, self._drained = 0.0, 0
        """Seconds that the disk has written since that was measured, and the bytes before."""
        self._began = now
        self._received = 0
        self._late = self._far = self._burst = 0.0
        self._best = 0.0
        """Bytes per second that came in the best period lately."""
        self._trial: Trial | None = None
        self._hold = FIRST_HOLD
        self._no_trial_before = now
        self._dried_since = False
        self._calm_since = now
        self._highest, self._lowest = 0, self.cap

    def __repr__(self) -> str:
        return f"<RingSize {self.capacity} of {self.cap}>"

    def observe(self, now: float, sight: Sight) -> bool:
        """Take what has been seen since the last call; return True when `capacity` changed."""
        elapsed, self._at = now - self._at, now
        if sight.starved >= 1 and sight.used >= FULL * self.capacity:
            self._full_at = now
        self._highest = max(self._highest, sight.used)
        self._lowest = min(self._lowest, sight.used)
        self._measure(elapsed, sight)
        if sight.dry:
            self._dried_since = True
            self._late += elapsed * sight.starved
            self._far += elapsed * sight.waiting
            self._burst += elapsed * (now - self._full_at < AFTER)
        if now - self._began < PERIOD:
            return False
        before = self.capacity
        self._judge(now, sight)
        self._began, self._received = now, sight.received
        self._late = self._far = self._burst = 0.0
        return self.capacity != before

    def _measure(self, elapsed: float, sight: Sight) -> None:
        """Learn what the disk takes while it has something to write: it does so in long steps."""
        if not sight.dry:
            self._busy += elapsed
        if self._busy >= BUSY and sight.written > self._drained:
            self._drain = (sight.written - self._drained) / self._busy
            self._busy, self._drained = 0.0, sight.written

    def _judge(self, now: float, sight: Sight) -> None:
        """Look back on a period."""
        period = now - self._began
        rate = (sight.received - self._received) / period
        self._best = max(rate, self._best * FADING)
        if self._trial is not None and not self._passed(self._trial, rate, now):
            return
        missing = self._burst * self._drain if self._burst >= LOSS * period else 0
        if missing:
            self._grow(self.capacity + int(missing), "the disk ran dry after a burst", now)
        elif now >= self._no_trial_before and self._trial is None:
            self._try_more(period, rate, sight.latency, now)
        if now - self._calm_since >= CALM:
            self._give_back(now)

    def _passed(self, trial: Trial, rate: float, now: float) -> bool:
        """Tell whether a trial is over and has paid; take back one that has not."""
        if rate >= trial.rate * PAYS:
            self._trial, self._hold = None, FIRST_HOLD
            return True
        if now >= trial.until:
            self._set(trial.before, "more room brought nothing")
            self._trial = None
            self._no_trial_before = now + self._hold
            self._hold = min(LONGEST_HOLD, self._hold * 2)
        return False

    def _try_more(self, period: float, rate: float, latency: float, now: float) -> None:
        """Grow for late or far ranges, if there were any."""
        before, wishes = self.capacity, []
        if self._late >= LOSS * period:
            wishes.append((before * 3 // 2, "connections wait for a late range"))
        if self._far >= TOO_FAR * period:
            free = max(0.1, 1 - (self._far + self._late) / period)
            under_way = int(rate / free * latency * EFFORT)
            wishes.append((min(under_way, 4 * before), "the server is far"))
        for capacity, reason in sorted(wishes)[-1:]:
            self._grow(capacity, reason, now)
        if self.capacity > before:
            self._trial = Trial(before, self._best, now + TRIAL)

    def _grow(self, capacity: int, reason: str, now: float) -> None:
        if capacity > self.capacity:
            self._set(capacity, reason)
            self._calm_again(now)

    def _give_back(self, now: float) -> None:
        """Keep what was needed since the last time."""
        needed = self._highest if self._dried_since else self._highest - self._lowest
        kept = int(needed * SPARE)
        if kept <= self.capacity * 4 // 5:
            self._set(kept, "no need for a while")
        self._calm_again(now)

    def _calm_again(self, now: float) -> None:
        self._calm_since, self._dried_since = now, False
        self._highest, self._lowest = 0, self.cap

    def _set(self, capacity: int, reason: str) -> None:
        self.reason = reason
        whole = -(-capacity // self._block) * self._block
        self.capacity = min(self.cap, max(self._floor, whole))
