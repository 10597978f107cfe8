"""Which connection is stuck and should be replaced. Pure: told what is, says what to give up.

Theory
    A connection that brings nothing holds its lease. If that lease is the head of the file, the
    whole download waits for it as soon as the ring is full, so the head is given up after seconds
    where others are left alone for longer. A head that is merely slow is given up as well, once it
    is all the writer waits for while the ring is full.

    A replacement may meet the same slow server. Each one that did not help doubles the patience
    for the next, and quiet time halves it again: a server that takes five seconds for every first
    byte is learned, not fought.
"""

from engine.transfer.window import Lease

HEAD = 2.0
"""Seconds without a byte at the head of the file: several round trips and a lost packet's resends,
short against the ten seconds a server may take to notice the same."""

OTHERS = 10.0
"""Seconds without a byte elsewhere."""

SLOW_HEAD = 1.0
"""Seconds that a full ring may wait for its head, while bytes come in one by one."""

QUIET = 30.0
"""Seconds without a replacement after which patience is halved."""

LONGEST = 5
"""Doublings at most: 2 s become about a minute."""


class Stalls:
    """Watches the leases of one download."""

    def __init__(self) -> None:
        self._doublings = 0
        self._replaced_at = 0.0
        self._head: Lease | None = None
        self._held_since: float | None = None

    def __repr__(self) -> str:
        return f"<Stalls patience x{2**self._doublings}>"

    def find(
        self,
        leases: tuple[Lease, ...],
        head: Lease | None,
        *,
        now: float,
        full: bool,
        dry: bool,
    ) -> list[Lease]:
        """Return the leases whose connections should be given up.

        `full`: others wait for room. `dry`: the writer waits for bytes.
        """
        factor = 2.0**self._doublings
        stuck = [lease for lease in leases if _waits(lease, now) > factor * _allowed(lease, head)]
        if self._head_is_slow(head, now, held=full and dry and len(leases) > 1, factor=factor):
            stuck += [head] if head is not None and head not in stuck else []
        if stuck:
            self._doublings = min(LONGEST, self._doublings + 1)
            self._replaced_at = now
            self._held_since = None
        elif self._doublings and now - self._replaced_at > QUIET:
            self._doublings -= 1
            self._replaced_at = now
        return stuck

    def _head_is_slow(self, head: Lease | None, now: float, *, held: bool, factor: float) -> bool:
        if not held or head is None or head is not self._head or head.waiting_since is None:
            self._head, self._held_since = head, None
            return False
        if self._held_since is None:
            self._held_since = now
        return now - self._held_since > factor * SLOW_HEAD


def _waits(lease: Lease, now: float) -> float:
    """Return for how long a lease's holder has waited for the server."""
    since = lease.waiting_since
    return 0.0 if since is None else now - since


def _allowed(lease: Lease, head: Lease | None) -> float:
    return HEAD if lease is head else OTHERS
