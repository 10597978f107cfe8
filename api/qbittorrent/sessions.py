"""Logged-in sessions: a bounded set of random SIDs that expire when they are not used.

Guarantees
    A SID is 128 random bits. It lives for `lifetime` seconds after its last use. At most `LIMIT`
    live at once; the one that was not used for the longest time is dropped first. Some Sonarr
    releases forget their cookie and log in before every call, so the set must not grow with their
    calls, and a session that is in use must survive them.

The mapping is kept in the order of last use. Every session lives equally long, so that is the
order of expiry too, and both expiring and dropping only look at the front.
"""

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

COOKIE = "SID"
"""Upper case: some clients look for this very name."""

LIFETIME = 3600.0
"""Seconds without a request until a session is over (qBittorrent's own default)."""

LIMIT = 1000
"""Sessions kept at once: many more than clients, few enough to forget about."""


class Sessions:
    """The sessions of one API application. Used on the event loop's thread only."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = lambda: secrets.token_hex(16),
        limit: int = LIMIT,
        lifetime: float = LIFETIME,
    ) -> None:
        """`lifetime` is in seconds; 0 for sessions that only the limit ends."""
        self._clock = clock
        self._lifetime = lifetime or math.inf
        self._token = token
        self._limit = limit
        self._expiry: OrderedDict[str, float] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Sessions {len(self._expiry)} of {self._limit}>"

    def open(self) -> str:
        """Start a session and return its SID."""
        self._expire()
        while len(self._expiry) >= self._limit:
            self._expiry.popitem(last=False)
        sid = self._token()
        self._expiry[sid] = self._clock() + self._lifetime
        return sid

    def use(self, sid: str) -> bool:
        """Return whether the session lives, and let it live on."""
        self._expire()
        if sid not in self._expiry:
            return False
        self._expiry[sid] = self._clock() + self._lifetime
        self._expiry.move_to_end(sid)
        return True

    def close(self, sid: str) -> None:
        """End a session; one that is unknown is left unknown."""
        self._expiry.pop(sid, None)

    def _expire(self) -> None:
        now = self._clock()
        while self._expiry and next(iter(self._expiry.values())) <= now:
            self._expiry.popitem(last=False)


def sids(cookie_header: str) -> list[str]:
    """Return the SIDs in a Cookie header.

    There may be several: a client that keeps one jar per host sends the SID of a qBittorrent on
    another port along with ours.
    """
    pairs = (part.strip().partition("=") for part in cookie_header.split(";"))
    return [value.strip('"') for name, _, value in pairs if name == COOKIE and value]


LONG_AGO = "Thu, 01 Jan 1970 00:00:01 GMT"
"""A date that makes a client drop a cookie; a zero is "none given" to some."""


def set_cookie(sid: str) -> str:
    """Return the Set-Cookie value that hands a SID to the client."""
    return f"{COOKIE}={sid}; HttpOnly; path=/; SameSite=Strict"


def drop_cookie() -> str:
    """Return the Set-Cookie value that makes the client forget its SID."""
    return f"{COOKIE}=; expires={LONG_AGO}; path=/"
