"""Where the file is right now: the link, fresh ones when it expires, and where redirects led.

The way through redirects is taken once and the address at its end is used until it fails; then it
starts again at the link, and if that fails too, at a fresh one. Any thread; asking for links may
block for as long as the service that gives them needs, and only one connection asks at a time.
"""

import threading
from typing import Protocol

import msgspec

from engine.transfer.errors import LinkExpired
from engine.transfer.urls import Url, follow, parse_url

FRESH_TRIES = 2
"""Fresh links asked for in a row without a byte from any of them, before giving up on the file."""


class Link(msgspec.Struct, frozen=True):
    """A direct link to the file. The URL is a secret."""

    url: str
    max_connections: int = 0
    """The link's own cap on connections; 0 when it has none."""

    def __repr__(self) -> str:
        return f"Link(max_connections={self.max_connections})"


class Links(Protocol):
    """Gives links to the file. Called from the engine's threads, may block."""

    def current(self) -> Link:
        """Return the link to use. Raises a TransferError when there is none."""

    def refresh(self, stale: Link) -> Link:
        """Return another link than `stale`, or the same when there is no other.

        Raises LinkExpired when the file is gone.
        """


class Place(msgspec.Struct, frozen=True):
    """One way to the file: the link, and the URLs that it led through; the last one is asked."""

    link: Link
    trail: tuple[Url, ...]

    @property
    def url(self) -> Url:
        """The URL to ask."""
        return self.trail[-1]


class Route:
    """Keeps the way to one file; see the module's text."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._lock = threading.Lock()
        self._place: Place | None = None
        self._fresh = 0

    def __repr__(self) -> str:
        return f"<Route {self._place!r}>"

    def place(self) -> Place:
        """Return the way to use now."""
        with self._lock:
            if self._place is None:
                self._place = _start(self._links.current())
            return self._place

    def redirected(self, place: Place, location: str) -> None:
        """The URL of `place` answered with a redirect. Raises Unusable or NotTrusted."""
        with self._lock:
            if self._place is place:
                self._place = Place(place.link, (*place.trail, follow(place.trail, location)))

    def expired(self, place: Place, problem: LinkExpired) -> None:
        """The URL of `place` no longer leads to the file: find another, or raise `problem`."""
        with self._lock:
            if self._place is not place:
                return  # somebody else has found another already
            if len(place.trail) > 1:
                self._place = _start(place.link)  # what it redirected to may be what expired
                return
            if self._fresh >= FRESH_TRIES:
                raise problem
            self._fresh += 1
            fresh = self._links.refresh(place.link)
            if fresh == place.link:
                raise problem
            self._place = _start(fresh)

    def worked(self) -> None:
        """Bytes of the file arrived by the present way."""
        self._fresh = 0


class OneLink:
    """Links for a URL that nobody can renew."""

    def __init__(self, url: str) -> None:
        self._link = Link(url)

    def current(self) -> Link:
        """Return the link."""
        return self._link

    def refresh(self, stale: Link) -> Link:
        """Return the same link: there is no other."""
        return stale


def _start(link: Link) -> Place:
    return Place(link, (parse_url(link.url),))
