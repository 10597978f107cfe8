"""What Sonarr and Radarr know of a download of theirs, and what can be done about it.

A download is known by the torrent's infohash, in capitals. A season pack has a record for each of
its episodes, in the queue as well as in the history; what is done to one of them is done to all.
"""

import datetime as dt
from collections.abc import Sequence

import msgspec

from arrpush.arr import Arr

PAGE = 500
"""Records asked for at a time."""

MOST_PAGES = 100
"""More pages than any queue has: a program that counts wrong must not keep us for ever."""

NEWEST = 250
"""Records of a download's history that are read; a long season has as many episodes."""

GRABBED = "grabbed"
FAILED = "downloadFailed"
IMPORTED = "downloadFolderImported"
IGNORED = "downloadIgnored"


class QueueRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the queue; those that wait for their grab have no download yet."""

    id: int
    download_id: str | None = None


class QueuePage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the queue."""

    records: list[QueueRecord]
    total_records: int = 0


class HistoryRecord(msgspec.Struct, frozen=True, rename="camel"):
    """Something that happened to a download; a later one has a larger id."""

    id: int
    event_type: str = ""
    download_id: str | None = None
    source_title: str | None = None
    """The name of the release, as it was grabbed."""
    date: dt.datetime | None = None


class HistoryPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the history."""

    records: list[HistoryRecord]


async def queued(arr: Arr, infohash: str) -> list[int]:
    """Return the ids of a download's records in the queue. Raises ArrTrouble."""
    found: list[int] = []
    seen = 0
    for page in range(1, MOST_PAGES + 1):
        part = await arr.get(
            "/queue",
            QueuePage,
            page=page,
            pageSize=PAGE,
            # Each of the two programs knows one of them and ignores the other.
            includeUnknownSeriesItems=True,
            includeUnknownMovieItems=True,
        )
        found += [record.id for record in part.records if _is(record.download_id, infohash)]
        seen += len(part.records)
        # Asked for more than there is, they send the last page once more.
        if not part.records or seen >= part.total_records:
            break
    return list(dict.fromkeys(found))


async def history(arr: Arr, infohash: str) -> list[HistoryRecord]:
    """Return what happened to a download, the newest first. Raises ArrTrouble."""
    found = await _recent(arr, downloadId=infohash.upper())
    return _newest_first([one for one in found if _is(one.download_id, infohash)])


async def grab_of(arr: Arr, title: str, infohash: str, since: float) -> str:
    """Return the infohash of what was grabbed since a Unix time, "" for nothing.

    Where the infohash is not known ("") the title tells, as it was pushed. Raises ArrTrouble.
    """
    if infohash:
        found = await history(arr, infohash)
    else:
        found = [one for one in await _recent(arr) if one.source_title == title]
    grabs = [one for one in found if one.event_type == GRABBED and _is_since(one, since)]
    return (grabs[0].download_id or "").lower() if grabs else ""


async def give_up(arr: Arr, queue_id: int) -> None:
    """Have a download removed, its release blocklisted and another one searched.

    The program deletes the torrent through our API before it answers. Raises ArrTrouble.
    """
    await arr.delete(
        f"/queue/{queue_id}", removeFromClient=True, blocklist=True, skipRedownload=False
    )


async def mark_failed(arr: Arr, history_id: int) -> None:
    """Have the release of a grab blocklisted and another one searched. Raises ArrTrouble."""
    await arr.post(f"/history/failed/{history_id}")


async def look(arr: Arr) -> None:
    """Have the program look at its downloads now, and import what is finished.

    Raises ArrTrouble.
    """
    await arr.post("/command", {"name": "RefreshMonitoredDownloads"})


async def _recent(arr: Arr, **query: str) -> list[HistoryRecord]:
    page = await arr.get(
        "/history",
        HistoryPage,
        page=1,
        pageSize=NEWEST,
        sortKey="date",
        sortDirection="descending",
        **query,
    )
    return page.records


def _newest_first(records: Sequence[HistoryRecord]) -> list[HistoryRecord]:
    return sorted(records, key=lambda record: record.id, reverse=True)


def _is(download_id: str | None, infohash: str) -> bool:
    return download_id is not None and download_id.lower() == infohash


def _is_since(record: HistoryRecord, since: float) -> bool:
    if record.date is None:
        return True
    aware = record.date if record.date.tzinfo else record.date.replace(tzinfo=dt.UTC)
    return aware.timestamp() >= since
