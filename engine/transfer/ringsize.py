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
                have written meanwhile is what the ring should have held, for no longer than the
                ring was full before, when the line would have brought it

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

SHORTEST_TRIAL, LONGEST_TRIAL, RINGS = 0.5, 5.0, 2.5
"""Seconds that growth has to show what it brings, and how many rings must pass at least: ranges
have to become longer first, and the first long ones hold up those behind them. The first half of a
trial is not looked at."""

NEWEST = 0.3
"""Weight of the newest period in the usual rate."""

FIRST_HOLD, LONGEST_HOLD = 2.0, 60.0
"""Seconds before the next trial after one that brought nothing, doubled each time."""

FULL = 0.8
"""Share of the ring that is in use when it is full: blocks wait to be filled or written."""

AFTER = 3.0
"""Seconds after a full ring in which a dry disk is its fault."""

BUSY = 1.0
"""Seconds of writing after which the disk's speed is believed: several of its longest writes."""

CALM = 15.0
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
    """Seconds that the quickest first byte takes: the distance, not what answers queue for."""


class Trial(msgspec.Struct, frozen=True):
    """Growth that has to prove itself."""

    before: int
    """Capacity to go back to, in bytes."""
    rate: float
    """Bytes per second that came before."""
    judged_from: float
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
        self._full_for = 0.0
        """Seconds of full rings that a dry disk has not been counted against yet."""
        self._came = 0
        self._drain = 0.0
        """Bytes per second that the disk took when it was last kept busy."""
        self._busy, self._drained = 0.0, 0
        """Seconds that the disk has written since that was measured, and the bytes before."""
        self._began = now
        self._received = 0
        self._late = self._far = self._burst = 0.0
        self._usual = 0.0
        """Bytes per second that came lately."""
        self._trial: Trial | None = None
        self._received_at_half = 0
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
            self._full_for += elapsed
        elif not sight.dry and sight.received > self._came:  # the line goes on, as if nothing was
            self._full_for = max(0.0, self._full_for - elapsed / 2)
        self._came = sight.received
        self._highest = max(self._highest, sight.used)
        self._lowest = min(self._lowest, sight.used)
        self._measure(elapsed, sight)
        if sight.dry:
            self._dried_since = True
            self._late += elapsed * sight.starved
            self._far += elapsed * sight.waiting
            emptied = sight.used < self.capacity // 2
            self._burst += elapsed * (emptied and now - self._full_at < AFTER)
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
        lost = min(self._burst, self._full_for)
        if lost >= LOSS * period:
            self._trial = None
            self._full_for -= lost
            missing = int(lost * self._drain)
            self._grow(self.capacity + missing, "the disk ran dry after a burst", now)
        elif self._trial is None:
            self._usual += NEWEST * (rate - self._usual) if self._usual else rate
            if now >= self._no_trial_before:
                self._try_more(period, rate, sight.latency, now)
        else:
            self._go_on(self._trial, period, rate, sight, now)
        if now - self._calm_since >= CALM:
            self._give_back(now)

    def _go_on(self, trial: Trial, period: float, rate: float, sight: Sight, now: float) -> None:
        """Go on with a trial, or further; at its end take back what has not paid."""
        if now < trial.judged_from:
            self._received_at_half = sight.received
            if rate >= trial.rate * PAYS:
                self._try_more(period, rate, sight.latency, now)
        elif now >= trial.until:
            came = (sight.received - self._received_at_half) / (now - trial.judged_from)
            if came >= trial.rate * PAYS:
                self._usual, self._hold = came, FIRST_HOLD
            else:
                self._set(trial.before, "more room brought nothing")
                self._no_trial_before = now + self._hold
                self._hold = min(LONGEST_HOLD, self._hold * 2)
            self._trial = None

    def _try_more(self, period: float, rate: float, latency: float, now: float) -> None:
        """Grow for late or far ranges, if there were any."""
        before = self.capacity
        free = max(0.1, 1 - (self._far + self._late) / period)
        distance = min(int(rate / free * latency * EFFORT), 4 * before)
        if self._late >= LOSS * period:
            # One step for late ranges, then look; for distance as many as it takes.
            longer = distance if self._trial is not None else max(before * 3 // 2, distance)
            self._grow(longer, "connections wait for a late range", now)
        elif self._far >= TOO_FAR * period:
            self._grow(distance, "the server is far", now)
        if self.capacity > before:
            self._begin_trial(before, rate, now)

    def _begin_trial(self, before: int, rate: float, now: float) -> None:
        """Give the ring that has just grown time to prove itself, beside what was before it all."""
        seconds = max(SHORTEST_TRIAL, RINGS * self.capacity / max(rate, 1.0))
        seconds = min(seconds, LONGEST_TRIAL)
        first = self._trial or Trial(before, self._usual, 0, 0)
        self._trial = Trial(first.before, first.rate, now + seconds / 2, now + seconds)

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
