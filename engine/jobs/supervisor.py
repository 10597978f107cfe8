"""The torrents as a whole: what the API may ask of them, and what goes on by itself.

`Supervisor` implements `engine.jobs.views.Torrents`. It owns the ledger, the queue and the tasks,
and is given everything that reaches outside: store, AllDebrid, engine, clock. All methods run on
the event loop's thread.

Guarantees
    After `start` every torrent that does not rest is worked on again, from where its stored state
    says. After `stop` no thread and no task of ours runs, and nothing more is written.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from engine.alldebrid.client import AllDebrid
from engine.alldebrid.poller import Poller
from engine.jobs.availability import told_plainly
from engine.jobs.carry import Carrier
from engine.jobs.categories import Categories
from engine.jobs.config import JobsConfig, Timing
from engine.jobs.crew import Crew
from engine.jobs.drive import tidy
from engine.jobs.errands import Errands
from engine.jobs.errors import Forgotten
from engine.jobs.fetch import Unlocker, in_thread
from engine.jobs.folders import category_folder
from engine.jobs.intake import Arrival, parsed, received
from engine.jobs.job import Tools
from engine.jobs.ledger import Entry, Ledger
from engine.jobs.ondisk import total_space
from engine.jobs.orders import Orders
from engine.jobs.piecemap import piece_states
from engine.jobs.places import Places, checked_folder
from engine.jobs.preferences import Preferences
from engine.jobs.preferred import PreferenceKeeper, limits_of
from engine.jobs.queue import Candidate
from engine.jobs.sharing import Sharing, categories_of
from engine.jobs.slots import Slots
from engine.jobs.snapshot import Snapshots, facts_of, file_views
from engine.jobs.speed import Configured, SpeedLimiter, SpeedLimits
from engine.jobs.states import RESTING, State
from engine.jobs.tags import Tags, cleaned
from engine.jobs.turns import Turns
from engine.jobs.views import (
    AddRequest,
    BadCategory,
    BadPreference,
    BadTorrent,
    Conflict,
    FileView,
    TorrentView,
    Totals,
    UnknownCategory,
    UnknownTorrent,
)
from engine.jobs.wanted import rests
from engine.metainfo import HASH_SIZE
from engine.store import links
from engine.store.errors import StoreError
from engine.store.records import CategoryRecord, EventRecord, RemovalRecord, TorrentRecord
from engine.store.store import Store
from engine.transfer import disk
from engine.transfer.download import Engine
from engine.transfer.errors import DiskTrouble

T = TypeVar("T")

DAY = 86_400.0
"""Seconds between two cleanings of the store, and the age of links that are of no more use."""

SPACE_AGE = 5.0
"""Seconds the reading of the free space is shown before it is taken again."""

_INFOHASH = re.compile(r"[0-9a-f]{40}")

logger = logging.getLogger("engine.jobs.supervisor")


class Supervisor:
    """All torrents of the service; see `engine.jobs.views.Torrents` for what they answer."""

    def __init__(
        self,
        config: JobsConfig,
        *,
        store: Store,
        client: AllDebrid,
        poller: Poller,
        unlocker: Unlocker,
        engine: Engine,
        timing: Timing | None = None,
        free_space: Callable[[Path], int] = disk.free_space,
        total_space: Callable[[Path], int] = total_space,
        ended: Callable[[], None] | None = None,
        finished: Callable[[TorrentRecord], None] | None = None,
    ) -> None:
        """`ended` hears that the endings in the store have changed; without it there are none.

        `finished` is told of each torrent that is complete.
        """
        timing = timing or Timing()
        self._config = config
        self._store = store
        self._client = client
        self._timing = timing
        self._free_space = free_space
        self._space = (float("-inf"), 0)
        self._ledger = Ledger(store, timing.now, ended, finished)
        self._categories = Categories(store, config.complete)
        self._tags = Tags(store)
        self._preferred = PreferenceKeeper(store, config, prepare=self._prepare, hold=self._hold)
        self._snapshots = Snapshots()
        configured = Configured(
            download=config.download_limit, alternative_download=config.alternative_download_limit
        )
        self._speed = SpeedLimiter(store, engine.pace, configured)
        limits = limits_of(self._preferred.preferences, config)
        self._turns = Turns(limits, self._candidate)
        self._slots = Slots(
            lambda infohash: self._ledger.record(infohash).position,
            sleep=timing.sleep,
            uniform=timing.uniform,
        )
        self._errands = Errands(
            client.delete,
            done=self._ledger.taken_off,
            pending=self._removals,
            sleep=timing.sleep,
        )
        self._tools = Tools(
            config=config,
            timing=timing,
            ledger=self._ledger,
            client=client,
            poller=poller,
            unlocker=unlocker,
            engine=engine,
            turns=self._turns,
            slots=self._slots,
            errands=self._errands,
            free_space=free_space,
            total_space=total_space,
            publishing=set(),
            checking=asyncio.Lock(),
        )
        self._crew = Crew(self._tools)
        self._carrier = Carrier(self._tools, self._crew)
        self._orders = Orders(self._tools, self._crew, self._carrier, self._snapshots)
        self._places = Places(self._tools, self._crew, self._categories, self._carrier)
        self._sharing = Sharing(
            self._tools, self._crew, self._carrier, self._categories, self._orders, self._places
        )
        self._chores: list[asyncio.Task[None]] = []

    @property
    def save_path(self) -> str:
        """Absolute folder of finished files."""
        return self._preferred.preferences.save_path

    def __repr__(self) -> str:
        return f"<Supervisor {self._ledger!r} {self._crew!r} {self._turns!r} {self._slots!r}>"

    async def start(self, *, another_account: bool = False) -> None:
        """Read what is stored and go on with it. Raises StoreError, DiskFull, DiskTrouble.

        `another_account` says that AllDebrid is asked for another account than the last time:
        its ids, its links and what was to be removed there are forgotten before any work begins,
        and are never named to the new one. Doing so twice does no harm.
        """
        for folder in (self._config.complete, self._config.incomplete):
            await in_thread(disk.make_folder, folder)
        await self._ledger.load()
        if another_account:
            await self._ledger.forget_account()
        await self._preferred.load()
        await self._categories.load()
        await self._tags.load()
        await self._speed.load()
        await in_thread(
            _report_strangers,
            self._config.incomplete,
            {one.record.hash for one in self._all()},
        )
        for entry in self._all():
            if not rests(entry.state, entry.files):
                self._crew.start(entry.record.hash)
            self._carrier.go_on(entry.record.hash)
            await self._sharing.go_on(entry.record.hash)
            tidy(self._tools, entry.record.hash)
        for removal in self._removals():
            self._errands.take_off(removal)
        self._chores = [
            asyncio.create_task(_logged(chore), name="chore")
            for chore in (self._learn_facts, self._clean_daily)
        ]

    async def stop(self) -> None:
        """End all work; what is stored says how to go on."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self._carrier.close()
        await self._crew.close()
        await self._errands.close()
        await self._ledger.settled()

    @told_plainly
    async def add(self, request: AddRequest) -> str:
        """Store a torrent and begin to work on it. Raises BadTorrent."""
        return await _to_the_end(self._add(request, await received(request)))

    def views(self) -> list[TorrentView]:
        """Return all torrents, in the order they were added."""
        now, trouble = self._timing.monotonic(), self._trouble()
        return self._snapshots.views(self._ledger, self._crew.by_hash(), now, trouble)

    def view(self, infohash: str) -> TorrentView | None:
        """Return one torrent, by lower-case infohash."""
        entry = self._ledger.find(infohash)
        if entry is None:
            return None
        now, trouble = self._timing.monotonic(), self._trouble()
        return self._snapshots.view(entry, self._crew.live(infohash), now, trouble)

    def files(self, infohash: str) -> list[FileView]:
        """Return the files of a torrent, in torrent order; empty while they are not known."""
        entry = self._ledger.find(infohash)
        if entry is None:
            return []
        return file_views(entry, self._crew.live(infohash), self._timing.monotonic())

    @told_plainly
    async def events(self, infohash: str) -> list[EventRecord]:
        """Return what happened to a torrent, oldest first."""
        return await self._ledger.events(infohash)

    @told_plainly
    async def metainfo(self, infohash: str) -> bytes | None:
        """Return the .torrent as it was added; None for a magnet or an unknown torrent."""
        return await self._ledger.metainfo(infohash)

    @told_plainly
    async def piece_hashes(self, infohash: str) -> list[str]:
        """Return the SHA-1 of each piece in hex; empty for a magnet or an unknown torrent."""
        data = await self._ledger.metainfo(infohash)
        if data is None:
            return []
        hashes = (await parsed(data)).pieces
        return [hashes[at : at + HASH_SIZE].hex() for at in range(0, len(hashes), HASH_SIZE)]

    def piece_states(self, infohash: str) -> list[int]:
        """Return for each piece 0 (missing), 1 (downloading) or 2 (on disk)."""
        entry, facts = self._ledger.find(infohash), self._snapshots.facts(infohash)
        if entry is None or not facts.pieces:
            return []
        if not entry.files:
            return [0] * facts.pieces
        live = self._crew.live(infohash)
        return piece_states(
            entry.files,
            facts.offsets,
            piece_length=facts.piece_length,
            pieces=facts.pieces,
            downloading=None if live is None else live.index,
        )

    def totals(self) -> Totals:
        """Return numbers about the whole service."""
        running = [progress for live in self._crew.lives() if (progress := live.progress())]
        return Totals(
            speed=sum(progress.speed for progress in running),
            downloaded=self._crew.received + sum(progress.received for progress in running),
            free_space=self._room(),
            account_trouble=self._client.account.trouble,
        )

    @told_plainly
    async def delete(
        self, hashes: list[str] | None, *, delete_files: bool, category: str | None = None
    ) -> None:
        """Forget torrents; with `delete_files` also what was downloaded of them."""
        await self._each(
            hashes,
            lambda one: self._sharing.delete(one, category, delete_files=delete_files),
        )

    @told_plainly
    async def pause(self, hashes: list[str] | None) -> None:
        """Stop work on torrents until they are resumed."""
        await self._each(hashes, self._orders.pause)

    @told_plainly
    async def resume(self, hashes: list[str] | None) -> None:
        """Go on with paused and failed torrents."""
        self._client.account.nudge()
        await self._each(hashes, self._orders.resume)

    @told_plainly
    async def recheck(self, hashes: list[str] | None) -> None:
        """Verify what is on disk against the piece hashes, or sizes where there are none."""
        await self._each(hashes, self._orders.recheck)

    @told_plainly
    async def set_category(
        self, hashes: list[str] | None, category: str, *, asking: str | None = None
    ) -> None:
        """Give torrents a category ("" for none). Raises UnknownCategory."""
        if category and category not in self._categories:
            raise UnknownCategory(f"there is no category {category!r}")
        await self._each(hashes, lambda one: self._sharing.categorise(one, category, asking))

    @told_plainly
    async def rename(self, infohash: str, name: str) -> None:
        """Change the name that is shown. Raises UnknownTorrent, Conflict."""
        await self._to(infohash, lambda one: self._places.rename(one, name))

    @told_plainly
    async def rename_file(self, infohash: str, old: str, new: str) -> None:
        """Give a file another path, on disk too. Raises UnknownTorrent, Conflict."""
        await self._to(infohash, lambda one: self._places.rename_file(one, old, new))

    @told_plainly
    async def rename_folder(self, infohash: str, old: str, new: str) -> None:
        """Give a folder another path, on disk too. Raises UnknownTorrent, Conflict."""
        await self._to(infohash, lambda one: self._places.rename_folder(one, old, new))

    @told_plainly
    async def set_location(self, hashes: list[str] | None, folder: str) -> None:
        """Move torrents to another folder, on disk too. Raises Conflict."""
        place = await in_thread(checked_folder, folder, self._config.incomplete)
        known = self._known(hashes)
        for infohash in known:  # all or none, as far as can be told before it is tried
            with contextlib.suppress(Forgotten):
                await self._places.check(infohash, place)
        await self._each(known, lambda one: self._places.relocate(one, place, auto=False))

    @told_plainly
    async def set_auto_managed(self, hashes: list[str] | None, *, auto: bool) -> None:
        """Let the folder of torrents be that of their category, always or no longer."""
        await self._each(hashes, self._places.follow if auto else self._places.stay)

    @told_plainly
    async def set_file_priorities(
        self, infohash: str, indexes: Sequence[int], priority: int
    ) -> None:
        """Give files of a torrent a priority. Raises UnknownTorrent, Conflict."""
        if infohash not in self._ledger:
            raise UnknownTorrent(f"there is no torrent {infohash}")
        await self._each(
            [infohash], lambda one: self._orders.prioritise(one, list(indexes), priority)
        )

    @told_plainly
    async def toggle_sequential(self, hashes: list[str] | None) -> None:
        """Store the opposite for each torrent."""
        await self._change(hashes, lambda old: replace(old, sequential=not old.sequential))

    @told_plainly
    async def toggle_first_last(self, hashes: list[str] | None) -> None:
        """Store the opposite for each torrent."""
        await self._change(hashes, lambda old: replace(old, first_last=not old.first_last))

    def tags(self) -> list[str]:
        """Return all tags there are, by name."""
        return self._tags.listed()

    @told_plainly
    async def create_tags(self, tags: list[str]) -> None:
        """Create tags; those that exist stay."""
        await self._tags.create(cleaned(tags))

    @told_plainly
    async def delete_tags(self, tags: list[str]) -> None:
        """Delete tags, and take them from all torrents."""
        gone = set(cleaned(tags))
        members = [one.record.hash for one in self._all() if gone & set(one.record.tags)]
        if members:
            await self._change(members, lambda old: replace(old, tags=_without(old.tags, gone)))
        await self._tags.delete(gone)

    @told_plainly
    async def add_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        """Add tags to torrents."""
        new = cleaned(tags)
        await self._tags.create(new)
        await self._change(hashes, lambda old: replace(old, tags=_with(old.tags, new)))

    @told_plainly
    async def remove_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        """Remove tags from torrents; an empty list removes all."""
        await self._change(hashes, lambda old: replace(old, tags=_without(old.tags, tags)))

    @told_plainly
    async def set_forced(self, hashes: list[str] | None, *, forced: bool) -> None:
        """Let torrents download regardless of the queue's limits, or no longer.

        To force one that was paused or has failed is to resume it, as with qBittorrent.
        """
        await self._change(
            hashes, lambda old: replace(old, forced=forced and old.state != State.COMPLETED)
        )
        if forced:
            await self._each(hashes, self._orders.resume)
        self._turns.review()
        await self._each(self._turns.excess(), self._orders.queue)

    @told_plainly
    async def set_share_limits(
        self,
        hashes: list[str] | None,
        *,
        ratio_limit: float,
        seeding_time_limit: int,
        inactive_seeding_time_limit: int,
    ) -> None:
        """Store share limits (-2 global, -1 none; minutes)."""
        await self._change(
            hashes,
            lambda old: replace(
                old,
                ratio_limit=ratio_limit,
                seeding_time_limit=seeding_time_limit,
                inactive_seeding_time_limit=inactive_seeding_time_limit,
            ),
        )

    @told_plainly
    async def set_download_limit(self, hashes: list[str] | None, limit: int) -> None:
        """Let each of the torrents download at `limit` bytes per second at most; 0 for no limit."""
        await _to_the_end(self._limit(hashes, limit))

    @told_plainly
    async def set_upload_limit(self, hashes: list[str] | None, limit: int) -> None:
        """Store a limit for what is never done."""
        await self._change(hashes, lambda old: replace(old, upload_limit=limit))

    def speed_limits(self) -> SpeedLimits:
        """Return the limits that hold for all torrents together."""
        return self._speed.limits

    @told_plainly
    async def change_speed_limits(self, change: Callable[[SpeedLimits], SpeedLimits]) -> None:
        """Change the limits that hold for all torrents together."""
        await _to_the_end(self._speed.change(change))

    def preferences(self) -> Preferences:
        """Return what clients may set."""
        return self._preferred.preferences

    @told_plainly
    async def change_preferences(self, change: Callable[[Preferences], Preferences]) -> None:
        """Change what clients may set. Raises BadPreference."""
        folder = self.save_path
        await _to_the_end(self._preferred.change(change))
        if self.save_path != folder:
            await self._categories.make_folders()
        await self._each(self._turns.excess(), self._orders.queue)

    @told_plainly
    async def to_higher(self, hashes: list[str] | None) -> None:
        """Move torrents one place up in the queue."""
        await self._ledger.put_higher(self._known(hashes))
        self._turns.review()

    @told_plainly
    async def to_lower(self, hashes: list[str] | None) -> None:
        """Move torrents one place down in the queue."""
        await self._ledger.put_lower(self._known(hashes))
        self._turns.review()

    @told_plainly
    async def to_top(self, hashes: list[str] | None) -> None:
        """Move torrents to the head of the queue, keeping their order."""
        await self._ledger.put_first(self._known(hashes))
        self._turns.review()

    @told_plainly
    async def to_bottom(self, hashes: list[str] | None) -> None:
        """Move torrents to the end of the queue, keeping their order."""
        await self._ledger.put_last(self._known(hashes))
        self._turns.review()

    def categories(self) -> list[CategoryRecord]:
        """Return all categories, by name."""
        return self._categories.listed()

    @told_plainly
    async def create_category(self, name: str, save_path: str) -> None:
        """Create a category and its folder; one that exists keeps its path. Raises BadCategory."""
        await self._categories.create(name, save_path)

    @told_plainly
    async def edit_category(self, name: str, save_path: str) -> None:
        """Give a category another folder. Raises UnknownCategory, BadCategory."""
        await self._categories.edit(name, save_path)
        members = [
            one.record.hash
            for one in self._all()
            if one.record.category == name and one.record.auto_managed
        ]
        await self._each(members, self._places.follow)
        sharing = [one.record.hash for one in self._all() if name in categories_of(one)]
        await self._each(sharing, partial(self._sharing.follow, category=name))

    @told_plainly
    async def remove_categories(self, names: list[str]) -> None:
        """Remove categories; their torrents keep their files and have none from then on."""
        for name in names:
            members = [one.record.hash for one in self._all() if name in categories_of(one)]
            await self._each(members, partial(self._sharing.uncategorise, category=name))
            await self._categories.remove(name)

    def _all(self) -> list[Entry]:
        return self._ledger.entries()

    def _known(self, hashes: Iterable[str] | None) -> list[str]:
        if hashes is None:
            return [entry.record.hash for entry in self._all()]
        return [infohash for infohash in dict.fromkeys(hashes) if infohash in self._ledger]

    async def _to(self, infohash: str, act: Callable[[str], Awaitable[None]]) -> None:
        """Do something to one torrent that is meant to be there. Raises UnknownTorrent."""
        if infohash not in self._ledger:
            raise UnknownTorrent(f"There is no torrent {infohash!r}.")
        await self._each([infohash], act)

    async def _each(
        self, hashes: Iterable[str] | None, act: Callable[[str], Awaitable[None]]
    ) -> None:
        """Do something to each torrent that there is, to all at once."""

        async def one(infohash: str) -> None:
            # Somebody else may delete it while this waits for its control.
            with contextlib.suppress(Forgotten):
                async with self._crew.control(infohash):
                    try:
                        await act(infohash)
                    except StoreError:
                        self._go_on(infohash)
                        raise

        await _to_the_end(_all_of([one(infohash) for infohash in self._known(hashes)]))

    def _go_on(self, infohash: str) -> None:
        """Work on a torrent again that was stopped for an order which came to nothing."""
        working = self._crew.live(infohash) is not None
        entry = self._ledger.entry(infohash)
        if not rests(entry.state, entry.files) and not working:
            self._crew.start(infohash)

    async def _change(
        self, hashes: Iterable[str] | None, update: Callable[[TorrentRecord], TorrentRecord]
    ) -> None:
        for infohash in self._known(hashes):
            with contextlib.suppress(Forgotten):
                await self._ledger.update(infohash, update)

    async def _limit(self, hashes: Iterable[str] | None, limit: int) -> None:
        for infohash in self._known(hashes):
            await self._change([infohash], lambda old: replace(old, download_limit=limit))
            entry, live = self._ledger.find(infohash), self._crew.live(infohash)
            if entry is not None and live is not None:
                live.pace.rate = entry.record.download_limit

    async def _add(self, request: AddRequest, arrived: Arrival) -> str:
        infohash = arrived.infohash
        self._client.account.nudge()
        async with self._crew.control(infohash):
            if infohash in self._ledger:
                await self._make_category(request.category)
                paused = self._is_paused(request)
                await self._sharing.add_again(infohash, request.category, paused=paused)
                return infohash
            await self._tags.create(cleaned(request.tags))
            record = await self._first_record(request, arrived)
            origin = "a .torrent file" if request.metainfo else "a magnet"
            records = arrived.layout.records(infohash) if arrived.layout else []
            await self._ledger.insert(record, request.metainfo, f"as {origin}", records)
            self._snapshots.learn(infohash, arrived.facts)
            if self._ledger.entry(infohash).state not in RESTING:
                self._crew.start(infohash)
        return infohash

    async def _first_record(self, request: AddRequest, arrived: Arrival) -> TorrentRecord:
        auto = request.auto_managed
        if auto is None:
            auto = self._preferred.preferences.auto_managed and not request.save_path
        await self._make_category(request.category)
        folder = self._categories.folder(request.category)
        try:
            if request.save_path and not auto:
                folder = category_folder(self._categories.base, "", request.save_path)
        except BadCategory as problem:
            raise BadTorrent(str(problem)) from problem
        return TorrentRecord(
            hash=arrived.infohash,
            name=arrived.name,
            state=State.PAUSED if self._is_paused(request) else State.ADDED,
            category=request.category,
            tags=tuple(cleaned(request.tags)),
            save_path=str(folder),
            auto_managed=auto,
            sequential=request.sequential,
            first_last=request.first_last,
            root=arrived.layout.root if arrived.layout else "",
            size=arrived.size,
            added_at=int(self._timing.now()),
            magnet=arrived.magnet,
            forced=request.forced,
            ratio_limit=request.ratio_limit,
            seeding_time_limit=request.seeding_time_limit,
            inactive_seeding_time_limit=request.inactive_seeding_time_limit,
            download_limit=request.download_limit,
            upload_limit=request.upload_limit,
        )

    async def _make_category(self, name: str) -> None:
        """Create a category that a torrent is added with, if there is none. Raises BadTorrent."""
        try:
            if name and name not in self._categories:
                await self._categories.create(name, "")
        except BadCategory as problem:
            raise BadTorrent(str(problem)) from problem

    def _is_paused(self, request: AddRequest) -> bool:
        """Tell whether a torrent is added to be paused."""
        if request.paused is None:
            return self._preferred.preferences.start_paused
        return request.paused

    async def _prepare(self, before: Preferences, after: Preferences) -> None:
        """Make a new folder of finished files; who lay in the old one stays there.

        As with qBittorrent, where torrents are not moved for this either unless that is asked for.
        """
        if before.save_path == after.save_path:
            return
        try:
            await in_thread(checked_folder, after.save_path, self._config.incomplete)
        except Conflict as problem:
            raise BadPreference(str(problem)) from problem
        folder, base = self._categories.folder, Path(after.save_path)
        stay = [
            one.record.hash
            for one in self._all()
            if folder(one.record.category) != folder(one.record.category, base)
        ]
        await self._change(stay, lambda record: replace(record, auto_managed=False))

    def _hold(self, preferences: Preferences) -> None:
        """Let preferences hold."""
        self._categories.base = Path(preferences.save_path)
        self._turns.limit(limits_of(preferences, self._config))

    def _candidate(self, infohash: str) -> Candidate:
        entry = self._ledger.entry(infohash)
        record = entry.record
        return Candidate(
            hash=infohash, position=record.position, size=entry.wanted, forced=record.forced
        )

    def _removals(self, infohash: str | None = None) -> list[RemovalRecord]:
        """Return what is to be taken off the account, as long as that is wished."""
        return self._ledger.removals(infohash) if self._config.delete_magnets else []

    def _trouble(self) -> str:
        """Return what keeps AllDebrid from working for us, to be shown by those who wait for it."""
        return self._client.account.trouble or self._client.trouble

    def _room(self) -> int:
        read_at, free = self._space
        now = self._timing.monotonic()
        if now - read_at >= SPACE_AGE:
            with contextlib.suppress(DiskTrouble):
                free = self._free_space(self._config.download_dir)
            self._space = (now, free)
        return free

    async def _learn_facts(self) -> None:
        """Read what views show of torrents that were added before this start, one by one."""
        for infohash in self._known(None):
            entry = self._ledger.find(infohash)
            if entry is None or self._snapshots.knows(infohash):
                continue
            meta = None
            if entry.record.has_metainfo:
                data = await self._ledger.metainfo(infohash)
                meta = None if data is None else await parsed(data)
            if meta is not None or entry.record.magnet:
                self._snapshots.learn(infohash, facts_of(meta, entry.record.magnet))
            await asyncio.sleep(0)  # others have their turns, also between thousands of magnets

    async def _clean_daily(self) -> None:
        while True:
            old = int(self._timing.now() - DAY)
            await self._store.run(partial(links.prune, older_than=old))
            await self._timing.sleep(DAY)


async def _to_the_end(order: Coroutine[Any, Any, T]) -> T:
    """Carry out an order even if whoever gave it is cancelled.

    Half of an order would leave a torrent stopped that is not paused.
    """
    return await asyncio.shield(asyncio.create_task(order))


async def _all_of(orders: Iterable[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*orders)


async def _logged(chore: Callable[[], Awaitable[None]]) -> None:
    try:
        await chore()
    except Exception:
        # The net of a task that nobody awaits; the torrents do not need it.
        logger.exception("chore=failed")


def _with(tags: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in (*tags, *more) if tag))


def _without(tags: Iterable[str], fewer: Iterable[str]) -> tuple[str, ...]:
    unwanted = set(fewer)
    return tuple(tag for tag in tags if unwanted and tag not in unwanted)


def _report_strangers(incomplete: Path, known: set[str]) -> None:
    """Name folders of torrents that are in no record, and leave them alone. Blocks.

    They are what a lost or foreign database leaves behind: somebody may want the bytes yet.
    """
    for folder in incomplete.iterdir():
        if _INFOHASH.fullmatch(folder.name) and folder.name not in known:
            logger.warning("folder=%s reason='no torrent is known for it; kept'", folder)
