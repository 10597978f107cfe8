"""What answers and speeds are usual for one download, so that the unusual can be told. Pure.

Theory
    The wait for the first byte is estimated as TCP estimates round trips (RFC 6298): a smoothed
    mean and a smoothed deviation, the limit four deviations above the mean, and at least twice the
    mean: one answer too many costs a new connection. A wait that is given
    up doubles the limit until an answer comes: a server that has become slower for everybody is
    learned, not fought.

    The speed of a connection is the smoothed one of the leases that were fetched lately, those
    that were given up included, or a line that has become slower would never be believed.
"""

FIRST_LIMIT = 1.0
"""Seconds before anything is known (RFC 6298, 2.1)."""

SHORTEST_LIMIT = 0.025
"""Seconds: below this a busy processor looks like a slow server."""

LONGEST_LIMIT = 10.0
"""Seconds: longer than any server takes that still answers."""

DOUBLINGS = 9
"""Doublings of the limit at most: they lead from the shortest to the longest."""


class Latency:
    """One download's estimates. Called under the board's lock."""

    def __init__(self) -> None:
        self.typical = 0.0
        """Seconds from a request to the first byte of its answer; 0 while unknown."""
        self.shortest = 0.0
        """Seconds of the quickest answer: the distance, without what anybody was busy with."""
        self.speed = 0.0
        """Bytes per second of one connection while it receives; 0 while unknown."""
        self._deviation = 0.0
        self._doublings = 0

    def __repr__(self) -> str:
        return f"<Latency {self.typical * 1e3:.1f} ms, {self.speed / 1e6:.1f} MB/s a connection>"

    @property
    def limit(self) -> float:
        """Seconds that an answer may take before another request is worth while."""
        spread = max(self.typical, 4 * self._deviation)
        usual = self.typical + spread if self.typical else FIRST_LIMIT
        return min(LONGEST_LIMIT, max(SHORTEST_LIMIT, usual) * (1 << self._doublings))

    def answered(self, seconds: float) -> None:
        """An answer's first byte came after `seconds`."""
        self._doublings = 0
        self.shortest = min(self.shortest or seconds, seconds)
        if not self.typical:
            self.typical, self._deviation = seconds, seconds / 2
            return
        self._deviation += (abs(seconds - self.typical) - self._deviation) / 4
        self.typical += (seconds - self.typical) / 8

    def gave_up(self) -> None:
        """An answer was not waited for any longer."""
        self._doublings = min(DOUBLINGS, self._doublings + 1)

    def fetched(self, count: int, seconds: float) -> None:
        """`count` bytes of one lease came within `seconds` of the first."""
        if count and seconds > 0:
            speed = count / seconds
            self.speed += (speed - self.speed) / 8 if self.speed else speed
