"""Records to store, each with every field set to something of its own."""

from typing import Any

import msgspec

from engine.store.records import (
    CategoryRecord,
    EndingRecord,
    EventRecord,
    FileRecord,
    PushRecord,
    ReleaseRecord,
    RemovalRecord,
    TorrentRecord,
    UnlockedLink,
)


def infohash(number: int) -> str:
    return f"{number:040x}"


def torrent(number: int = 1, **changes: Any) -> TorrentRecord:
    record = TorrentRecord(
        hash=infohash(number),
        name=f"Show.S01E{number:02}.1080p-GRP",
        state="downloading",
        reason="waits for room",
        category="tv",
        tags=("one", "two, with a comma"),
        save_path="/downloads/complete/tv",
        root=f"Show.S01E{number:02}",
        size=3 * 2**40,
        added_at=1_700_000_000,
        completed_at=1_700_000_100,
        last_activity=1_700_000_200,
        magnet="magnet:?xt=urn:btih:" + infohash(number),
        magnet_id=456,
        owned=True,
        position=7,
        forced=True,
        ratio_limit=1.5,
        seeding_time_limit=60,
        inactive_seeding_time_limit=-1,
        download_limit=2**31 - 1,
        upload_limit=1000,
        auto_managed=True,
        sequential=True,
        first_last=True,
        pausing=True,
    )
    return msgspec.structs.replace(record, **changes)


def file(number: int = 1, index: int = 0, **changes: Any) -> FileRecord:
    record = FileRecord(
        torrent=infohash(number),
        index=index,
        path=f"Show/episode {index}.mkv",
        size=2**33,
        link=f"https://alldebrid.com/f/{number}-{index}",
        flushed=2**26,
        etag='"abc"',
        last_modified="Wed, 21 Oct 2015 07:28:00 GMT",
        priority=6,
        published=True,
    )
    return msgspec.structs.replace(record, **changes)


def event(number: int = 1, at: int = 1_700_000_000, **changes: Any) -> EventRecord:
    record = EventRecord(torrent=infohash(number), at=at, kind="state", detail="queued")
    return msgspec.structs.replace(record, **changes)


def unlocked(link: str = "https://alldebrid.com/f/1", **changes: Any) -> UnlockedLink:
    record = UnlockedLink(
        link=link, url="https://x.debrid.it/dl/secret", unlocked_at=1_700_000_000, max_connections=4
    )
    return msgspec.structs.replace(record, **changes)


def removal(magnet_id: int = 456, number: int = 1) -> RemovalRecord:
    return RemovalRecord(magnet_id=magnet_id, torrent=infohash(number))


def ending(number: int = 1, **changes: Any) -> EndingRecord:
    record = EndingRecord(torrent=infohash(number), failed=True, at=1_700_000_000)
    return msgspec.structs.replace(record, **changes)


def category(name: str = "tv", save_path: str = "series") -> CategoryRecord:
    return CategoryRecord(name=name, save_path=save_path)


def push(number: int = 1, **changes: Any) -> PushRecord:
    """A release that waits and was not tried yet, unless `changes` say otherwise."""
    record = PushRecord(
        id=f"{number:016x}",
        target="sonarr",
        title=f"Show.S01E{number:02}.1080p-GRP",
        words=f"show.s.01.e.{number:02}.1080.p.grp",
        infohash=infohash(number),
        payload='{"title":"Show"}',
        base="http://nas:6500",
        state="waiting",
        accepted_at=1_700_000_000,
        since=1_700_000_000,
    )
    return msgspec.structs.replace(record, **changes)


def tried_push(number: int = 1, **changes: Any) -> PushRecord:
    """A release that was pushed and has ended, every field set."""
    record = push(
        number,
        guessed=True,
        state="grabbed",
        since=1_699_999_999,
        attempts=3,
        tried=True,
        attempted_at=1_700_000_100,
        code=200,
        said="Sonarr approved the release",
        answer='[{"approved":true}]',
        grabbed_at=1_700_000_101,
        ended_at=1_700_000_102,
    )
    return msgspec.structs.replace(record, **changes)


def release(number: int = 1, **changes: Any) -> ReleaseRecord:
    record = ReleaseRecord(
        name=f"Show.S01E{number:02}.1080p-GRP",
        infohash=infohash(number),
        start=f"01.{number:02}.1080",
        size=2**33,
        seen_at=1_700_000_000 + number,
    )
    return msgspec.structs.replace(record, **changes)
