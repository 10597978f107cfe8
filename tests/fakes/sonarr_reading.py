"""What Sonarr and Radarr make of a qBittorrent's answers. Pure.

They read these fields and no others, ignore nulls and what they do not know, and fail as a whole
where one field has the wrong type: then every item of this client is gone until the next poll.
A state they do not know counts as downloading and is never imported; none counts as failed.
"""

import enum
import re
from collections.abc import Callable

import msgspec

CONTENT_PATH = (2, 6, 1)
"""API version from which on `content_path` says where the files are."""

LIMITS_WITH_ADD = (2, 8, 1)
"""API version from which on share limits are sent along with torrents/add."""

INACTIVE_LIMIT = (2, 9, 2)
"""API version from which on there is a limit for the time without activity."""

STOPPED = (2, 11, 0)
"""API version from which on `stopped` is sent instead of `paused`."""

YEAR = 365 * 24 * 3600
"""Seconds; a longer time to go is none."""

UNKNOWN_ETA = 8_640_000

TWO_WEEKS = 14 * 24 * 60
"""Minutes; who seeds longer may remove torrents after that."""

CLOSE = 0.001
"""How far from its limit a ratio counts as having reached it."""


class Status(enum.Enum):
    QUEUED = "Queued"
    DOWNLOADING = "Downloading"
    PAUSED = "Paused"
    WARNING = "Warning"
    COMPLETED = "Completed"


STATUSES = {
    "error": Status.WARNING,
    "stalledDL": Status.WARNING,
    "missingFiles": Status.WARNING,
    "pausedDL": Status.PAUSED,
    "stoppedDL": Status.PAUSED,
    "queuedDL": Status.QUEUED,
    "checkingDL": Status.QUEUED,
    "checkingUP": Status.QUEUED,
    "checkingResumeData": Status.QUEUED,
    "metaDL": Status.QUEUED,
    "forcedMetaDL": Status.QUEUED,
    "downloading": Status.DOWNLOADING,
    "forcedDL": Status.DOWNLOADING,
    "moving": Status.DOWNLOADING,
    "pausedUP": Status.COMPLETED,
    "stoppedUP": Status.COMPLETED,
    "uploading": Status.COMPLETED,
    "stalledUP": Status.COMPLETED,
    "queuedUP": Status.COMPLETED,
    "forcedUP": Status.COMPLETED,
}

MESSAGES = {
    "error": "qBittorrent is reporting an error",
    "stalledDL": "The download is stalled with no connections",
    "missingFiles": "The download is missing files",
}

SAME_PATH = "Unable to Import. Path matches client base download directory"

Version = tuple[int, ...]


class Misread(Exception):
    """An answer that the program cannot read; it shows the message as a failure to connect."""


class Torrent(msgspec.Struct, frozen=True):
    """An element of torrents/info."""

    hash: str
    name: str = ""
    size: int = 0
    progress: float = 0.0
    eta: int = 0
    state: str = ""
    category: str = ""
    save_path: str = ""
    content_path: str = ""
    ratio: float = 0.0
    ratio_limit: float = -2
    seeding_time: int | None = None
    seeding_time_limit: int = -2
    inactive_seeding_time_limit: int = -2
    last_activity: int = 0


class Properties(msgspec.Struct, frozen=True):
    """The answer to torrents/properties."""

    save_path: str = ""
    seeding_time: int = 0


class File(msgspec.Struct, frozen=True):
    """An element of torrents/files."""

    name: str


class Preferences(msgspec.Struct, frozen=True):
    """The answer to app/preferences."""

    save_path: str = ""
    max_ratio_enabled: bool = False
    max_ratio: float = 0.0
    max_seeding_time_enabled: bool = False
    max_seeding_time: int = 0
    max_inactive_seeding_time_enabled: bool = False
    max_inactive_seeding_time: int = 0
    max_ratio_act: int = 0
    queueing_enabled: bool = True
    dht: bool = False


