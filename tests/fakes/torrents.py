"""A `Torrents` that keeps everything in memory and downloads nothing by itself.

Tests move its torrents on in words: `finish`, `fail`, `become`. `break_down` lets the next reading
of the list raise, as a bug of ours would. `take_no_changes` lets every change raise Unavailable, as
a store on a full disk does.
"""

import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from engine.jobs.preferences import Preferences
from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.jobs.views import (
    AddRequest,
    BadCategory,
    BadPreference,
    BadTorrent,
    Conflict,
    FileView,
    TorrentView,
    Totals,
    Unavailable,
    UnknownCategory,
    UnknownTorrent,
)
from engine.metainfo import HASH_SIZE, BadMetainfo, parse_magnet, parse_torrent
from engine.store.records import CategoryRecord, EventRecord, TorrentRecord

PRIORITIES = (0, 1, 6, 7)


class InMemoryTorrents:
    def __init__(self, save_path: str = "/downloads/complete", *, now: int = 1_700_000_000) -> None:
        self.now = now
        self.requests: list[AddRequest] = []
        self.rechecked: list[str] = []
        self.files_deleted: list[str] = []
        self.account_trouble = ""
        self._views: dict[str, TorrentView] = {}
        self._files: dict[str, list[FileView]] = {}
        self._events: dict[str, list[EventRecord]] = {}
        self._categories: dict[str, CategoryRecord] = {}
        self._metainfo: dict[str, bytes] = {}
        self._tags: set[str] = set()
        self._preferences = Preferences(max_active_downloads=3, save_path=save_path)
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
        self.know(infohash, files)
        self._change(infohash, completed_at=self.now, position=0)
        self._files[infohash] = [
            msgspec.structs.replace(file, flushed=file.size) for file in self._files[infohash]
        ]
        path = f"{self._views[infohash].record.save_path}/{root}"
        self.become(infohash, State.COMPLETED, downloaded=size, content_path=path)

    def know(self, infohash: str, files: dict[str, int]) -> None:
        """Let the files of a torrent be known, with nothing of them on disk."""
        root = next(iter(files)).split("/")[0]
        self._change(infohash, root=root, size=sum(files.values()))
        self._files[infohash] = [
            FileView(index=index, path=path, size=size, flushed=0)
            for index, (path, size) in enumerate(files.items())
        ]

    def fail(self, infohash: str, reason: str) -> None:
        self.become(infohash, State.ERROR, reason)

    def break_down(self, error: Exception) -> None:
        self._broken = error

    def take_no_changes(self, reason: str) -> None:
        self._unavailable = reason

    # What the API does with it.

    @property
    def save_path(self) -> str:
        return self._preferences.save_path

    async def add(self, request: AddRequest) -> str:
        infohash, name, trackers = self._parse(request)
        self.requests.append(request)
        if infohash in self._views:
            return infohash
        self._check_store()
        await self._make_category(request.category)
        self._tags.update(request.tags)
        self._metainfo[infohash] = request.metainfo
        auto = self._is_auto_managed(request)
        record = TorrentRecord(
            hash=infohash,
            name=request.rename or name or infohash,
            state=State.ADDED.value,
            category=request.category,
            tags=request.tags,
            save_path=self._folder(request.category)
            if auto or not request.save_path
            else posixpath.join(self.save_path, request.save_path),
            auto_managed=auto,
            sequential=request.sequential,
            first_last=request.first_last,
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
        paused = self._preferences.start_paused if request.paused is None else request.paused
        if paused:
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

    async def metainfo(self, infohash: str) -> bytes | None:
        return self._metainfo.get(infohash) or None

    async def piece_hashes(self, infohash: str) -> list[str]:
        return self._pieces(infohash)

    def piece_states(self, infohash: str) -> list[int]:
        there = self._pieces(infohash)
        return [2 if self._views[infohash].state is State.COMPLETED else 0] * len(there)

    def totals(self) -> Totals:
        views = self._views.values()
        return Totals(
            speed=sum(view.speed for view in views),
            downloaded=sum(view.downloaded for view in views),
            free_space=10**12,
            account_trouble=self.account_trouble,
        )

    async def delete(
        self, hashes: list[str] | None, *, delete_files: bool, category: str | None = None
    ) -> None:
        for infohash in self._known(hashes):
            del self._views[infohash]
            self._files.pop(infohash, None)
            self._events.pop(infohash, None)
            self._metainfo.pop(infohash, None)
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

    async def set_category(
        self, hashes: list[str] | None, category: str, *, asking: str | None = None
    ) -> None:
        if category and category not in self._categories:
            raise UnknownCategory(f"There is no category {category!r}.")
        for infohash in self._known(hashes):
            self._change(infohash, category=category)
            self._follow_category(infohash)

    async def rename(self, infohash: str, name: str) -> None:
        self._must_be_there(infohash)
        if not name:
            raise Conflict("The name is empty.")
        self._change(infohash, name=name)

    async def rename_file(self, infohash: str, old: str, new: str) -> None:
        self._must_be_there(infohash)
        paths = [file.path for file in self._files[infohash]]
        if old not in paths:
            raise Conflict(f"There is no file {old!r}.")
        self._check_free(paths, [new])
        self._rename(infohash, {old: new})

    async def rename_folder(self, infohash: str, old: str, new: str) -> None:
        self._must_be_there(infohash)
        paths = [file.path for file in self._files[infohash]]
        renamed = {path: new + path[len(old) :] for path in paths if path.startswith(old + "/")}
        if not renamed:
            raise Conflict(f"There is no folder {old!r}.")
        self._check_free(set(paths) - set(renamed), renamed.values())
        self._rename(infohash, renamed)

    async def set_location(self, hashes: list[str] | None, folder: str) -> None:
        if not folder.startswith("/") or folder.startswith("/proc"):
            raise Conflict(f"Nothing can be written to {folder!r}.")
        for infohash in self._known(hashes):
            self._change(infohash, auto_managed=False)
            self._move(infohash, folder)

    async def set_auto_managed(self, hashes: list[str] | None, *, auto: bool) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, auto_managed=auto)
            self._follow_category(infohash)

    async def set_file_priorities(
        self, infohash: str, indexes: Sequence[int], priority: int
    ) -> None:
        self._must_be_there(infohash)
        files = self._files[infohash]
        if not set(indexes) <= {file.index for file in files} or priority not in PRIORITIES:
            raise Conflict("There is no such file, or no such priority.")
        self._files[infohash] = files = [
            msgspec.structs.replace(file, priority=priority) if file.index in indexes else file
            for file in files
        ]
        skipped = [file for file in files if file.priority == 0]
        self._views[infohash] = msgspec.structs.replace(
            self._views[infohash],
            skipped=sum(file.size for file in skipped),
            skipped_on_disk=sum(file.flushed for file in skipped),
        )

    async def toggle_sequential(self, hashes: list[str] | None) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, sequential=not self._views[infohash].record.sequential)

    async def toggle_first_last(self, hashes: list[str] | None) -> None:
        for infohash in self._known(hashes):
            self._change(infohash, first_last=not self._views[infohash].record.first_last)

    def tags(self) -> list[str]:
        return sorted(self._tags)

    async def create_tags(self, tags: list[str]) -> None:
        self._check_store()
        self._tags.update(tag for tag in tags if tag and "," not in tag)

    async def delete_tags(self, tags: list[str]) -> None:
        self._check_store()
        self._tags.difference_update(tags)
        if tags:
            await self.remove_tags(None, tags)

    async def add_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        await self.create_tags(tags)
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

    def preferences(self) -> Preferences:
        return self._preferences

    async def change_preferences(self, change: Callable[[Preferences], Preferences]) -> None:
        self._check_store()
        new = change(self._preferences)
        if not new.save_path.startswith("/") or new.max_ratio_act or new.max_active_downloads < -1:
            raise BadPreference("That is no preference for us.")
        self._preferences = new

    async def to_higher(self, hashes: list[str] | None) -> None:
        self._queue(_raised(self._queued(), self._known(hashes)))

    async def to_lower(self, hashes: list[str] | None) -> None:
        self._queue(_raised(self._queued()[::-1], self._known(hashes))[::-1])

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

    async def edit_category(self, name: str, save_path: str) -> None:
        self._check_store()
        if name not in self._categories:
            raise UnknownCategory(f"There is no category {name!r}.")
        self._categories[name] = CategoryRecord(name=name, save_path=save_path)
        for view in list(self._views.values()):
            if view.record.category == name:
                self._follow_category(view.record.hash)

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

    def _must_be_there(self, infohash: str) -> None:
        self._check_store()
        if infohash not in self._views:
            raise UnknownTorrent(f"There is no torrent {infohash}.")

    def _is_auto_managed(self, request: AddRequest) -> bool:
        if request.auto_managed is not None:
            return request.auto_managed
        return not request.save_path and self._preferences.auto_managed

    def _folder(self, category: str) -> str:
        named = self._categories[category].save_path if category in self._categories else ""
        return posixpath.join(self.save_path, named or category) if category else self.save_path

    def _follow_category(self, infohash: str) -> None:
        record = self._views[infohash].record
        if record.auto_managed:
            self._move(infohash, self._folder(record.category))

    def _move(self, infohash: str, folder: str) -> None:
        self._change(infohash, save_path=folder)
        view = self._views[infohash]
        path = f"{folder}/{view.record.root}" if view.record.root else ""
        self._views[infohash] = msgspec.structs.replace(view, content_path=path)

    def _pieces(self, infohash: str) -> list[str]:
        """Return the piece hashes in hex."""
        if not self._metainfo.get(infohash):
            return []
        pieces = parse_torrent(self._metainfo[infohash]).pieces
        return [pieces[at : at + HASH_SIZE].hex() for at in range(0, len(pieces), HASH_SIZE)]

    def _check_free(self, taken: Iterable[str], wanted: Iterable[str]) -> None:
        for path in wanted:
            if path in taken or path.startswith("/") or ".." in path.split("/") or not path:
                raise Conflict(f"A file cannot be named {path!r}.")

    def _rename(self, infohash: str, renamed: dict[str, str]) -> None:
        self._files[infohash] = files = [
            msgspec.structs.replace(file, path=renamed.get(file.path, file.path))
            for file in self._files[infohash]
        ]
        self._change(infohash, root=files[0].path.split("/")[0])
        self._move(infohash, self._views[infohash].record.save_path)

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


def _raised(queue: list[str], chosen: list[str]) -> list[str]:
    """Return the queue with those that are chosen one place nearer to its head."""
    queue = queue[:]
    for place in range(1, len(queue)):
        before, one = queue[place - 1 : place + 1]
        if one in chosen and before not in chosen:
            queue[place - 1 : place + 1] = one, before
    return queue
