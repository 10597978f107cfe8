"""Which category a client looks at: whose torrent is meant where a hash has several.

Theory
    Two instances of Sonarr may grab the same release, each into a category of its own. A request
    to delete names the hash alone. But each instance has asked for its own category all the time,
    once a minute and with `torrents/add`, so the category is told by who asks.

    Who asks is told by the session's cookie, and where that says nothing by address and
    User-Agent: some releases log in anew before every call, and an open API hands out no cookie.

Guarantees
    A client that looked at several categories of late looks at none, as far as anybody can tell:
    two instances behind one address without a password must not be taken for each other.
    Memory is bounded: `CLIENTS` with up to `CATEGORIES` each.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

LATE = 900.0
"""Seconds that a look counts: a poll comes every minute, but programs restart and back off."""

CLIENTS = 256
"""Clients that are remembered; the one that asked least lately is forgotten first."""

CATEGORIES = 8
"""Categories of one client: two are as good as many."""

Who = tuple[str, ...]


class Looking:
    """What each client looked at. Used on the event loop's thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: OrderedDict[Who, OrderedDict[str, float]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Looking {len(self._looks)} clients>"

    def looks_at(self, whos: Iterable[Who], category: str) -> None:
        """Note that a client asked for a category; `whos` are the ways to tell it from others."""
        for who in whos:
            looks = self._looks.setdefault(who, OrderedDict())
            self._looks.move_to_end(who)
            looks[category] = self._clock()
            looks.move_to_end(category)
            _cut(looks, CATEGORIES)
        _cut(self._looks, CLIENTS)

    def category(self, whos: Iterable[Who]) -> str | None:
        """Return the one category that a client looks at; None where that cannot be told."""
        now = self._clock()
        for who in whos:
            looks = self._looks.get(who) or OrderedDict[str, float]()
            found = [one for one, at in looks.items() if now - at <= LATE]
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _cut(kept: OrderedDict[Any, Any], size: int) -> None:
    while len(kept) > size:
        kept.popitem(last=False)