class Category(msgspec.Struct, frozen=True, rename={"save_path": "savePath"}):
    """A value of torrents/categories."""

    name: str = ""
    save_path: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the queue."""

    download_id: str
    """The infohash in upper case: all that ties it to what was grabbed."""
    title: str
    category: str
    size: int
    remaining: int
    seconds_left: int | None
    status: Status
    message: str
    output_path: str
    """Empty where it must be put together from files and properties."""
    can_be_removed: bool
    """Also: whether its files may be moved rather than copied."""


def version(text: str) -> Version:
    """Read what app/webapiVersion says, as .NET's `Version.Parse` does."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+){1,3}", text.strip()):
        raise Misread(f"{text!r} is no version")
    return tuple(map(int, text.strip().split(".")))


def removes_completed(preferences: Preferences) -> bool:
    """Return whether this client would remove torrents behind the program's back."""
    short = preferences.max_seeding_time < TWO_WEEKS
    limited = preferences.max_ratio_enabled or (preferences.max_seeding_time_enabled and short)
    return limited and preferences.max_ratio_act in {1, 3}


def item(
    torrent: Torrent,
    preferences: Preferences,
    api: Version,
    now: float,
    *,
    seeding_time: Callable[[], int],
    removes: bool = True,
) -> Item:
    """Return what becomes of one torrent.

    `seeding_time` asks torrents/properties, where the list says nothing of it. `removes` is the
    client's setting "Remove Completed".
    """
    status = STATUSES.get(torrent.state, Status.DOWNLOADING)
    message = MESSAGES.get(torrent.state, "")
    if torrent.state not in STATUSES:
        message = f"Unknown download state: {torrent.state}"
    if torrent.state in {"metaDL", "forcedMetaDL"} and not preferences.dht:
        status, message = Status.WARNING, "cannot resolve magnet link with DHT disabled"
    path = ""
    if api >= CONTENT_PATH and torrent.content_path != torrent.save_path:
        path = torrent.content_path
    elif api >= CONTENT_PATH and status is Status.COMPLETED:
        status, message = Status.WARNING, SAME_PATH
    if path and not path.startswith("/"):
        status, message = Status.WARNING, f"{path} is not a valid local path"
    rests = torrent.state in {"pausedUP", "stoppedUP"}
    return Item(
        download_id=torrent.hash.upper(),
        title=torrent.name,
        category=torrent.category,
        size=torrent.size,
        remaining=int(torrent.size * (1 - torrent.progress)),
        seconds_left=0 if status is Status.COMPLETED else _seconds_left(torrent.eta),
        status=status,
        message=message,
        output_path=path,
        can_be_removed=removes
        and rests
        and reached_limit(torrent, preferences, now, seeding_time=seeding_time),
    )


def reached_limit(
    torrent: Torrent, preferences: Preferences, now: float, *, seeding_time: Callable[[], int]
) -> bool:
    """Return whether one of the share limits is reached; -1 is no limit, -2 the global one."""
    ratio = _limit(torrent.ratio_limit, preferences.max_ratio_enabled, preferences.max_ratio)
    if ratio is not None and ratio - torrent.ratio <= CLOSE:
        return True
    minutes = _limit(
        torrent.seeding_time_limit,
        preferences.max_seeding_time_enabled,
        preferences.max_seeding_time,
    )
    if minutes is not None:
        seeded = torrent.seeding_time if torrent.seeding_time is not None else seeding_time()
        if seeded >= minutes * 60:
            return True
    idle = _limit(
        torrent.inactive_seeding_time_limit,
        preferences.max_inactive_seeding_time_enabled,
        preferences.max_inactive_seeding_time,
    )
    return idle is not None and now - torrent.last_activity > idle * 60


def first_part(path: str) -> str:
    """Return the first part of a file's path: the folder or the file below the save path."""
    return path.lstrip("/").partition("/")[0]


def _limit(own: float, enabled: bool, common: float) -> float | None:
    if own >= 0:
        return own
    return common if own == -2 and enabled else None


def _seconds_left(eta: int) -> int | None:
    return None if eta < 0 or eta > YEAR or eta == UNKNOWN_ETA else eta
