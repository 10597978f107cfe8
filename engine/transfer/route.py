"""Where the file is right now: the link, fresh ones when it expires, and where redirects led.

The way through redirects is taken once and the address at its end is used until it fails; then it
starts again at the link, and if that fails too, at a fresh one. Any thread; asking for links may
block for as long as the service that gives them needs, and only one connection asks at a time.
"""

import threading
from typing import Protocol

import msgspec

from engine.transfer.errors import LinkExpired, Unusable
from engine.transfer.urls import Url, follow, parse_url

FRESH_TRIES = 1
"""Fresh links asked for in a row without a byte from any of them. A host that refuses the second
link as well has trouble of its own: more links would not help it, waiting may."""


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

    def refresh(self, stale: Link) -> Link | None:
        """Return a fresh link, which may be the same; None when nobody can renew it.

        Raises Gone when there is none for this file any more.
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
        self._retraced = False
        self._has_worked = False

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
            if self._place is not place:
                return
            try:
                self._place = Place(place.link, (*place.trail, follow(place.trail, location)))
            except Unusable:
                if not self._has_worked or self._retraced:
                    raise
                self._retrace(place)  # the place that was remembered leads back, so it is old

    def expired(self, place: Place, problem: LinkExpired) -> None:
        """The URL of `place` no longer leads to the file: find another for the next try.

        Raises `problem` when nobody can renew a link that never worked, or what the giver of links
        raises.
        """
        with self._lock:
            if self._place is not place:
                return  # somebody else has found another already
            if len(place.trail) > 1 and not self._retraced:
                self._retrace(place)  # what it redirected to may be what expired
            elif self._fresh < FRESH_TRIES:
                self._fresh += 1
                fresh = self._links.refresh(place.link)
                if fresh is not None:
                    self._place = _start(fresh)
                elif not self._has_worked:
                    raise problem

    def worked(self) -> None:
        """Bytes of the file arrived by the present way."""
        self._has_worked = True
        self._fresh = 0
        self._retraced = False

    def _retrace(self, place: Place) -> None:
        self._retraced = True
        self._place = _start(place.link)


class OneLink:
    """Links for a URL that nobody can renew."""

    def __init__(self, url: str) -> None:
        self._link = Link(url)

    def current(self) -> Link:
        """Return the link."""
        return self._link

    def refresh(self, stale: Link) -> None:
        """Return None: there is no other link."""


def _start(link: Link) -> Place:
    return Place(link, (parse_url(link.url),))
