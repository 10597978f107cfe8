"""How a torrent of ours looks as a torrent of qBittorrent. Pure.

Rules (what Sonarr and Radarr do with it)
    * `NAMES` has a word that Sonarr knows for every state. One it does not know is shown as
      downloading for ever. `pausedUP` means: take the files, then remove the torrent. So it is
      said of finished torrents only, and only of those is `progress` 1.
    * After the import Sonarr removes a torrent when its share limits are reached. A debrid
      download has nothing to seed, so they are reached at once: a finished torrent is reported
      with a ratio of the limit in force, its own or the global one, and has seeded for as long as
      the time limit in force asks. A client that set its limits to "none" (-1) asked for it to
      stay.
    * No text and no path goes out that has not been through `texts`, and `magnet_uri` is made from
      the infohash and the name: the magnet that was added may hold passkeys.

Numbers that grow by themselves
    `time_active` and `seeding_time` would make every torrent another one every second, though
    nobody did anything. `time_active` grows while we work on a torrent. What grows is told to the
    second while it downloads, is checked or is moved, when its other numbers change as well, and
    else as it was `SLOW` seconds ago at most: every torrent has a moment of its own at which it is
    read again (`read_at`). That depends on the torrent and the time only, so every route says the
    same, and of 10,000 torrents at rest 33 a second are others than before. A qBittorrent does not
    count the time at all while nothing else happens.
"""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote

import msgspec

from api.qbittorrent.preferences import MAX_RATIO
from api.qbittorrent.texts import calm, content_path, folder, tracker_host, valid
from api.qbittorrent.wire import (
    UNKNOWN,
    UNKNOWN_ETA,
    Category,
    File,
    Properties,
    ServerState,
    Torrent,
    Tracker,
    TransferInfo,
)
from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.jobs.views import FileView, TorrentView, Totals
from engine.store.records import CategoryRecord, TorrentRecord

_BUSY = frozenset({State.DOWNLOADING, State.CHECKING, State.MOVING})
_STOPPED = frozenset({State.PAUSED, State.ERROR})

NAMES: dict[State, str] = {
    State.ADDED: "queuedDL",
    State.WAITING_SLOT: "queuedDL",
    State.PREPARING: "queuedDL",
    State.QUEUED: "queuedDL",
    State.DOWNLOADING: "downloading",
    State.WAITING_NETWORK: "stalledDL",
    State.WAITING_DISK: "pausedDL",
    State.CHECKING: "checkingDL",
    State.MOVING: "moving",
    State.COMPLETED: "pausedUP",
    State.PAUSED: "pausedDL",
    State.ERROR: "error",
}
"""qBittorrent's word for each state, before what else is known of the torrent."""

SLOW = 300
"""Seconds: how old the growing numbers of a torrent may be that nothing happens to. Limits on them
have minutes, and programs that use them ask for hours."""

ALMOST = 0.999
"""The most that unfinished torrents show: all bytes may be there while they are being verified
or moved, and programs round what is closer to 1 up to 100.0 %."""

GLOBAL = -2
"""A share limit that means: what holds for all."""

WORKING = 2
"""Tracker status "contacted and working". Autobrr waits minutes for one."""

OWN_ROW = "** [DHT] **"
"""The row of torrents/trackers that speaks for us. Clients know that such rows are no trackers."""

AVAILABLE = frozenset(State) - {
    State.ADDED,
    State.WAITING_SLOT,
    State.PREPARING,
    State.PAUSED,
    State.ERROR,
}
"""States that a torrent reaches when AllDebrid has it."""

DISABLED_ROWS = ("** [PeX] **", "** [LSD] **")
"""Rows for what there is none of; there are clients that take the trackers from the fourth on."""

DISABLED = 0
"""Tracker status of those."""


class ShareLimits(Protocol):
    """The global share limits, as `engine.jobs.preferences.Preferences` has them; -1 for none."""

    @property
    def max_ratio(self) -> float:
        """The ratio."""

    @property
    def max_seeding_time(self) -> int:
        """Minutes."""

    @property
    def max_inactive_seeding_time(self) -> int:
        """Minutes."""


class _FirstLimits(msgspec.Struct, frozen=True):
    max_ratio: float = MAX_RATIO
    max_seeding_time: int = UNKNOWN
    max_inactive_seeding_time: int = UNKNOWN


FIRST_LIMITS: ShareLimits = _FirstLimits()
"""Those that hold until a client changes them."""


def is_finished(view: TorrentView) -> bool:
    """Return whether the files are complete, verified and in their final place."""
    if view.state is State.COMPLETED:
        return True
    record = view.record
    was_complete = record.completed_at > 0 and view.done >= view.wanted > 0
    return view.state is State.PAUSED and was_complete


def state_name(view: TorrentView) -> str:
    """Return qBittorrent's word for the state of a torrent."""
    match view.state:
        case State.DOWNLOADING if view.record.forced:
            return "forcedDL"
        case State.CHECKING if view.record.completed_at > 0:
            return "checkingUP"
        case State.PAUSED if is_finished(view):
            return "pausedUP"
        case state:
            return NAMES[state]


