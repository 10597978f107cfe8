"""All torrents in memory, each change written to the store before anybody sees it.

Theory
    Memory answers every question; the store is there for the next start. A change is made in
    three steps under one lock: derive the new record from the present one, commit it together
    with its event, show it. So memory never runs ahead of the store, two changes never lose each
    other, and what a crash leaves behind is always a state that was reached.

Rules
    Everything but `checkpoint` runs on the event loop's thread. The lock is held for commits only,
    which take well under a millisecond, never while something outside is waited for.

    A magnet that was ours and is no torrent's any more is remembered with the change that took it
    from its torrent, until it is off the account. A torrent that gets such a magnet again, because
    it was uploaded again, has it dropped from there in the same commit.

    A change that has begun is finished even if the task that asked for it is cancelled: otherwise
    the store might have what memory has not.

    The state moves through `move` only, which asks the table in `engine.jobs.states`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec

from engine.jobs.errors import Forgotten
from engine.jobs.states import State, handed_back, move
from engine.store import events, files, links, removals, torrents
from engine.store.records import EventRecord, FileRecord, RemovalRecord, TorrentRecord
from engine.store.store import Connection, Store

LANDMARKS = frozenset({State.MOVING, State.COMPLETED})
"""States that survive a power cut as soon as they are shown: forgetting that a finished file was
moved would mean to download it again."""

logger = logging.getLogger("engine.jobs.ledger")


class Entry:
    """One torrent as it stands: its record, its files, and how much of them is on disk."""

    __slots__ = ("_places", "files", "on_disk", "record", "state")

    def __init__(self, record: TorrentRecord, records: Sequence[FileRecord]) -> None:
        self.show(record)
        self.show_files(records)

    def __repr__(self) -> str:
        return f"<Entry {self.record.hash} {self.state} {self.on_disk}/{self.record.size}>"

    def show(self, record: TorrentRecord) -> None:
        """Replace the record."""
        self.record = record
        self.state = State(record.state)

    def show_files(self, records: Sequence[FileRecord]) -> None:
        """Replace the files; they are in torrent order."""
        self.files = list(records)
        # An index is no place in the list: padding of a .torrent has an index but no record.
        self._places = {file.index: place for place, file in enumerate(self.files)}
        self.on_disk = sum(file.flushed for file in records)

    def show_file(self, record: FileRecord) -> None:
        """Replace one file."""
        self.on_disk += record.flushed - self.file(record.index).flushed
        self.files[self._places[record.index]] = record

    def file(self, index: int) -> FileRecord:
        """Return the file with that index. Raises KeyError."""
        return self.files[self._places[index]]


class Ledger:
    """The torrents. `now` gives Unix seconds."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._entries: dict[str, Entry] = {}
        self._removals: dict[int, RemovalRecord] = {}
        self._changing = asyncio.Lock()
        self._changes: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<Ledger {len(self._entries)} torrents, {len(self._changes)} changes under way>"

    def __contains__(self, infohash: str) -> bool:
        return infohash in self._entries

    async def load(self) -> None:
        """Read everything; once, before anything else."""
        self._loop = asyncio.get_running_loop()
        records, by_hash, leftover = await self._store.run(
            lambda db: (torrents.load_all(db), files.load_all(db), removals.load_all(db))
        )
        self._removals = {removal.magnet_id: removal for removal in leftover}
        self._entries = {
            record.hash: Entry(record, by_hash.get(record.hash, [])) for record in records
        }

    def entries(self) -> list[Entry]:
        """Return all torrents, in the order they were added."""
        return list(self._entries.values())

    def find(self, infohash: str) -> Entry | None:
        """Return a torrent, or None."""
        return self._entries.get(infohash)

    def entry(self, infohash: str) -> Entry:
        """Return a torrent. Raises Forgotten."""
        found = self._entries.get(infohash)
        if found is None:
            raise Forgotten(infohash)
        return found

    def record(self, infohash: str) -> TorrentRecord:
        """Return a torrent's record. Raises Forgotten."""
        return self.entry(infohash).record

    def removals(self, infohash: str | None = None) -> list[RemovalRecord]:
        """Return what is to be taken off the account, of one torrent or of all."""
        every = self._removals.values()
        return [one for one in every if infohash is None or one.torrent == infohash]

    async def events(self, infohash: str) -> list[EventRecord]:
        """Return what happened to a torrent, oldest first."""
        return await self._store.run(lambda db: events.of(db, infohash))

    async def metainfo(self, infohash: str) -> bytes | None:
        """Return the .torrent a torrent was added with, or None."""
        return await self._store.run(lambda db: torrents.metainfo(db, infohash))

    async def insert(self, record: TorrentRecord, metainfo: bytes, detail: str) -> None:
        """Add a torrent at the end of the queue; `metainfo` may be empty."""
        await self._finish(self._insert(record, metainfo, detail))

    async def move(
        self,
        infohash: str,
        target: State,
        *,
        reason: str = "",
        detail: str = "",
        records: Sequence[FileRecord] | None = None,
        **changes: Any,
    ) -> None:
        """Move a torrent to another state, and change fields of its record with it.

        `reason` is what the user reads while it is in that state, `detail` what its history says
        if that is more. Raises IllegalMove, Forgotten.
        """

        def update(record: TorrentRecord) -> TorrentRecord:
            state = move(State(record.state), target)
            return msgspec.structs.replace(
                record,
                state=state,
                reason=reason,
                last_activity=int(self._now()),
                **changes,
            )

        note = f"{target}: {detail or reason}" if detail or reason else str(target)
        await self._finish(self._change(infohash, update, ("state", note), records))
        logger.info("torrent=%s state=%s", infohash, target)

    async def change(
        self,
        infohash: str,
        *,
        note: tuple[str, str] | None = None,
        records: Sequence[FileRecord] | None = None,
        take_off: int = 0,
        **changes: Any,
    ) -> None:
        """Change fields of a torrent's record, and its files, with an event `(kind, detail)`.

        `take_off` is the id of a magnet that it has no longer, to be taken off the account.
        Raises Forgotten.
        """

        def update(record: TorrentRecord) -> TorrentRecord:
            return msgspec.structs.replace(record, **changes) if changes else record

        await self._finish(self._change(infohash, update, note, records, take_off))

    async def update(
        self,
        infohash: str,
        update: Callable[[TorrentRecord], TorrentRecord],
        *,
        note: tuple[str, str] | None = None,
    ) -> None:
        """Change a torrent's record into what `update` makes of it; not for its state.

        Raises Forgotten.
        """
        await self._finish(self._change(infohash, update, note, None))

    async def note(self, infohash: str, kind: str, detail: str = "") -> None:
        """Add to a torrent's history. Raises Forgotten."""
        await self.change(infohash, note=(kind, detail))

    async def remove(self, infohash: str, *, take_off: int = 0) -> None:
        """Forget a torrent, with its files, their unlocked links and its history.

        `take_off` is the id of the magnet that is to be taken off the account with it.
        """
        await self._finish(self._remove(infohash, take_off))

    async def taken_off(self, removal: RemovalRecord) -> None:
        """Store that a magnet is off the account."""
        await self._finish(self._taken_off(removal))

    async def forget_account(self) -> None:
        """Forget all that belongs to one account at AllDebrid; before anybody works.

        Torrents that are not complete go on as if nobody had been handed them yet; what is on
        disk of them is kept.
        """
        await self._finish(self._forget_account())

    async def put_first(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents to the head of the queue, keeping their order."""
        await self._finish(self._reorder(hashes, first=True))

    async def put_last(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents to the end of the queue, keeping their order."""
        await self._finish(self._reorder(hashes, first=False))

    def checkpoint(self, record: FileRecord) -> None:
        """Store how far a file is durable; blocks, from the thread that writes the file."""
        self._store.call(
            lambda db: files.checkpoint(
                db,
                record.torrent,
                record.index,
                record.flushed,
                record.etag,
                record.last_modified,
            )
        )
        if self._loop is None:
            raise RuntimeError("the ledger is not loaded")
        # Shown before the thread's own result is: both go through the loop's queue, in this order.
        self._loop.call_soon_threadsafe(self._show_file, record)

    def next_position(self) -> int:
        """Return the place behind the end of the queue."""
        return 1 + max((one.record.position for one in self._entries.values()), default=0)

    async def settled(self) -> None:
        """Return when all changes that have begun are made, also those nobody waits for."""
        if self._changes:
            await asyncio.wait(list(self._changes))

    async def _finish(self, change: Coroutine[None, None, None]) -> None:
        """Run a change to its end, whatever becomes of the task that asks for it."""
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._finished)
        await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever asked has it, or was cancelled and does not care

    async def _insert(self, record: TorrentRecord, metainfo: bytes, detail: str) -> None:
        async with self._changing:
            record = msgspec.structs.replace(
                record, has_metainfo=bool(metainfo), position=self.next_position()
            )
            event = self._event(record.hash, "added", detail)

            def work(db: Connection) -> None:
                torrents.save(db, record)
                if metainfo:
                    torrents.save_metainfo(db, record.hash, metainfo)
                events.record(db, event)

            await self._store.run(work)
            self._entries[record.hash] = Entry(record, [])

    async def _change(
        self,
        infohash: str,
        update: Callable[[TorrentRecord], TorrentRecord],
        note: tuple[str, str] | None,
        records: Sequence[FileRecord] | None,
        take_off: int = 0,
    ) -> None:
        async with self._changing:
            entry = self.entry(infohash)
            record = update(entry.record)
            event = self._event(infohash, *note) if note else None
            wanted = record.magnet_id in self._removals

            def work(db: Connection) -> None:
                torrents.save(db, record)
                if wanted:
                    removals.delete(db, record.magnet_id)
                if take_off:
                    removals.save(db, RemovalRecord(magnet_id=take_off, torrent=infohash))
                if records is not None:
                    files.replace(db, infohash, records)
                if event is not None:
                    events.record(db, event)

            reached = record.state != entry.record.state and State(record.state) in LANDMARKS
            await self._store.run(work, durable=reached)
            entry.show(record)
            if records is not None:
                entry.show_files(records)
            if wanted:
                del self._removals[record.magnet_id]
            self._remember(infohash, take_off)

    async def _remove(self, infohash: str, take_off: int) -> None:
        async with self._changing:

            def work(db: Connection) -> None:
                links.forget_of(db, infohash)
                torrents.delete(db, infohash)
                if take_off:
                    removals.save(db, RemovalRecord(magnet_id=take_off, torrent=infohash))

            await self._store.run(work)
            self._entries.pop(infohash, None)
            self._remember(infohash, take_off)

    async def _taken_off(self, removal: RemovalRecord) -> None:
        async with self._changing:
            entry = self._entries.get(removal.torrent)
            here = entry if entry and entry.record.magnet_id == removal.magnet_id else None
            record = msgspec.structs.replace(here.record, magnet_id=0) if here else None

            def work(db: Connection) -> None:
                removals.delete(db, removal.magnet_id)
                if record is not None:
                    torrents.save(db, record)
                    events.record(db, self._event(record.hash, "magnet_deleted", ""))

            await self._store.run(work)
            self._removals.pop(removal.magnet_id, None)
            if here is not None and record is not None:
                here.show(record)

    async def _forget_account(self) -> None:
        async with self._changing:
            new = [
                (_without_account(entry.record), [_without_link(file) for file in entry.files])
                for entry in self._entries.values()
            ]

            def work(db: Connection) -> None:
                links.forget_all(db)
                removals.delete_all(db)
                for record, records in new:
                    torrents.save(db, record)
                    files.replace(db, record.hash, records)
                    if record.state != State.COMPLETED:
                        events.record(db, self._event(record.hash, "account_changed", ""))

            await self._store.run(work)
            self._removals.clear()
            for record, records in new:
                self._entries[record.hash] = Entry(record, records)

    def _remember(self, infohash: str, magnet_id: int) -> None:
        if magnet_id:
            self._removals[magnet_id] = RemovalRecord(magnet_id=magnet_id, torrent=infohash)

    async def _reorder(self, hashes: Sequence[str], *, first: bool) -> None:
        async with self._changing:
            line = sorted(
                (one.record for one in self._entries.values() if one.record.position),
                key=lambda record: record.position,
            )
            moved = [record for record in line if record.hash in set(hashes)]
            others = [record for record in line if record.hash not in set(hashes)]
            ordered = moved + others if first else others + moved
            changed = [
                msgspec.structs.replace(record, position=place)
                for place, record in enumerate(ordered, 1)
                if record.position != place
            ]
            await self._store.run(lambda db: _save_all(db, changed))
            for record in changed:
                self._entries[record.hash].show(record)

    def _show_file(self, record: FileRecord) -> None:
        entry = self._entries.get(record.torrent)
        if entry is not None:
            entry.show_file(record)

    def _event(self, infohash: str, kind: str, detail: str) -> EventRecord:
        return EventRecord(torrent=infohash, at=int(self._now()), kind=kind, detail=detail)


def _save_all(db: Connection, records: Iterable[TorrentRecord]) -> None:
    for record in records:
        torrents.save(db, record)


def _without_account(record: TorrentRecord) -> TorrentRecord:
    state = handed_back(State(record.state))
    reason = record.reason if state == record.state else ""
    return msgspec.structs.replace(record, state=state, reason=reason, magnet_id=0, owned=False)


def _without_link(file: FileRecord) -> FileRecord:
    return msgspec.structs.replace(file, link="")
