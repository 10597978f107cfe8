"""Which torrents torrents/info lists, and in what order. Pure.

Filters that need only what we know of a torrent run before it is put into qBittorrent's words;
that is the dear part, and Sonarr asks for its own category only.
"""

from collections.abc import Callable

import msgspec

from api.qbittorrent.parameters import Parameters, hashes
from api.qbittorrent.present import state_name, torrent
from api.qbittorrent.wire import Torrent
from engine.jobs.views import TorrentView

_DOWNLOADING = frozenset(
    {"downloading", "forcedDL", "stalledDL", "checkingDL", "pausedDL", "queuedDL"}
)
_PAUSED = frozenset({"pausedDL", "pausedUP"})
_ACTIVE = frozenset({"downloading", "forcedDL", "moving"})
_CHECKING = frozenset({"checkingDL", "checkingUP"})
_STALLED = frozenset({"stalledDL"})
_NONE: frozenset[str] = frozenset()

_NAMED: dict[str, frozenset[str]] = {
    "downloading": _DOWNLOADING,
    "seeding": frozenset({"checkingUP"}),
    "uploading": _NONE,
    "completed": frozenset({"pausedUP", "checkingUP"}),
    "paused": _PAUSED,
    "stopped": _PAUSED,
    "active": _ACTIVE,
    "stalled": _STALLED,
    "stalled_downloading": _STALLED,
    "stalled_uploading": _NONE,
    "checking": _CHECKING,
    "moving": frozenset({"moving"}),
    "errored": frozenset({"error"}),
}
"""The states that a filter lets through, of those that we ever say. `stopped` and `running` are
what qBittorrent 5 calls `paused` and `resumed`."""

_EXCEPT: dict[str, frozenset[str]] = {
    "resumed": _PAUSED,
    "running": _PAUSED,
    "inactive": _ACTIVE,
}
"""The states that a filter holds back."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants to have listed."""

    filter: str = ""
    category: str | None = None
    """None for any; empty for torrents without one."""
    tag: str | None = None
    """None for any; empty for torrents without one."""
    hashes: frozenset[str] | None = None
    """None for any."""
    sort: str = ""
    """A field of `Torrent`; anything else leaves the order of adding."""
    reverse: bool = False
    limit: int = 0
    """0 for all."""
    offset: int = 0
    """Negative counts from the end."""


def question(parameters: Parameters) -> Question:
    """Read the parameters of torrents/info."""
    named = parameters.text("hashes").strip()
    chosen = hashes(named) if named else None
    return Question(
        filter=parameters.text("filter").strip().lower(),
        category=parameters.get("category"),
        tag=parameters.get("tag"),
        hashes=None if chosen is None else frozenset(chosen),
        sort=parameters.text("sort"),
        reverse=parameters.flag("reverse"),
        limit=parameters.whole("limit", 0),
        offset=parameters.whole("offset", 0),
    )


def listing(
    views: list[TorrentView],
    asked: Question,
    now: int,
    show: Callable[[TorrentView, int], Torrent] = torrent,
) -> list[Torrent]:
    """Return the torrents that were asked for, in the order that was asked for."""
    listed = [show(view, now) for view in views if _wanted(view, asked)]
    if asked.sort in Torrent.__struct_fields__:
        listed.sort(key=lambda one: getattr(one, asked.sort))
    if asked.reverse:
        listed.reverse()
    return _page(listed, asked.limit, asked.offset)


def _wanted(view: TorrentView, asked: Question) -> bool:
    record = view.record
    if asked.hashes is not None and record.hash not in asked.hashes:
        return False
    if asked.category is not None and record.category != asked.category:
        return False
    if asked.tag is not None and not _tagged(record.tags, asked.tag):
        return False
    return _passes(view, asked.filter)


def _tagged(tags: tuple[str, ...], tag: str) -> bool:
    return tag in tags if tag else not tags


def _passes(view: TorrentView, name: str) -> bool:
    """Return whether the filter lets the torrent through; qBittorrent ignores unknown filters."""
    if name in _NAMED:
        return state_name(view) in _NAMED[name]
    return state_name(view) not in _EXCEPT.get(name, _NONE)


def _page(listed: list[Torrent], limit: int, offset: int) -> list[Torrent]:
    """Cut out a page; an offset beyond either end counts as 0, as in qBittorrent."""
    start = len(listed) + offset if offset < 0 else offset
    if not 0 <= start < len(listed):
        start = 0
    return listed[start : start + limit] if limit > 0 else listed[start:]