def torrent(view: TorrentView, now: int, limits: ShareLimits = FIRST_LIMITS) -> Torrent:
    """Return a torrent as torrents/info shows it."""
    record = view.record
    finished = is_finished(view)
    done = view.wanted if finished else view.done
    save_path = folder(record.save_path)
    name = valid(record.name) or record.hash
    return Torrent(
        hash=record.hash,
        infohash_v1=record.hash,
        name=name,
        magnet_uri=f"magnet:?xt=urn:btih:{record.hash}&dn={quote(name)}",
        size=view.wanted,
        total_size=record.size or UNKNOWN,
        progress=_progress(done, view.wanted, finished=finished),
        dlspeed=int(view.speed),
        priority=record.position,
        num_seeds=view.remote_seeders,
        num_complete=view.remote_seeders,
        state=state_name(view),
        eta=_eta(view, finished=finished),
        seq_dl=record.sequential,
        f_l_piece_prio=record.first_last,
        category=valid(record.category),
        tags=valid(", ".join(sorted(record.tags))),
        force_start=record.forced,
        save_path=save_path,
        content_path=content_path(view.content_path, save_path),
        added_on=record.added_at,
        completion_on=record.completed_at,
        tracker=tracker_host(view.trackers[0]) if view.trackers else "",
        trackers_count=len(view.trackers),
        dl_limit=record.download_limit,
        up_limit=record.upload_limit,
        downloaded=_downloaded(view, finished=finished),
        downloaded_session=_downloaded(view, finished=finished),
        amount_left=max(0, view.wanted - done),
        completed=done,
        ratio=_ratio(record, limits, finished=finished),
        ratio_limit=float(record.ratio_limit),
        max_ratio=float(_in_force(record.ratio_limit, limits.max_ratio)),
        seeding_time=_seeding_time(record, read_at(view, now), limits, finished=finished),
        seeding_time_limit=record.seeding_time_limit,
        max_seeding_time=int(_in_force(record.seeding_time_limit, limits.max_seeding_time)),
        inactive_seeding_time_limit=record.inactive_seeding_time_limit,
        max_inactive_seeding_time=int(
            _in_force(record.inactive_seeding_time_limit, limits.max_inactive_seeding_time)
        ),
        seen_complete=record.completed_at,
        last_activity=record.last_activity,
        time_active=_time_active(view, read_at(view, now), finished=finished),
        auto_tmm=record.auto_managed,
        # Whatever it could be asked for AllDebrid has whole; -1 is "cannot be said yet".
        availability=1.0 if view.done or view.state in AVAILABLE else -1.0,
    )


def aged(
    shown: Torrent, view: TorrentView, now: int, limits: ShareLimits = FIRST_LIMITS
) -> Torrent:
    """Return how the same view looks at another time."""
    finished, moment = is_finished(view), read_at(view, now)
    return msgspec.structs.replace(
        shown,
        seeding_time=_seeding_time(view.record, moment, limits, finished=finished),
        time_active=_time_active(view, moment, finished=finished),
    )


def read_at(view: TorrentView, now: int) -> int:
    """Return the moment whose growing numbers are shown; see the module's theory."""
    if view.state in _BUSY:
        return now
    return now - (now + int(view.record.hash[:4], 16)) % SLOW


def lasts_until(view: TorrentView, now: int) -> int | None:
    """Return when the same view looks otherwise than at `now`; None for never."""
    if view.state in _BUSY:
        return now + 1
    if view.state in _STOPPED and not is_finished(view):
        return None
    return read_at(view, now) + SLOW


