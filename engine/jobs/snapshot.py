"""What the outside sees of a torrent: its record, its files and its live numbers put together.

Theory
    Views are asked for many times a second, for thousands of torrents of which hardly one has
    changed. So what is given is kept: a view is the same object, and the list of all of them the
    same list, until there is something else to see. Whoever made something of it needs to look at
    those only that are other objects.

    What is stored tells when it changes (`Ledger.touched`) and is seen at once. Numbers of running
    downloads change with every byte; `views` reads them again after `SAMPLE` seconds.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from engine.jobs.ledger import Entry, Ledger
from engine.jobs.live import Live
from engine.jobs.states import RESTING, State
from engine.jobs.views import FileView, TorrentView
from engine.metainfo import Metainfo, parse_magnet
from engine.store.records import ShareRecord

SAMPLE = 0.5
"""Seconds that the numbers of running downloads are shown before they are read again. A qBittorrent
reads its own every 1.5 s."""

_AT_ALLDEBRID = frozenset({State.ADDED, State.WAITING_SLOT, State.PREPARING})


class Facts(msgspec.Struct, frozen=True):
    """What never changes about a torrent and stands in no record."""

    trackers: tuple[str, ...] = ()
    """Scheme, host and port only: paths and queries hold passkeys."""
    piece_length: int = 0
    pieces: int = 0
    private: bool = False
    offsets: tuple[int, ...] = ()
    """Where each file begins in the stream of pieces; empty where no padding lies between them."""


class _Kept(msgspec.Struct, frozen=True):
    made_of: tuple[object, ...]
    view: TorrentView


class Snapshots:
    """Makes views, and keeps those that still hold."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._kept: dict[str, _Kept] = {}
        self._all: dict[str, TorrentView] = {}
        self._listed: list[TorrentView] = []
        self._touched: set[str] = set()
        self._running: set[str] = set()
        """Torrents whose numbers were read last time."""
        self._due = float("-inf")
        self._trouble = ""

    def __repr__(self) -> str:
        return f"<Snapshots {len(self._kept)} kept>"

    def learn(self, infohash: str, facts: Facts) -> None:
        """Remember a torrent's facts; until then its views go without."""
        self._facts[infohash] = facts
        self._touched.add(infohash)

    def knows(self, infohash: str) -> bool:
        """Tell whether a torrent's facts are known."""
        return infohash in self._facts

    def facts(self, infohash: str) -> Facts:
        """Return what is known of a torrent."""
        return self._facts.get(infohash, _NO_FACTS)

    def forget(self, infohash: str) -> None:
        """Forget a torrent."""
        self._facts.pop(infohash, None)
        self._kept.pop(infohash, None)
        self._touched.add(infohash)
        if self._all.pop(infohash, None) is not None:
            self._listed = list(self._all.values())

    def views(
        self, ledger: Ledger, lives: Mapping[str, Live], now: float, trouble: str
    ) -> list[TorrentView]:
        """Return all torrents in the order they were added; the list is not to be changed.

        `now` is monotonic, the rest as for `view`.
        """
        changed = came = False
        for infohash in self._stale(ledger, lives, now, trouble):
            entry, old = ledger.find(infohash), self._all.get(infohash)
            if entry is None:
                changed |= self._all.pop(infohash, None) is not None
                continue
            new = self.view(entry, lives.get(infohash), now, trouble)
            if new is not old and new != old:
                self._all[infohash] = new
                changed, came = True, came or old is None
        if came:
            order = [entry.record.hash for entry in ledger.entries()]
            self._all = {infohash: self._all[infohash] for infohash in order}
        if changed:
            self._listed = list(self._all.values())
        return self._listed

    def view(self, entry: Entry, live: Live | None, now: float, trouble: str) -> TorrentView:
        """Return the torrent as it stands; `trouble` is what is wrong with AllDebrid."""
        facts = self._facts.get(entry.record.hash, _NO_FACTS)
        if live is not None and _has_numbers(live):
            running = _with_numbers(_at_rest(entry, facts, trouble), entry, live, now, trouble)
            return _with_others(running, entry)
        skipped = (entry.skipped, entry.skipped_on_disk)
        others = (entry.moving, entry.shares)
        made_of = (entry.record, entry.on_disk, facts, trouble, skipped, others)
        kept = self._kept.get(entry.record.hash)
        if kept is None or not _same(kept.made_of, made_of):
            kept = _Kept(made_of, _with_others(_at_rest(entry, facts, trouble), entry))
            self._kept[entry.record.hash] = kept
        return kept.view

    def _stale(
        self, ledger: Ledger, lives: Mapping[str, Live], now: float, trouble: str
    ) -> set[str]:
        """Return the torrents that may look otherwise than they did."""
        stale = ledger.touched() | self._touched
        self._touched.clear()
        if trouble != self._trouble:
            self._trouble = trouble
            stale.update(self._all)
        if now >= self._due:
            self._due = now + SAMPLE
            running = {infohash for infohash, live in lives.items() if _has_numbers(live)}
            stale |= running | self._running
            self._running = running
        return stale


