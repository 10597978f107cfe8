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

    The state moves through `move` only, which asks the table in `engine.jobs.states`. In the same
    way only `prioritise` changes how much files are wanted: whoever replaces the files of a torrent
    may have read them before.

    How a torrent ended is stored with the move that ended it; see `engine.jobs.endings`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from engine.jobs.endings import NOTHING, Endings, ending_of
from engine.jobs.errors import Forgotten
from engine.jobs.queue import one_down, one_up, to_back, to_front
from engine.jobs.renames import arrived
from engine.jobs.states import State, handed_back, move
from engine.jobs.wanted import is_wanted
from engine.store import events, files, links, moves, removals, shares, torrents
from engine.store.records import (
    EndingRecord,
    EventRecord,
    FileRecord,
    MoveRecord,
    RemovalRecord,
    ShareRecord,
    TorrentRecord,
)
from engine.store.store import Connection, Store

LANDMARKS = frozenset({State.MOVING, State.COMPLETED})
"""States that survive a power cut as soon as they are shown: forgetting that a finished file was
moved would mean to download it again."""

LONGEST_DETAIL = 500
"""Characters of an event that names files: a torrent may have thousands."""

logger = logging.getLogger("engine.jobs.ledger")


class Entry:
    """One torrent as it stands: its record, its files, and how much of them is on disk.

    `skipped` counts the bytes of files that are not wanted, `skipped_on_disk` those of them that
    came before they were given up. Whenever it changes, its infohash is put into `touched`.
    """

    __slots__ = (
        "_moving",
        "_places",
        "_shares",
        "_touched",
        "files",
        "on_disk",
        "record",
        "skipped",
        "skipped_on_disk",
        "state",
    )

    def __init__(
        self,
        record: TorrentRecord,
        records: Sequence[FileRecord],
        touched: set[str] | None = None,
    ) -> None:
        self._touched = set() if touched is None else touched
        self._moving: MoveRecord | None = None
        self._shares: tuple[ShareRecord, ...] = ()
        self.show(record)
        self.show_files(records)

    def __repr__(self) -> str:
        return f"<Entry {self.record.hash} {self.state} {self.on_disk}/{self.record.size}>"

    @property
    def moving(self) -> MoveRecord | None:
        """What of it is being moved or renamed on disk; nobody else works on it meanwhile."""
        return self._moving

    @moving.setter
    def moving(self, move: MoveRecord | None) -> None:
        self._moving = move
        self._touched.add(self.record.hash)

    @property
    def shares(self) -> tuple[ShareRecord, ...]:
        """Its further categories, in the order in which they came."""
        return self._shares

    @shares.setter
    def shares(self, records: Sequence[ShareRecord]) -> None:
        self._shares = tuple(records)
        self._touched.add(self.record.hash)

    def show(self, record: TorrentRecord) -> None:
        """Replace the record."""
        self.record = record
        self.state = State(record.state)
        self._touched.add(record.hash)

    def show_files(self, records: Sequence[FileRecord]) -> None:
        """Replace the files; they are in torrent order."""
        self.files = list(records)
        # An index is no place in the list: padding of a .torrent has an index but no record.
        self._places = {file.index: place for place, file in enumerate(self.files)}
        self.on_disk = sum(file.flushed for file in records)
        skipped = [file for file in records if not is_wanted(file)]
        self.skipped = sum(file.size for file in skipped)
        self.skipped_on_disk = sum(file.flushed for file in skipped)
        self._touched.add(self.record.hash)

    def show_progress(self, record: FileRecord) -> None:
        """Take over how far a file is durable."""
        here = self.file(record.index)
        more = record.flushed - here.flushed
        self.on_disk += more
        self.skipped_on_disk += 0 if is_wanted(here) else more
        self.files[self._places[record.index]] = msgspec.structs.replace(
            here,
            flushed=record.flushed,
            etag=record.etag,
            last_modified=record.last_modified,
        )
        self._touched.add(record.torrent)

    @property
    def wanted(self) -> int:
        """Bytes of the files that are wanted; 0 until known."""
        return self.record.size - self.skipped

    @property
    def done(self) -> int:
        """Bytes on disk of the files that are wanted."""
        return self.on_disk - self.skipped_on_disk

    def file(self, index: int) -> FileRecord:
        """Return the file with that index. Raises KeyError."""
        return self.files[self._places[index]]