def properties(view: TorrentView, now: int, limits: ShareLimits = FIRST_LIMITS) -> Properties:
    """Return the answer to torrents/properties."""
    record = view.record
    finished = is_finished(view)
    downloaded = _downloaded(view, finished=finished)
    active = _time_active(view, now, finished=finished)
    known = view.piece_length > 0
    have = view.pieces if finished else min(view.pieces, downloaded // max(1, view.piece_length))
    return Properties(
        hash=record.hash,
        infohash_v1=record.hash,
        name=valid(record.name) or record.hash,
        save_path=folder(record.save_path),
        comment=valid(record.reason),
        is_private=view.private,
        addition_date=record.added_at,
        completion_date=record.completed_at or UNKNOWN,
        last_seen=record.completed_at or UNKNOWN,
        eta=_eta(view, finished=finished),
        time_elapsed=active,
        seeding_time=_seeding_time(record, now, limits, finished=finished),
        share_ratio=_ratio(record, limits, finished=finished),
        dl_limit=record.download_limit or UNKNOWN,
        up_limit=record.upload_limit or UNKNOWN,
        dl_speed=int(view.speed),
        dl_speed_avg=downloaded // max(1, active),
        seeds=view.remote_seeders,
        seeds_total=view.remote_seeders,
        piece_size=view.piece_length if known else UNKNOWN,
        pieces_have=have if known else 0,
        pieces_num=view.pieces if known else UNKNOWN,
        total_size=record.size or UNKNOWN,
        total_downloaded=downloaded,
        total_downloaded_session=downloaded,
    )


def files(view: TorrentView, listed: Sequence[FileView]) -> list[File]:
    """Return the answer to torrents/files.

    Pieces are counted as if the files lay one behind the other; padding between them, which is
    not listed, shifts the later ones.
    """
    finished = is_finished(view)
    shown: list[File] = []
    offset = 0
    for file in listed:
        shown.append(
            File(
                index=file.index,
                name=valid(file.path),
                size=file.size,
                progress=(1.0 if finished and file.priority else _share(file.flushed, file.size)),
                priority=file.priority,
                is_seed=msgspec.UNSET if shown else finished,
                piece_range=_piece_range(view, offset, file.size),
            )
        )
        offset += file.size
    return shown


def trackers(view: TorrentView) -> list[Tracker]:
    """Return the answer to torrents/trackers.

    The first row is ours and says how things stand; it works, and so do the others as far as
    anybody can tell: AllDebrid announces, we do not.
    """
    own = Tracker(
        url=OWN_ROW,
        status=WORKING,
        tier=-1,
        num_seeds=view.remote_seeders,
        msg=calm(valid(_message(view))),
    )
    return [
        own,
        *(Tracker(url=row, status=DISABLED, tier=-1) for row in DISABLED_ROWS),
        *(
            Tracker(url=tracker_host(url), status=WORKING, tier=tier)
            for tier, url in enumerate(view.trackers)
        ),
    ]


def category(record: CategoryRecord) -> Category:
    """Return a category as torrents/categories shows it."""
    return Category(valid(record.name), valid(record.save_path))


def transfer_info(totals: Totals, limits: SpeedLimits) -> TransferInfo:
    """Return the answer to transfer/info."""
    return TransferInfo(
        connection_status=_connection(totals),
        dl_info_data=totals.downloaded,
        dl_info_speed=int(totals.speed),
        dl_rate_limit=limits.download_now,
        up_rate_limit=limits.upload_now,
    )


def server_state(totals: Totals, limits: SpeedLimits) -> ServerState:
    """Return `server_state` of sync/maindata."""
    return ServerState(
        connection_status=_connection(totals),
        dl_info_data=totals.downloaded,
        dl_info_speed=int(totals.speed),
        dl_rate_limit=limits.download_now,
        up_rate_limit=limits.upload_now,
        use_alt_speed_limits=limits.alternative,
        alltime_dl=totals.downloaded,
        free_space_on_disk=totals.free_space,
    )


def _message(view: TorrentView) -> str:
    if view.record.reason:
        return view.record.reason
    if view.state is State.PREPARING:
        return f"AllDebrid is fetching it: {view.remote_progress:.0%}"
    return ""


def _connection(totals: Totals) -> str:
    return "disconnected" if totals.account_trouble else "connected"


def _progress(downloaded: int, size: int, *, finished: bool) -> float:
    if finished:
        return 1.0
    return min(ALMOST, downloaded / size) if size > 0 else 0.0


def _share(flushed: int, size: int) -> float:
    return min(1.0, flushed / size) if size > 0 else 1.0


def _eta(view: TorrentView, *, finished: bool) -> int:
    if finished or view.eta is None:
        return UNKNOWN_ETA
    return max(0, min(view.eta, UNKNOWN_ETA))


def _downloaded(view: TorrentView, *, finished: bool) -> int:
    return max(view.wanted, view.downloaded) if finished else view.downloaded


def _in_force(own: float, everywhere: float) -> float:
    """Return the limit that holds; -1 for none."""
    return everywhere if own == GLOBAL else max(UNKNOWN, own)


def _ratio(record: TorrentRecord, limits: ShareLimits, *, finished: bool) -> float:
    """Return the ratio that reaches the limit in force; nothing was ever uploaded really."""
    if not finished:
        return 0.0
    return max(MAX_RATIO, float(limits.max_ratio), float(record.ratio_limit))


def _seeding_time(record: TorrentRecord, now: int, limits: ShareLimits, *, finished: bool) -> int:
    """Return seconds since completion, or what the time limit asks for if that is longer."""
    if not finished:
        return 0
    since = now - record.completed_at if record.completed_at else 0
    return max(0, since, int(_in_force(record.seeding_time_limit, limits.max_seeding_time)) * 60)


def _time_active(view: TorrentView, now: int, *, finished: bool) -> int:
    """Return seconds for which the torrent was worked on; pauses in between count as work."""
    record = view.record
    end = now
    if finished:
        end = record.completed_at
    elif view.state in _STOPPED:
        end = record.last_activity
    return max(0, end - record.added_at)


def _piece_range(view: TorrentView, offset: int, size: int) -> tuple[int, int]:
    if view.piece_length <= 0 or view.pieces <= 0:
        return 0, 0
    last_piece = view.pieces - 1
    first = min(last_piece, offset // view.piece_length)
    last = min(last_piece, max(offset, offset + size - 1) // view.piece_length)
    return first, last