_NO_FACTS = Facts()


def _has_numbers(live: Live) -> bool:
    return live.index is not None or live.remote is not None


def file_views(entry: Entry, live: Live | None, now: float) -> list[FileView]:
    """Return a torrent's files as they stand."""
    index = None if live is None else live.index
    return [
        FileView(
            index=file.index,
            path=file.path,
            size=file.size,
            flushed=(
                live.active(now, entry.wanted, entry.done, file.flushed).flushed
                if live is not None and file.index == index
                else file.flushed
            ),
            priority=file.priority,
        )
        for file in entry.files
    ]


def facts_of(metainfo: Metainfo | None, magnet: str) -> Facts:
    """Return what is known of a torrent from its .torrent or its magnet."""
    if metainfo is None:
        return Facts(trackers=_hosts(parse_magnet(magnet).trackers))
    padded = any(file.padding for file in metainfo.files)
    return Facts(
        trackers=_hosts(metainfo.trackers),
        piece_length=metainfo.piece_length,
        pieces=len(metainfo.pieces) // 20,
        private=metainfo.private,
        offsets=tuple(file.offset for file in metainfo.files) if padded else (),
    )


def _at_rest(entry: Entry, facts: Facts, trouble: str) -> TorrentView:
    record = entry.record
    if trouble and not record.reason and entry.state in _AT_ALLDEBRID:
        record = msgspec.structs.replace(record, reason=trouble)
    return TorrentView(
        record=record,
        state=State.MOVING if entry.moving else entry.state,
        downloaded=entry.on_disk,
        skipped=entry.skipped,
        skipped_on_disk=entry.skipped_on_disk,
        remote_progress=_remote_progress(entry, None),
        content_path=f"{record.save_path}/{record.root}" if record.root else "",
        trackers=facts.trackers,
        piece_length=facts.piece_length,
        pieces=facts.pieces,
        private=facts.private,
    )


def _with_others(view: TorrentView, entry: Entry) -> TorrentView:
    """Add how the torrent looks to its further categories."""
    if not entry.shares:
        return view
    others = tuple(_other(view, entry, one) for one in entry.shares)
    return msgspec.structs.replace(view, others=others)


def _other(view: TorrentView, entry: Entry, one: ShareRecord) -> TorrentView:
    """Return the torrent as a further category has it: complete once that has its copy."""
    state, reason = view.state, view.record.reason
    if one.done:
        state, reason = State.COMPLETED, ""
    elif view.state is State.COMPLETED:
        state, reason = (State.ERROR, one.reason) if one.reason else (State.MOVING, "")
    record = msgspec.structs.replace(
        view.record,
        state=state,
        reason=reason,
        category=one.category,
        save_path=one.save_path,
        root=one.root or view.record.root,
        completed_at=view.record.completed_at or (view.record.last_activity if one.done else 0),
    )
    path = f"{record.save_path}/{record.root}" if record.root else ""
    downloaded = max(view.downloaded, entry.record.size - entry.skipped if one.done else 0)
    return msgspec.structs.replace(
        view, record=record, state=state, content_path=path, downloaded=downloaded
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
    active = live.active(now, entry.wanted, entry.done, stored)
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
    if any(file.link or file.flushed for file in entry.files):
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
