"""The numbers (`rid`) under which clients know the answers they got.

As in qBittorrent every client counts for itself, from 1 up to `LARGEST` and on from 1. A client
names the last answer it has, and that tells what it knows; one that lost an answer names the one
before. Unlike there several clients may share a session, such as two windows of one browser: no
number is used again while its answer is remembered, so a client that starts anew (`rid` 0) goes on
counting and does not begin at 1.

Clients that send no cookie cannot be told from each other and count together. What they counted
before a restart must not be taken for what they are told after it, so they start anywhere.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable

LARGEST = 1_000_000
"""The number after which 1 comes, as in qBittorrent."""

REMEMBERED = 64
"""Answers to one client. It knows the last or the one before; those without cookies share them."""

CLIENTS = 64
"""Clients that are remembered; the one that asked least lately is told everything again."""

Who = tuple[str, ...]
"""What tells a client from others: its session cookies."""


class Numbers:
    """The last answers to one client: which revision each of them brought it to."""

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._known: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    def __repr__(self) -> str:
        return f"<Numbers up to {self._last}>"

    def revision(self, number: int) -> int | None:
        """Return what a client knows that got the answer of this number; None if nobody can say."""
        return next((revision for known, revision in self._known if known == number), None)

    def following(self, revision: int) -> int:
        """Return the number of the next answer, which brings the client to a revision."""
        self._last = self._last % LARGEST + 1
        self._known.appendleft((self._last, revision))
        return self._last


class Clients:
    """Numbers by client. One thread only; `anywhere` says where those without cookies start."""

    def __init__(self, anywhere: Callable[[int], int] = secrets.randbelow) -> None:
        self._anywhere = anywhere
        self._clients: OrderedDict[Who, Numbers] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Clients {len(self._clients)}>"

    def of(self, who: Who) -> Numbers:
        """Return a client's numbers."""
        if who not in self._clients:
            self._clients[who] = Numbers(0 if who else self._anywhere(LARGEST))
            if len(self._clients) > CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(who)
        return self._clients[who]
