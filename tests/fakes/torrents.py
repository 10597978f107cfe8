"""A `Torrents` that keeps everything in memory and downloads nothing by itself.

Tests move its torrents on in words: `finish`, `fail`, `become`. `break_down` lets the next reading
of the list raise, as a bug of ours would. `take_no_changes` lets every change raise Unavailable, as
a store on a full disk does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.jobs.views import (
    AddRequest,
    BadCategory,
    BadTorrent,
    FileView,
    TorrentView,
    Totals,
    Unavailable,
    UnknownCategory,
)
from engine.metainfo import BadMetainfo, parse_magnet, parse_torrent
from engine.store.records import CategoryRecord, EventRecord, TorrentRecord


class InMemoryTorrents:
    def __init__(self, save_path: str = "/downloads/complete", *, now: int = 1_700_000_000) -> None:
        self.save_path = save_path
        self.now = now
        self.requests: list[AddRequest] = []
        self.rechecked: list[str] = []
        self.files_deleted: list[str] = []
        self.account_trouble = ""
        self._views: dict[str, TorrentView] = {}
        self._files: dict[str, list[FileView]] = {}
        self._events: dict[str, list[EventRecord]] = {}
        self._categories: dict[str, CategoryRecord] = {}
        self._speed_limits = SpeedLimits()
        self._broken: Exception | None = None
        self._unavailable = ""

    def __repr__(self) -> str:
        return f"<InMemoryTorrents {len(self._views)} torrents>"

    # What tests do to it.

    def put(self, view: TorrentView, files: list[FileView] | None = None) -> None:
        self._views[view.record.hash] = view
        self._files[view.record.hash] = files or []

    def become(self, infohash: str, state: State, reason: str = "", **changes: Any) -> None:
        self._change(infohash, state=state.value, reason=reason)
        self._views[infohash] = msgspec.structs.replace(
            self._views[infohash], state=state, **changes
        )
        self._note(infohash, "state", state.value)

    def finish(self, infohash: str, files: dict[str, int]) -> None:
        """Let a torrent be complete with files of these sizes, by path below `save_path`."""
        root = next(iter(files)).split("/")[0]
        size = sum(files.values())
        self._change(infohash, root=root, size=size, completed_at=self.now, position=0)
        path = f"{self._views[infohash].record.save_path}/{root}"
        self._files[infohash] = [
            FileView(index=index, path=path, size=size, flushed=size)
            for index, (path, size) in enumerate(files.items())
        ]
        self.become(infohash, State.COMPLETED, downloaded=size, content_path=path)

    def fail(self, infohash: str, reason: str) -> None:
        self.become(infohash, State.ERROR, reason)

    def break_down(self, error: Exception) -> None:
        self._broken = error

    def take_no_changes(self, reason: str) -> None:
        self._unavailable = reason

    # What the API does with it.

    async def add(self, request: AddRequest) -> str:
        infohash, name, trackers = self._parse(request)
        self.requests.append(request)
        if infohash in self._views:
            return infohash
        self._check_store()
        await self._make_category(request.category)
        record = TorrentRecord(
            hash=infohash,
            name=request.rename or name or infohash,
            state=State.ADDED.value,
            category=request.category,
            tags=request.tags,
            save_path=request.save_path or self._folder(request.category),
            added_at=self.now,
            magnet=request.magnet,
            has_metainfo=bool(request.metainfo),
            position=1 + max((view.record.position for view in self._views.values()), default=0),
            forced=request.forced,
            ratio_limit=request.ratio_limit,
            seeding_time_limit=request.seeding_time_limit,
            inactive_seeding_time_limit=request.inactive_seeding_time_limit,
            download_limit=request.download_limit,
            upload_limit=request.upload_limit,
        )
        self.put(TorrentView(record=record, state=State.ADDED, trackers=trackers))
        self._note(infohash, "added", "")
        if request.paused:
            self.become(infohash, State.PAUSED)
        return infohash

    def views(self) -> list[TorrentView]:
        if self._broken is not None:
            error, self._broken = self._broken, None
            raise error
        return list(self._views.values())

    def view(self, infohash: str) -> TorrentView | None:
        return self._views.get(infohash)

    def files(self, infohash: str) -> list[FileView]:
        return self._files.get(infohash, [])

    async def events(self, infohash: str) -> list[EventRecord]:
        return self._events.get(infohash, [])

    def totals(self) -> Totals:
        views = self._views.values()
        return Totals(
            speed=sum(view.speed for view in views),
            downloaded=sum(view.downloaded for view in views),
            free_space=10**12,
            account_trouble=self.account_trouble,
        )

    async def delete(self, hashes: list[str] | None, *, delete_files: bool) -> None:
        for infohash in self._known(hashes):
            del self._views[infohash]
            self._files.pop(infohash, None)
            self._events.pop(infohash, None)
            if delete_files:
                self.files_deleted.append(infohash)

    async def pause(self, hashes: list[str] | None) -> None:
        for infohash in self._known(hashes):
            if self._views[infohash].state not in {State.COMPLETED, State.PAUSED}:
                self.become(infohash, State.PAUSED)

    async def resume(self, hashes: list[str] | None) -> None:
        for infohash in self._known(hashes):
            if self._views[infohash].state in {State.PAUSED, State.ERROR}:
                self.become(infohash, State.ADDED)

    async def recheck(self, hashes: list[str] | None) -> None:
        for infohash in self._known(hashes):
            self.rechecked.append(infohash)
            self.become(infohash, State.CHECKING)

    async def set_category(self, hashes: list[str] | None, category: str) -> None:
        if category and category not in self._categories:
            raise UnknownCategory(f"There is no category {category!r}.")
        for infohash in self._known(hashes):
            self._change(infohash, category=category)

    async def add_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        for infohash in self._known(hashes):
            old = self._views[infohash].record.tags
            self._change(infohash, tags=tuple(dict.fromkeys((*old, *tags))))

    async def remove_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        for infohash in self._known(hashes):
            old = self._views[infohash].record.tags
            left = tuple(tag for tag in old if tag not in tags) if tags else ()
            self._change(infohash, tags=left)

    async def set_forced(self, hashes: list[str] | None, *, forced: bool) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, forced=forced)

    async def set_share_limits(
        self,
        hashes: list[str] | None,
        *,
        ratio_limit: float,
        seeding_time_limit: int,
        inactive_seeding_time_limit: int,
    ) -> None:
        for infohash in self._known(hashes):
            self._change(
                infohash,
                ratio_limit=ratio_limit,
                seeding_time_limit=seeding_time_limit,
                inactive_seeding_time_limit=inactive_seeding_time_limit,
            )

    async def set_download_limit(self, hashes: list[str] | None, limit: int) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, download_limit=limit)

    async def set_upload_limit(self, hashes: list[str] | None, limit: int) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, upload_limit=limit)

    def speed_limits(self) -> SpeedLimits:
        return self._speed_limits

    async def change_speed_limits(self, change: Callable[[SpeedLimits], SpeedLimits]) -> None:
        self._check_store()
        self._speed_limits = change(self._speed_limits)

    async def to_top(self, hashes: list[str] | None) -> None:
        moved = self._known(hashes)
        self._queue(moved + [one for one in self._queued() if one not in moved])

    async def to_bottom(self, hashes: list[str] | None) -> None:
        moved = self._known(hashes)
        self._queue([one for one in self._queued() if one not in moved] + moved)

    def categories(self) -> list[CategoryRecord]:
        return [self._categories[name] for name in sorted(self._categories)]

    async def create_category(self, name: str, save_path: str) -> None:
        self._check_store()
        if name.startswith("/") or name.endswith("/") or "//" in name or "\\" in name:
            raise BadCategory(f"{name!r} is no category name: slashes stand between words only.")
        self._categories.setdefault(name, CategoryRecord(name=name, save_path=save_path))

    async def remove_categories(self, names: list[str]) -> None:
        self._check_store()
        for name in names:
            self._categories.pop(name, None)
        for view in list(self._views.values()):
            if view.record.category in names:
                self._change(view.record.hash, category="")

    def _parse(self, request: AddRequest) -> tuple[str, str, tuple[str, ...]]:
        try:
            if request.magnet:
                magnet = parse_magnet(request.magnet)
                return magnet.infohash, magnet.name, magnet.trackers
            meta = parse_torrent(request.metainfo)
        except BadMetainfo as error:
            raise BadTorrent(str(error)) from error
        return meta.infohash, meta.name, meta.trackers

    async def _make_category(self, name: str) -> None:
        """Let there be a category of this name."""
        try:
            if name:
                await self.create_category(name, "")
        except BadCategory as error:
            raise BadTorrent(str(error)) from error

    def _check_store(self) -> None:
        if self._unavailable:
            raise Unavailable(self._unavailable)

    def _folder(self, category: str) -> str:
        return f"{self.save_path}/{category}" if category else self.save_path

    def _known(self, hashes: list[str] | None) -> list[str]:
        """Return the hashes that there are and shall be changed, in queue order."""
        self._check_store()
        chosen = self._views if hashes is None else set(hashes)
        return [one for one in self._queued() if one in chosen]

    def _queued(self) -> list[str]:
        return sorted(self._views, key=lambda one: self._views[one].record.position)

    def _queue(self, order: list[str]) -> None:
        waiting = [one for one in order if self._views[one].state is not State.COMPLETED]
        for position, infohash in enumerate(waiting, start=1):
            self._change(infohash, position=position)

    def _change(self, infohash: str, **changes: Any) -> None:
        view = self._views[infohash]
        record = msgspec.structs.replace(view.record, **changes)
        self._views[infohash] = msgspec.structs.replace(view, record=record)

    def _note(self, infohash: str, kind: str, detail: str) -> None:
        event = EventRecord(torrent=infohash, at=self.now, kind=kind, detail=detail)
        self._events.setdefault(infohash, []).append(event)
