"""What one host bears, shared by all downloads: how many connections, and when it may be asked.

A debrid service's file hosts count connections per address, not per file, so the limit belongs to
the host. A host that answers 429 or 503 gets half as many connections and is left alone for as
long as it says; each quiet `RECOVERY` gives one connection back.
"""

import logging
import threading
import time
from collections.abc import Callable

import msgspec

CONNECTIONS = 32
"""Connections per host over all downloads. AllDebrid's file hosts allow 32 from one address
(JDownloader's note of 2024-05-17)."""

RECOVERY = 30.0
"""Seconds without a complaint after which a host gets one connection more."""

logger = logging.getLogger("engine.transfer.hosts")


class Host(msgspec.Struct):
    """What is known of one host. `limit` connections at most, none before `not_before`."""

    limit: float = CONNECTIONS
    used: int = 0
    not_before: float = 0.0
    complained_at: float = 0.0


class Hosts:
    """The hosts this process talks to, by origin (`https://name:port`). Any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}

    def __repr__(self) -> str:
        busy = {name: f"{host.used}/{host.limit:.0f}" for name, host in self._hosts.items()}
        return f"<Hosts {busy}>"

    def enter(self, origin: str) -> float:
        """Take one of the host's connections; return 0, or the seconds after which to ask again."""
        now = self._clock()
        with self._lock:
            host = self._hosts.setdefault(origin, Host())
            self._recover(host, now)
            if now < host.not_before:
                return host.not_before - now
            if host.used >= max(1, int(host.limit)):
                return 0.25  # seconds; whoever leaves does not know who waits
            host.used += 1
            return 0.0

    def leave(self, origin: str) -> None:
        """Give the connection back."""
        with self._lock:
            self._hosts[origin].used -= 1

    def complain(self, origin: str, pause: float) -> int:
        """The host said it is busy: halve its connections, ask nothing for `pause` seconds.

        Returns the connections it has now. Complaints that arrive together count once.
        """
        now = self._clock()
        with self._lock:
            host = self._hosts.setdefault(origin, Host())
            if now >= host.not_before:
                host.limit = max(1, min(host.limit, host.used + 1) // 2)
                logger.info("connections=%d reason=host-busy pause=%.1f", host.limit, pause)
            host.not_before = max(host.not_before, now + pause)
            host.complained_at = host.not_before
            return int(host.limit)

    def _recover(self, host: Host, now: float) -> None:
        quiet = now - host.complained_at
        if host.limit < CONNECTIONS and quiet >= RECOVERY:
            host.limit = min(CONNECTIONS, host.limit + quiet // RECOVERY)
            host.complained_at = now