class Ledger:
    """The torrents. `now` gives Unix seconds; `ended` hears when stored endings have changed.

    `finished` is told of each torrent that is complete, as it is stored.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], float],
        ended: Callable[[], None] | None = None,
        finished: Callable[[TorrentRecord], None] | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._endings = Endings(ended)
        self._completed = finished
        self._entries: dict[str, Entry] = {}
        self._touched: set[str] = set()
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
        await self._store.run(self._endings.load)
        self._removals = {removal.magnet_id: removal for removal in leftover}
        self._entries = {
            record.hash: Entry(record, by_hash.get(record.hash, []), self._touched)
            for record in records
        }
        for moving in await self._store.run(moves.load_all):
            self._entries[moving.torrent].moving = moving
        for infohash, records_of_one in (await self._store.run(shares.load_all)).items():
            self._entries[infohash].shares = tuple(records_of_one)

    def entries(self) -> list[Entry]:
        """Return all torrents, in the order they were added."""
        return list(self._entries.values())

    def touched(self) -> set[str]:
        """Return the torrents that came, changed or went since this was asked last; for one asker.

        So whoever shows all of them looks at these only.
        """
        touched = self._touched.copy()
        self._touched.clear()
        return touched

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

    async def insert(
        self,
        record: TorrentRecord,
        metainfo: bytes,
        detail: str,
        records: Sequence[FileRecord] = (),
    ) -> None:
        """Add a torrent at the end of the queue; `metainfo` and its files may be empty."""
        await self._finish(self._insert(record, metainfo, detail, records))

    async def move(
        self,
        infohash: str,
        target: State,
        *,
        reason: str = "",
        detail: str = "",
        records: Sequence[FileRecord] | None = None,
        bad_release: bool = False,
        **changes: Any,
    ) -> None:
        """Move a torrent to another state, and change fields of its record with it.

        `reason` is what the user reads while it is in that state, `detail` what its history says
        if that is more. With `bad_release` whoever asked for the torrent should look for another.
        Raises IllegalMove, Forgotten.
        """

        def update(record: TorrentRecord) -> TorrentRecord:
            state = move(State(record.state), target)
            return msgspec.structs.replace(
                record,
                state=state,
                reason=reason,
                last_activity=int(self._now()),
                **{"pausing": False, **changes},
            )

        note = f"{target}: {detail or reason}" if detail or reason else str(target)
        ending = ending_of(infohash, target, self._now(), bad_release=bad_release)
        change = self._change(infohash, update, ("state", note), records, ending=ending)
        await self._finish(change)
        logger.info("torrent=%s state=%s", infohash, target)
        if target is State.COMPLETED and self._completed is not None and infohash in self._entries:
            self._completed(self._entries[infohash].record)

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

    async def moving(self, move: MoveRecord) -> None:
        """Store that a torrent is about to be moved on disk, or how far that is.

        It survives a power cut when this returns. Raises Forgotten.
        """
        await self._finish(self._moving(move))

    async def moved(self, infohash: str, *, done: bool, note: tuple[str, str]) -> None:
        """Store that a torrent's move is over, with an event `(kind, detail)`.

        Unless it is `done`, all is as before. Raises Forgotten.
        """
        await self._finish(self._moved(infohash, note, done=done))

    async def share(
        self,
        infohash: str,
        shared: Callable[[Sequence[ShareRecord]], Sequence[ShareRecord]],
        *,
        note: tuple[str, str] | None = None,
        records: Sequence[FileRecord] | None = None,
        **changes: Any,
    ) -> None:
        """Change a torrent's further categories into what `shared` makes of them.

        With them its files and fields of its record. It survives a power cut when this returns.
        Raises Forgotten.
        """
        await self._finish(self._share(infohash, shared, note, records, changes))

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

    async def prioritise(self, infohash: str, indexes: Sequence[int], priority: int) -> None:
        """Change how much files of a torrent are wanted, by index. Raises Forgotten, KeyError."""
        await self._finish(self._prioritise(infohash, indexes, priority))

    async def put_first(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents to the head of the queue, keeping their order."""
        await self._finish(self._reorder(partial(to_front, chosen=set(hashes))))

    async def put_last(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents to the end of the queue, keeping their order."""
        await self._finish(self._reorder(partial(to_back, chosen=set(hashes))))

    async def put_higher(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents one place up, keeping their order."""
        await self._finish(self._reorder(partial(one_up, chosen=set(hashes))))

    async def put_lower(self, hashes: Sequence[str]) -> None:
        """Move queueing torrents one place down, keeping their order."""
        await self._finish(self._reorder(partial(one_down, chosen=set(hashes))))

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
        self._loop.call_soon_threadsafe(self._show_progress, record)

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

    async def _insert(
        self, record: TorrentRecord, metainfo: bytes, detail: str, records: Sequence[FileRecord]
    ) -> None:
        async with self._changing:
            record = msgspec.structs.replace(
                record, has_metainfo=bool(metainfo), position=self.next_position()
            )
            event = self._event(record.hash, "added", detail)
            ended = self._endings.moves(record.hash)

            def work(db: Connection) -> None:
                torrents.save(db, record)
                if metainfo:
                    torrents.save_metainfo(db, record.hash, metainfo)
                files.replace(db, record.hash, records)
                events.record(db, event)
                ended.store(db)

            await self._store.run(work)
            self._entries[record.hash] = Entry(record, records, self._touched)
            ended.show()

    async def _change(
        self,
        infohash: str,
        update: Callable[[TorrentRecord], TorrentRecord],
        note: tuple[str, str] | None,
        records: Sequence[FileRecord] | None,
        take_off: int = 0,
        ending: EndingRecord | None = None,
    ) -> None:
        async with self._changing:
            entry = self.entry(infohash)
            record = update(entry.record)
            records = _with_priorities_of(entry.files, records)
            moved = record.state != entry.record.state
            ended = self._endings.moves(infohash, ending) if moved else NOTHING
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
                ended.store(db)

            await self._store.run(work, durable=moved and State(record.state) in LANDMARKS)
            entry.show(record)
            if records is not None:
                entry.show_files(records)
            if wanted:
                del self._removals[record.magnet_id]
            self._remember(infohash, take_off)
            ended.show()

    async def _moving(self, move: MoveRecord) -> None:
        async with self._changing:
            entry = self.entry(move.torrent)
            await self._store.run(lambda db: moves.save(db, move), durable=True)
            entry.moving = move

    async def _moved(self, infohash: str, note: tuple[str, str], *, done: bool) -> None:
        async with self._changing:
            entry = self.entry(infohash)
            record, records = entry.record, entry.files
            if done and entry.moving is not None:
                record, records = arrived(record, records, entry.moving)
            event = self._event(infohash, *note)

            def work(db: Connection) -> None:
                torrents.save(db, record)
                files.replace(db, infohash, records)
                moves.delete(db, infohash)
                events.record(db, event)

            await self._store.run(work)
            entry.show(record)
            entry.show_files(records)
            entry.moving = None

    async def _share(
        self,
        infohash: str,
        shared: Callable[[Sequence[ShareRecord]], Sequence[ShareRecord]],
        note: tuple[str, str] | None,
        records: Sequence[FileRecord] | None,
        changes: dict[str, Any],
    ) -> None:
        async with self._changing:
            entry = self.entry(infohash)
            record = msgspec.structs.replace(entry.record, **changes)
            records = _with_priorities_of(entry.files, records)
            sharing = tuple(shared(entry.shares))
            event = self._event(infohash, *note) if note else None

            def work(db: Connection) -> None:
                torrents.save(db, record)
                shares.replace(db, infohash, sharing)
                if records is not None:
                    files.replace(db, infohash, records)
                if event is not None:
                    events.record(db, event)

            await self._store.run(work, durable=True)
            entry.show(record)
            entry.shares = sharing
            if records is not None:
                entry.show_files(records)

    async def _remove(self, infohash: str, take_off: int) -> None:
        async with self._changing:
            ended = self._endings.deleted(infohash)

            def work(db: Connection) -> None:
                links.forget_of(db, infohash)
                torrents.delete(db, infohash)
                ended.store(db)
                if take_off:
                    removals.save(db, RemovalRecord(magnet_id=take_off, torrent=infohash))

            await self._store.run(work)
            self._entries.pop(infohash, None)
            self._touched.add(infohash)
            self._remember(infohash, take_off)
            ended.show()

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
                self._entries[record.hash].show(record)
                self._entries[record.hash].show_files(records)

    def _remember(self, infohash: str, magnet_id: int) -> None:
        if magnet_id:
            self._removals[magnet_id] = RemovalRecord(magnet_id=magnet_id, torrent=infohash)

    async def _prioritise(self, infohash: str, indexes: Sequence[int], priority: int) -> None:
        async with self._changing:
            entry = self.entry(infohash)
            names = ", ".join(entry.file(index).path for index in indexes)
            event = self._event(infohash, "file_priority", f"{priority}: {names}"[:LONGEST_DETAIL])

            def work(db: Connection) -> None:
                files.set_priority(db, infohash, indexes, priority)
                events.record(db, event)

            await self._store.run(work)
            # Read only now: a checkpoint may have been shown meanwhile.
            chosen = set(indexes)
            entry.show_files(
                [
                    msgspec.structs.replace(file, priority=priority)
                    if file.index in chosen
                    else file
                    for file in entry.files
                ]
            )

    async def _reorder(self, arrange: Callable[[list[str]], list[str]]) -> None:
        async with self._changing:
            line = sorted(
                (one.record for one in self._entries.values() if one.record.position),
                key=lambda record: record.position,
            )
            places = {key: at for at, key in enumerate(arrange([one.hash for one in line]), 1)}
            changed = [
                msgspec.structs.replace(record, position=places[record.hash])
                for record in line
                if record.position != places[record.hash]
            ]
            await self._store.run(lambda db: _save_all(db, changed))
            for record in changed:
                self._entries[record.hash].show(record)

    def _show_progress(self, record: FileRecord) -> None:
        entry = self._entries.get(record.torrent)
        if entry is not None:
            entry.show_progress(record)

    def _event(self, infohash: str, kind: str, detail: str) -> EventRecord:
        return EventRecord(torrent=infohash, at=int(self._now()), kind=kind, detail=detail)


def _save_all(db: Connection, records: Iterable[TorrentRecord]) -> None:
    for record in records:
        torrents.save(db, record)


def _with_priorities_of(
    before: Sequence[FileRecord], records: Sequence[FileRecord] | None
) -> list[FileRecord] | None:
    """Return new records of files, wanted as much as those they replace are now."""
    if records is None:
        return None
    here = {(file.index, file.size): file.priority for file in before}
    return [
        msgspec.structs.replace(record, priority=priority)
        if (priority := here.get((record.index, record.size), record.priority)) != record.priority
        else record
        for record in records
    ]


def _without_account(record: TorrentRecord) -> TorrentRecord:
    state = handed_back(State(record.state))
    reason = record.reason if state == record.state else ""
    return msgspec.structs.replace(record, state=state, reason=reason, magnet_id=0, owned=False)


def _without_link(file: FileRecord) -> FileRecord:
    return msgspec.structs.replace(file, link="")
