"""Addresses that guessed a password too often.

Rules
    `limit` failed logins ban an address for `duration` seconds, as in qBittorrent: until then no
    login from there is looked at, not even the right one, or a guesser would just go on. Sessions
    that live already go on too.
    A login that succeeds forgets the failed ones before it; so does `duration` without another.
    Logins that succeed count nowhere: some Sonarr releases log in before every call.
    Of IPv6 a whole /64 counts as one address: that is what one household, or one attacker, has.

Guarantees
    Memory is bounded: at most `ROOM` addresses, the one that failed longest ago is forgotten first.

The mapping is in the order of the last failure. A ban begins with a failure and lasts as long as a
failure is remembered, so that is the order of expiry for both.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

ROOM = 10_000
"""Addresses: some 2 MB. Who has more /64s than this has better ways to guess."""

HOUSEHOLD = 64
"""Bits of an IPv6 address that tell one network from another (RFC 6177)."""


class _Failures(msgspec.Struct):
    count: int
    forgotten_at: float


class Bans:
    """The failed logins of one API application. Used on the event loop's thread only."""

    def __init__(
        self,
        *,
        limit: int = 5,
        duration: float = 3600,
        clock: Callable[[], float] = time.monotonic,
        room: int = ROOM,
    ) -> None:
        """Ban after `limit` failures for `duration` seconds; 0 for either: never."""
        self._limit = limit if duration > 0 else 0
        self._duration = duration
        self._clock = clock
        self._room = room
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Bans {len(self._failures)} addresses>"

    def banned(self, address: str) -> bool:
        """Return whether logins from `address` are not looked at now."""
        self._forget()
        found = self._failures.get(household(address))
        return found is not None and found.count >= self._limit

    def failed(self, address: str) -> bool:
        """Note a failed login; return whether it was the one that begins a ban."""
        if not self._limit:
            return False
        self._forget()
        key = household(address)
        count = self._failures[key].count + 1 if key in self._failures else 1
        self._failures[key] = _Failures(count, self._clock() + self._duration)
        self._failures.move_to_end(key)
        while len(self._failures) > self._room:
            self._failures.popitem(last=False)
        return count == self._limit

    def succeeded(self, address: str) -> None:
        """Forget the failed logins of an address."""
        self._failures.pop(household(address), None)

    def _forget(self) -> None:
        now = self._clock()
        while self._failures and next(iter(self._failures.values())).forgotten_at <= now:
            self._failures.popitem(last=False)


def household(address: str) -> str:
    """Return what counts as one address: an IPv4 address, a /64 of IPv6, or what is neither."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> HOUSEHOLD << HOUSEHOLD))
