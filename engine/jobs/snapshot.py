"""What the outside sees of a torrent: its record, its files and its live numbers put together.

`views` is asked ten times a second for a thousand torrents, so a view is kept and given again
while nothing it was made of has changed.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from engine.jobs.ledger import Entry
from engine.jobs.live import Live
from engine.jobs.states import RESTING, State
from engine.jobs.views import FileView, TorrentView
from engine.metainfo import Metainfo, parse_magnet

_AT_ALLDEBRID = frozenset({State.ADDED, State.WAITING_SLOT, State.PREPARING})


class Facts(msgspec.Struct, frozen=True):
    """What never changes about a torrent and stands in no record."""

    trackers: tuple[str, ...] = ()
    """Scheme, host and port only: paths and queries hold passkeys."""
    piece_length: int = 0
    pieces: int = 0


class _Kept(msgspec.Struct, frozen=True):
    made_of: tuple[object, ...]
    view: TorrentView


class Snapshots:
    """Makes views, and keeps those that still hold."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._kept: dict[str, _Kept] = {}

    def __repr__(self) -> str:
        return f"<Snapshots {len(self._kept)} kept>"

    def learn(self, infohash: str, facts: Facts) -> None:
        """Remember a torrent's facts; until then its views go without."""
        self._facts[infohash] = facts

    def knows(self, infohash: str) -> bool:
        """Tell whether a torrent's facts are known."""
        return infohash in self._facts

    def forget(self, infohash: str) -> None:
        """Forget a torrent."""
        self._facts.pop(infohash, None)
        self._kept.pop(infohash, None)

    def view(self, entry: Entry, live: Live | None, now: float, trouble: str) -> TorrentView:
        """Return the torrent as it stands; `trouble` is what is wrong with AllDebrid."""
        facts = self._facts.get(entry.record.hash, _NO_FACTS)
        if live is not None and (live.index is not None or live.remote is not None):
            return _with_numbers(_at_rest(entry, facts, trouble), entry, live, now, trouble)
        made_of = (entry.record, entry.on_disk, facts, trouble)
        kept = self._kept.get(entry.record.hash)
        if kept is None or not _same(kept.made_of, made_of):
            kept = _Kept(made_of, _at_rest(entry, facts, trouble))
            self._kept[entry.record.hash] = kept
        return kept.view


_NO_FACTS = Facts()


def file_views(entry: Entry, live: Live | None, now: float) -> list[FileView]:
    """Return a torrent's files as they stand."""
    index = None if live is None else live.index
    return [
        FileView(
            index=file.index,
            path=file.path,
            size=file.size,
            flushed=(
                live.active(now, entry.record.size, entry.on_disk, file.flushed).flushed
                if live is not None and file.index == index
                else file.flushed
            ),
        )
        for file in entry.files
    ]


def facts_of(metainfo: Metainfo | None, magnet: str) -> Facts:
    """Return what is known of a torrent from its .torrent or its magnet."""
    if metainfo is None:
        return Facts(trackers=_hosts(parse_magnet(magnet).trackers))
    return Facts(
        trackers=_hosts(metainfo.trackers),
        piece_length=metainfo.piece_length,
        pieces=len(metainfo.pieces) // 20,
    )


def _at_rest(entry: Entry, facts: Facts, trouble: str) -> TorrentView:
    record = entry.record
    if trouble and not record.reason and entry.state in _AT_ALLDEBRID:
        record = msgspec.structs.replace(record, reason=trouble)
    return TorrentView(
        record=record,
        state=entry.state,
        downloaded=entry.on_disk,
        remote_progress=_remote_progress(entry, None),
        content_path=f"{record.save_path}/{record.root}" if record.root else "",
        trackers=facts.trackers,
        piece_length=facts.piece_length,
        pieces=facts.pieces,
    )


def _with_numbers(
    view: TorrentView, entry: Entry, live: Live, now: float, trouble: str
) -> TorrentView:
    if entry.state in RESTING:
        return view
    if live.index is None:
        return msgspec.structs.replace(
            view,
            remote_progress=_remote_progress(entry, live),
            remote_speed=float(live.remote.speed) if live.remote else 0.0,
            remote_seeders=live.remote.seeders if live.remote else 0,
        )
    stored = entry.file(live.index).flushed
    active = live.active(now, entry.record.size, entry.on_disk, stored)
    record = view.record
    if trouble and not active.speed and not record.reason:
        record = msgspec.structs.replace(record, reason=trouble)  # it waits for its link
    return msgspec.structs.replace(
        view,
        record=record,
        downloaded=entry.on_disk + active.flushed - stored,
        speed=active.speed,
        eta=active.eta,
    )


def _remote_progress(entry: Entry, live: Live | None) -> float:
    if entry.files:
        return 1.0
    return live.remote.progress if live is not None and live.remote is not None else 0.0


def _same(ones: tuple[object, ...], others: tuple[object, ...]) -> bool:
    """Compare without looking inside records; equal numbers and texts need not be one object."""
    return ones[0] is others[0] and ones[2] is others[2] and ones == others


def _hosts(trackers: Sequence[str]) -> tuple[str, ...]:
    """Return the trackers without what may be secret; those that make no sense are left out."""
    return tuple(filter(None, map(_host_only, trackers)))


def _host_only(tracker: str) -> str:
    try:
        parts = urlsplit(tracker)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}:{port}" if port else f"{parts.scheme}://{host}"
