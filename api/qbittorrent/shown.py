"""Torrents in qBittorrent's words, kept for as long as what they were made of holds.

Clients ask for all torrents several times a second, and of a thousand hardly one has changed. To
put one into words is the dear part of an answer, so it is done again only for a view that is
another object (`engine.jobs.snapshot` gives the same one while nothing has changed); the numbers
that grow with time are brought up to date.
"""

from collections.abc import Collection

import msgspec

from api.qbittorrent import present
from api.qbittorrent.wire import Torrent
from engine.jobs.views import TorrentView


class _Kept(msgspec.Struct, frozen=True):
    view: TorrentView
    now: int
    torrent: Torrent


class Shown:
    """Remembers how each torrent was shown last. Used on the event loop's thread only."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def __repr__(self) -> str:
        return f"<Shown {len(self._kept)} kept>"

    def torrent(self, view: TorrentView, now: int) -> Torrent:
        """Return what `present.torrent` returns."""
        kept = self._kept.get(view.record.hash)
        if kept is None or kept.view is not view:
            shown = present.torrent(view, now)
        elif kept.now == now:
            return kept.torrent
        else:
            shown = present.aged(kept.torrent, view, now)
        self._kept[view.record.hash] = _Kept(view, now, shown)
        return shown

    def forget_all_but(self, hashes: Collection[str]) -> None:
        """Forget torrents that are gone."""
        if len(self._kept) > len(hashes):
            there = set(hashes)
            self._kept = {name: kept for name, kept in self._kept.items() if name in there}
