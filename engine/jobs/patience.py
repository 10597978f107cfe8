"""How long to wait before trying again, and when to give up.

Pure but for the clock's readings, which are passed in as monotonic seconds.
"""

FIRST_DELAY = 30.0
"""Seconds before the first new try: longer than the engine's own, which came before."""

LONGEST_DELAY = 300.0
"""Seconds: a line that is back is found within five minutes."""

LONGEST_TOLD = 3600.0
"""Seconds: the most we believe of a Retry-After."""

NETWORK_PATIENCE = 6 * 3600.0
"""Seconds without a single byte after which trouble is a failure: longer than a night's works at
the provider, shorter than Sonarr's user takes to look."""


class Patience:
    """The tries since something last went well."""

    def __init__(self) -> None:
        self._tries = 0
        self._since: float | None = None

    def __repr__(self) -> str:
        return f"<Patience {self._tries} tries since {self._since}>"

    @property
    def tries(self) -> int:
        """How often it went wrong since."""
        return self._tries

    def progress(self) -> None:
        """Something went well: begin anew."""
        self._tries = 0
        self._since = None

    def next_delay(self, now: float, told: float | None = None) -> float | None:
        """Return the seconds to wait before the next try, or None when it is time to give up.

        `told` is what the other side asked for.
        """
        if self._since is None:
            self._since = now
        if now - self._since >= NETWORK_PATIENCE:
            return None
        delay = min(FIRST_DELAY * 2.0 ** min(self._tries, 10), LONGEST_DELAY)
        self._tries += 1
        return max(delay, min(told or 0.0, LONGEST_TOLD))
