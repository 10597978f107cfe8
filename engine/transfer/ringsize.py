"""How large the ring is: it grows when growth pays and shrinks when nothing needs it. Pure.

Theory
    The ring is there so that the disk has something to write while the line pauses or while one
    slow connection holds up the head. It was too small when, and only when, it was full and the
    disk ran dry afterwards: whatever the connections could not store then is what the disk lacked.
    A ring that is full because the disk is slow never lets the disk run dry; a ring that is empty
    because the line is slow was never full. Neither grows.

    After `CALM` seconds without such a moment it gives a quarter back.
"""

START = 32 << 20
"""Bytes to begin with: on a steady link more adds memory and no speed."""

DRY = 0.05
"""Share of a period the disk has to stand dry, after a full ring, for growth to pay."""

PERIOD = 1.0
"""Seconds of one measurement."""

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
        self._dry_for = 0.0
        self._was_full = False
        self._needed_at = now

    def __repr__(self) -> str:
        return f"<RingSize {self.capacity} of {self.cap}>"

    def observe(self, now: float, *, full: bool, dry: bool) -> bool:
        """Take what the ring and the disk are doing; return True when `capacity` changed.

        `full`: connections wait for room. `dry`: the writer waits for bytes. Both hold since the
        last call.
        """
        elapsed, self._at = now - self._at, now
        self._was_full = self._was_full or full
        if dry and self._was_full:
            self._dry_for += elapsed
        if now - self._period_began < PERIOD:
            return False
        pays = self._dry_for >= DRY * (now - self._period_began)
        self._period_began, self._dry_for = now, 0.0
        self._was_full = full
        before = self.capacity
        if pays:
            self._needed_at = now
            self._set(self.capacity * 3 // 2, "the disk ran dry after the ring was full")
        elif now - self._needed_at >= CALM:
            self._needed_at = now
            self._set(self.capacity * 3 // 4, "no need for a while")
        return self.capacity != before

    def _set(self, capacity: int, reason: str) -> None:
        self.reason = reason
        whole = -(-capacity // self._block) * self._block
        self.capacity = min(self.cap, max(self._floor, whole))
