"""What may be asked of one torrent: deleting, pausing, resuming, checking.

Adding one that is there already is an order too. For names and folders see `engine.jobs.places`.

Every order stops the torrent's task first, so what it reads of the torrent stays so, and starts it
again where the order leaves work to do. Whoever gives an order holds the torrent's `Crew.control`.
All of them raise Forgotten when there is no such torrent.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.jobs.carry import Carrier
from engine.jobs.crew import Crew
from engine.jobs.fetch import in_thread
from engine.jobs.job import Tools
from engine.jobs.ledger import Entry
from engine.jobs.ondisk import erase, erase_files, is_complete
from engine.jobs.publish import in_final_place, is_arrived
from engine.jobs.snapshot import Snapshots
from engine.jobs.states import MOVES, RESTING, State
from engine.jobs.views import Conflict
from engine.jobs.wanted import PRIORITIES, is_wanted, rests, unfinished
from engine.store.records import TorrentRecord
from engine.transfer.errors import DiskTrouble

_WAITING = frozenset({State.QUEUED, State.WAITING_NETWORK, State.WAITING_DISK})

logger = logging.getLogger("engine.jobs.orders")


class Orders:
    """Carries out orders. The event loop's thread only."""

    def __init__(self, tools: Tools, crew: Crew, carrier: Carrier, snapshots: Snapshots) -> None:
        self._tools = tools
        self._crew = crew
        self._carrier = carrier
        self._snapshots = snapshots

    def __repr__(self) -> str:
        return f"<Orders {self._crew!r}>"

    async def delete(self, infohash: str, *, delete_files: bool) -> None:
        """Forget the torrent; with `delete_files` also the files that it has finished."""
        # A store that takes nothing now would keep the torrent, but its files would be gone.
        await self._tools.ledger.note(infohash, "deleting")
        await self._crew.stop(infohash)
        await self._carrier.stop(infohash)
        entry = self._tools.ledger.entry(infohash)
        record, folder = entry.record, self._tools.config.incomplete / infohash
        try:
            published = await in_thread(in_final_place, folder, record, list(entry.files))
            await in_thread(erase, folder)
            if delete_files:
                await in_thread(erase_files, Path(record.save_path), published)
        except DiskTrouble as problem:
            logger.warning("torrent=%s files=kept reason=%r", infohash, str(problem))
        await self._tools.ledger.remove(infohash, take_off=self._ours(record))
        self._snapshots.forget(infohash)
        self._tools.errands.go_on(infohash)
        self._tools.slots.freed()

    async def pause(self, infohash: str) -> None:
        """Stop work on the torrent. One that rests or is being moved is left as it is."""
        state = self._tools.ledger.entry(infohash).state
        if state is State.ERROR or State.PAUSED not in MOVES[state]:
            return
        await self._crew.stop(infohash)
        entry = self._tools.ledger.entry(infohash)
        folder = self._tools.config.incomplete / infohash
        if entry.state is State.CHECKING and await in_thread(is_arrived, folder, entry.files):
            await self._tools.ledger.move(infohash, State.COMPLETED, detail="the check was stopped")
        elif State.PAUSED in MOVES[entry.state]:
            await self._tools.ledger.move(infohash, State.PAUSED)
        elif entry.state not in RESTING:
            self._crew.start(infohash)  # it had begun to move to its final folder

    async def resume(self, infohash: str) -> None:
        """Go on with the torrent if it was paused or has failed."""
        entry = self._tools.ledger.entry(infohash)
        if entry.record.pausing:
            await self._tools.ledger.change(infohash, pausing=False)
        if entry.state not in {State.PAUSED, State.ERROR}:
            return
        await self._crew.stop(infohash)
        failed = entry.state is State.ERROR
        await self._tools.ledger.note(infohash, "resumed")
        # Whoever resumes does not want to be sent to the host that was of no use before.
        await self._tools.unlocker.forget([file.link for file in unfinished(entry.files)])
        # What was complete once has its files in the final folder, and only a check goes by that.
        target = State.CHECKING if entry.record.completed_at else State.ADDED
        await self._tools.ledger.move(infohash, target)
        self._crew.start(infohash, asked_again=failed)

    async def add_again(self, infohash: str) -> None:
        """Go on with the torrent if it has failed, or if its finished files are gone.

        Who adds a torrent wants its files: without them Sonarr would look for them for ever.
        """
        entry = self._tools.ledger.entry(infohash)
        if entry.moving is not None:
            return
        if entry.state is State.ERROR:
            await self.resume(infohash)
        elif entry.state is State.COMPLETED and not await self._has_files(entry):
            await self._crew.stop(infohash)
            await self._tools.ledger.note(infohash, "added_again")
            # The check takes back what is missing, and keeps what is there.
            await self._tools.ledger.move(
                infohash,
                State.CHECKING,
                detail="its files are not all there any more",
                records=[replace(file, link="") for file in entry.files],
                owned=entry.record.owned and bool(entry.record.magnet_id),
            )
            self._crew.start(infohash)

    async def recheck(self, infohash: str) -> None:
        """Verify the torrent, if its files are known and it is not being moved."""
        entry = self._tools.ledger.entry(infohash)
        if not entry.files or State.CHECKING not in MOVES[entry.state]:
            return
        await self._crew.stop(infohash)
        paused = entry.state is State.PAUSED
        if State.CHECKING in MOVES[entry.state]:
            await self._tools.ledger.note(infohash, "rechecked")
            await self._tools.ledger.move(infohash, State.CHECKING, pausing=paused)
        if entry.state not in RESTING:
            self._crew.start(infohash)

    async def queue(self, infohash: str) -> None:
        """Let the torrent wait for its turn again if it is downloading."""
        if self._tools.ledger.entry(infohash).state is not State.DOWNLOADING:
            return
        await self._crew.stop(infohash)
        entry = self._tools.ledger.entry(infohash)
        if entry.state is State.DOWNLOADING:
            await self._tools.ledger.move(infohash, State.QUEUED, detail="others go before it")
        if not rests(entry.state, entry.files):
            self._crew.start(infohash)

    async def prioritise(self, infohash: str, indexes: Sequence[int], priority: int) -> None:
        """Change how much files of the torrent are wanted. Raises Conflict.

        What is missing then of a complete torrent is fetched (see `engine.jobs.drive`).
        """
        entry = self._tools.ledger.entry(infohash)
        _check_priority(entry, indexes, priority)
        # Those that wait for something may have nothing to wait for any more.
        waiting = entry.state in _WAITING or entry.state is State.COMPLETED
        if waiting:
            await self._crew.stop(infohash)
        await self._tools.ledger.prioritise(infohash, indexes, priority)
        live = self._crew.live(infohash)
        if live is None and not rests(entry.state, entry.files):
            self._crew.start(infohash)
        elif live is not None and live.index != _next_index(entry):
            live.interrupt()
        self._tools.turns.review()

    async def _has_files(self, entry: Entry) -> bool:
        """Tell whether a complete torrent's files are there; a disk that cannot say has them."""
        wanted = [file for file in entry.files if is_wanted(file)]
        try:
            return await in_thread(is_complete, Path(entry.record.save_path), wanted)
        except DiskTrouble as problem:
            logger.warning("torrent=%s files=unknown reason=%r", entry.record.hash, str(problem))
            return True

    def _ours(self, record: TorrentRecord) -> int:
        """Return the id of the torrent's magnet if it is ours to take off the account, else 0."""
        if not record.owned or not self._tools.config.delete_magnets:
            return 0
        if record.magnet_id:
            return record.magnet_id
        # It may have been uploaded in the moment it was deleted.
        status = self._tools.poller.by_hash(record.hash)
        return status.id if status is not None else 0


def _next_index(entry: Entry) -> int | None:
    """Return which file is to be downloaded next, or None."""
    files = unfinished(entry.files)
    return files[0].index if files else None


def _check_priority(entry: Entry, indexes: Sequence[int], priority: int) -> None:
    """Raise Conflict unless the files may have that priority as things are."""
    if not entry.files:
        raise Conflict("The torrent's files are not known yet.")
    if entry.moving is not None:
        raise Conflict(f"{entry.record.name!r} is being moved just now.")
    if priority not in PRIORITIES:
        raise Conflict(f"{priority} is no priority; {sorted(PRIORITIES)} are.")
    unknown = set(indexes) - {file.index for file in entry.files}
    if unknown:
        raise Conflict(f"The torrent has no file {min(unknown)}.")
