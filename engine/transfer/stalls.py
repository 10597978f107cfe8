"""Which connection should be given up, so that another fetches its range. Pure: told what is.

Theory
    With an ordered file one late range holds up everything behind it, so it is worth a new request
    as soon as that is likely to be faster. There are three ways to be late:

        unanswered  no first byte after longer than this server's answers take (`latency`)
        silent      bytes came, and then none for `HEAD` seconds at the head of the file, where
                    everybody waits, or for `OTHERS` elsewhere
        slow        bytes come, but a new request would bring the rest several times sooner

    While no connection at all hears anything, it is the line that pauses: new requests would not
    help, and only `ALL` seconds of that are taken for a stall. A pause that has ended is taken off
    everybody's time. It takes a witness: where all others wait for room, and so for this one, their
    silence says nothing of the line.

    A range that is given up goes back to the first that is free, usually the same thread with a new
    connection; nothing that has arrived is lost. Whatever was given up in vain raises the bar:
    unanswered requests through `Latency.gave_up`, slow ones through the speed that is taken for
    usual. So a server that is slow for everybody is learned, not fought.
"""

from engine.transfer.latency import Latency
from engine.transfer.window import Lease

HEAD = 1.0
"""Seconds without a byte at the head of the file, while others receive: several round trips and a
lost packet's resends."""

OTHERS = 10.0
"""Seconds without a byte elsewhere."""

ALL = 4.0
"""Seconds without a byte on any connection: longer than a line's hiccup, shorter than a
server takes to notice that it has lost us."""

PAUSE = 0.1
"""Seconds without a byte on any connection after which, if answers don't usually take as long, it
is the line that pauses."""

SLOWER = 3.0
"""How many times sooner a new request must bring the rest."""

SEEN = 0.05
"""Seconds after which a lease's speed is believed."""

QUIET = 10.0
"""Seconds after which one more slow connection may be given up as readily as the first."""


class Stalls:
    """Watches the leases of one download."""

    def __init__(self) -> None:
        self._slower = SLOWER
        self._slow_at = 0.0
        self._heard_at = float("inf")
        self._resumed_at = 0.0

    def __repr__(self) -> str:
        return f"<Stalls slower={self._slower}>"

    def find(
        self,
        leases: tuple[Lease, ...],
        head: Lease | None,
        latency: Latency,
        *,
        now: float,
        heard_at: float,
    ) -> list[tuple[Lease, str]]:
        """Return the leases whose connections should be given up, and why.

        `heard_at`: when a byte last came, on whatever connection.
        """
        self._put_off(leases, latency, heard_at)
        found = []
        for lease in leases:
            alone = latency.typical > 0 and not _witnesses(leases, lease, latency, now)
            late = self._unanswered(lease, latency, now, alone=alone) or self._silent(
                lease, head, now, alone=alone
            )
            if late:
                latency.gave_up()
            elif heard_at == now:  # else the line may be about to pause
                late = self._slow(lease, latency, now)
            if late:
                found.append((lease, late))
        return found

    def _slow(self, lease: Lease, latency: Latency, now: float) -> str:
        """Tell whether a new request would bring the rest of the lease much sooner."""
        if lease.began_at is None or lease.waiting_since is None or not latency.speed:
            return ""
        seen = now - lease.began_at
        if seen < max(SEEN, latency.limit):
            return ""
        left, speed = lease.end - lease.cursor, (lease.cursor - lease.start) / seen
        anew = latency.limit + left / latency.speed
        if left <= speed * anew * self._bar(now):
            return ""
        self._slower, self._slow_at = self._bar(now) * 2, now
        latency.fetched(lease.cursor - lease.start or 1, seen)
        return "slow"

    def _bar(self, now: float) -> float:
        """Return how many times sooner it must be now."""
        return SLOWER if now - self._slow_at > QUIET else self._slower

    def _put_off(self, leases: tuple[Lease, ...], latency: Latency, heard_at: float) -> None:
        """Take a pause of the line, once it has ended, off everybody's time."""
        before, self._heard_at = self._heard_at, heard_at
        if heard_at - before <= max(PAUSE, latency.limit):
            return
        self._resumed_at = heard_at
        for lease in leases:
            if lease.began_at is not None and lease.began_at <= before and lease.waiting_since:
                lease.began_at += heard_at - before

    def _unanswered(self, lease: Lease, latency: Latency, now: float, *, alone: bool) -> str:
        asked = lease.asked_at
        if asked is None or lease.began_at is not None or lease.waiting_since is None:
            return ""
        others = self._heard_at - max(asked, self._resumed_at)
        allowed = latency.limit if alone else max(latency.limit, ALL)
        late = others > latency.limit or now - asked > allowed
        return "unanswered" if late else ""

    def _silent(self, lease: Lease, head: Lease | None, now: float, *, alone: bool) -> str:
        since = lease.waiting_since
        if since is None or lease.began_at is None:
            return ""
        others = self._heard_at - max(since, self._resumed_at)
        if lease is head:
            late = others > HEAD or now - since > (HEAD if alone else ALL)
        else:
            late = now - max(since, self._resumed_at) > OTHERS
        return "silent" if late else ""


def _witnesses(leases: tuple[Lease, ...], lease: Lease, latency: Latency, now: float) -> bool:
    """Tell whether another connection should be hearing something now."""
    return any(
        other is not lease
        and other.waiting_since is not None
        and (
            other.began_at is not None
            or (other.asked_at is not None and now - other.asked_at > latency.limit)
        )
        for other in leases
    )
