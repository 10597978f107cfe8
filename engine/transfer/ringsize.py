"""How large the ring is: it grows when growth pays and shrinks when nothing needs it. Pure.

Theory
    The ring is there so that the disk has something to write while the line pauses or while one
    slow connection holds up the head. It was too small in two cases, and only in these:

    - the disk stands dry while connections wait for room: one of them holds up the head, and what
      the others could have fetched meanwhile is lost. What is lost is the share of connections
      that wait: the line is theirs together, and one that waits may only leave more to the rest.
    - every connection waited for room, and soon after the disk ran dry: the line came in a burst,
      and what it would have brought then is what the disk lacks now.

    A ring that is full because the disk is slow never lets the disk run dry; a ring that is empty
    because the line is slow was never full. Neither grows. After `CALM` seconds without need it
    gives a quarter back.
"""

START = 24 << 20
"""Bytes to begin with: on a steady link more adds memory and no speed."""

LOSS = 0.2
"""Share of a period that has to be lost for growth to pay."""

PERIOD = 1.0
"""Seconds of one measurement."""

AFTER = 3.0
"""Seconds after a full ring in which a dry disk is its fault."""

CALM = 30.0
"""Seconds without need after which memory is given back."""


class RingSize:
    """Decides the ring's capacity in bytes; one per download."""

    def __init__(self, cap: int, block: int, now: float) -> None:
        self.cap = cap // block * block
        self.capacity = min(self.cap, START // block * block)
        self.reason = "start"
        self._floor = self.capacity
        self._block = block
        self._at = now
        self._period_began = now
        self._lost = 0.0
        self._full_at = float("-inf")
        self._needed_at = now

    def __repr__(self) -> str:
        return f"<RingSize {self.capacity} of {self.cap}>"

    def observe(self, now: float, *, starved: float, dry: bool) -> bool:
        """Take what ring and disk are doing; return True when `capacity` changed.

        `starved`: the share of connections, 0 to 1, that wait for room. `dry`: the writer waits for
        bytes. Both hold since the last call.
        """
        elapsed, self._at = now - self._at, now
        if starved >= 1:
            self._full_at = now
        if dry:
            self._lost += elapsed * (1.0 if now - self._full_at < AFTER else starved)
        if now - self._period_began < PERIOD:
            return False
        pays = self._lost >= LOSS * (now - self._period_began)
        self._period_began, self._lost = now, 0.0
        before = self.capacity
        if pays:
            self._needed_at = now
            self._set(self.capacity * 3 // 2, "the disk ran dry for want of room")
        elif now - self._needed_at >= CALM:
            self._needed_at = now
            self._set(self.capacity * 3 // 4, "no need for a while")
        return self.capacity != before

    def _set(self, capacity: int, reason: str) -> None:
        self.reason = reason
        whole = -(-capacity // self._block) * self._block
        self.capacity = min(self.cap, max(self._floor, whole))
