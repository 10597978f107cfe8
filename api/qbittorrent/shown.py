"""Torrents in qBittorrent's words, kept for as long as what they were made of holds.

Theory
    Clients ask for all torrents several times a second, and of a thousand hardly one has changed.
    To put one into words and into JSON is the dear part of an answer, so it is done again only for
    a view that is another object (`engine.jobs.snapshot` gives the same one, and the same list,
    while nothing has changed) and for numbers that have grown since (`present.lasts_until`).

    What was looked at is a list of objects that are compared by identity, without running Python
    for those that are the same. So bringing 10,000 torrents up to date costs some tenths of a
    millisecond, and what it costs beyond that is for what has changed.
"""

import heapq
from collections.abc import Iterable, Mapping
from itertools import compress
from operator import is_not

import msgspec

from api.qbittorrent import present
from api.qbittorrent.present import FIRST_LIMITS, ShareLimits
from api.qbittorrent.wire import Torrent
from engine.jobs.views import TorrentView

_encode = msgspec.json.Encoder().encode

HEAD = len(b'{"hash":"",') + 40
"""Bytes of a torrent's JSON that say its infohash: its first field."""


class Item:
    """One torrent: as the engine has it, in qBittorrent's words, and those as JSON."""

    __slots__ = ("_json", "lasts_until", "others", "torrent", "view")

    def __init__(
        self,
        view: TorrentView,
        torrent: Torrent,
        lasts_until: int | None = None,
        others: tuple["Item", ...] = (),
    ) -> None:
        self.view = view
        self.torrent = torrent
        self.lasts_until = lasts_until
        """Unix seconds at which its numbers are others though nothing has happened, or None."""
        self.others = others
        """How it is shown to who asks for one of its further categories."""
        self._json = b""

    def __repr__(self) -> str:
        return f"<Item {self.torrent.hash} {self.torrent.state}>"

    @property
    def json(self) -> bytes:
        """The torrent as JSON."""
        if not self._json:
            self._json = _encode(self.torrent)
        return self._json

    @property
    def member(self) -> bytes:
        """The torrent as a member of a JSON object, by its infohash, which is not said again."""
        return b'"%b":{%b' % (self.torrent.hash.encode(), self.json[HEAD:])


class Shown:
    """All torrents as they are shown. Used on the event loop's thread only."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._views: list[TorrentView] = []
        self._limits: ShareLimits = FIRST_LIMITS
        self._now = 0
        self._due: list[tuple[int, str]] = []
        """When which torrent has to be looked at again, the next one first; some no longer."""
        self._changed: dict[str, None] | None = None
        self.version = 0
        """Another number whenever anything is shown otherwise."""

    def __repr__(self) -> str:
        return f"<Shown {len(self._items)} torrents, version {self.version}>"

    @property
    def items(self) -> Mapping[str, Item]:
        """All torrents by infohash, in the order in which they were added; not to be changed."""
        return self._items

    def update(
        self, views: list[TorrentView], now: int, limits: ShareLimits = FIRST_LIMITS
    ) -> None:
        """Show these torrents as they are now, in Unix seconds, and no others."""
        if limits != self._limits or now < self._now:
            self._start_again(limits)
        self._now = now
        if views is not self._views:
            self._take(views)
        self._age()

    def changed(self) -> list[str]:
        """Return which torrents came, changed or went since this was asked last.

        The first time these are all; it is for one asker only.
        """
        changed = self._items if self._changed is None else self._changed
        self._changed = {}
        return list(changed)

    def _start_again(self, limits: ShareLimits) -> None:
        """Forget everything: the global limits are others, or the clock was set back."""
        self._limits = limits
        self._views = []
        self._due.clear()
        for infohash in self._items:
            self._note(infohash)
        self._items = {}

    def _take(self, views: list[TorrentView]) -> None:
        old, self._views = self._views, views
        if len(old) == len(views):
            others = list(compress(zip(old, views, strict=True), map(is_not, old, views)))
            if all(before.record.hash == after.record.hash for before, after in others):
                for _, view in others:
                    self._show(view)
                return
        self._take_all(views)

    def _take_all(self, views: Iterable[TorrentView]) -> None:
        """Show these views where some came or went, in their order."""
        items = self._items
        self._items = {}
        for view in views:
            infohash = view.record.hash
            item = items.pop(infohash, None)
            if item is not None:
                self._items[infohash] = item
            if item is None or item.view is not view:
                self._show(view)
        for infohash in items:
            self._note(infohash)

    def _drop(self, infohash: str) -> None:
        del self._items[infohash]
        self._note(infohash)

    def _show(self, view: TorrentView) -> None:
        self._keep(view, present.torrent(view, self._now, self._limits))

    def _keep(self, view: TorrentView, torrent: Torrent) -> None:
        infohash = view.record.hash
        moments = [present.lasts_until(one, self._now) for one in (view, *view.others)]
        due = min((moment for moment in moments if moment is not None), default=None)
        others = tuple(
            Item(one, present.torrent(one, self._now, self._limits)) for one in view.others
        )
        self._items[infohash] = Item(view, torrent, due, others)
        if due is not None:
            heapq.heappush(self._due, (due, infohash))
        self._note(infohash)

    def _age(self) -> None:
        while self._due and self._due[0][0] <= self._now:
            due, infohash = heapq.heappop(self._due)
            item = self._items.get(infohash)
            if item is not None and item.lasts_until == due:
                aged = present.aged(item.torrent, item.view, self._now, self._limits)
                self._keep(item.view, aged)

    def _note(self, infohash: str) -> None:
        self.version += 1
        if self._changed is not None:
            self._changed[infohash] = None
