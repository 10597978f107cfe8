"""What may be asked of one torrent: deleting, pausing, resuming, checking, categorising.

Adding one that is there already is an order too.

Every order stops the torrent's task first, so what it reads of the torrent stays so, and starts it
again where the order leaves work to do. Whoever gives an order holds the torrent's `Crew.control`.
All of them raise Forgotten when there is no such torrent.
"""

import logging
from pathlib import Path

from msgspec.structs import replace

from engine.jobs.categories import Categories
from engine.jobs.crew import Crew
from engine.jobs.fetch import in_thread
from engine.jobs.job import Tools
from engine.jobs.ledger import Entry
from engine.jobs.ondisk import erase, erase_files, is_complete
from engine.jobs.publish import is_published
from engine.jobs.snapshot import Snapshots
from engine.jobs.states import MOVES, RESTING, State
from engine.store.records import TorrentRecord
from engine.transfer.errors import DiskTrouble

logger = logging.getLogger("engine.jobs.orders")


class Orders:
    """Carries out orders. The event loop's thread only."""

    def __init__(
        self, tools: Tools, crew: Crew, categories: Categories, snapshots: Snapshots
    ) -> None:
        self._tools = tools
        self._crew = crew
        self._categories = categories
        self._snapshots = snapshots

    def __repr__(self) -> str:
        return f"<Orders {self._crew!r}>"

    async def delete(self, infohash: str, *, delete_files: bool) -> None:
        """Forget the torrent; with `delete_files` also the files that it has finished."""
        # A store that takes nothing now would keep the torrent, but its files would be gone.
        await self._tools.ledger.note(infohash, "deleting")
        await self._crew.stop(infohash)
        entry = self._tools.ledger.entry(infohash)
        record, folder = entry.record, self._tools.config.incomplete / infohash
        try:
            published = await in_thread(is_published, folder, record)
            await in_thread(erase, folder)
            if delete_files and published:
                await in_thread(erase_files, Path(record.save_path), list(entry.files))
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
        if entry.state is State.CHECKING and await in_thread(is_published, folder, entry.record):
            await self._tools.ledger.move(infohash, State.COMPLETED, detail="the check was stopped")
        elif State.PAUSED in MOVES[entry.state]:
            await self._tools.ledger.move(infohash, State.PAUSED)
        elif entry.state not in RESTING:
            self._crew.start(infohash)  # it had begun to move to its final folder

    async def resume(self, infohash: str) -> None:
        """Go on with the torrent if it was paused or has failed."""
        entry = self._tools.ledger.entry(infohash)
        if entry.state not in {State.PAUSED, State.ERROR}:
            return
        await self._crew.stop(infohash)
        failed = entry.state is State.ERROR
        await self._tools.ledger.note(infohash, "resumed")
        # Whoever resumes does not want to be sent to the host that was of no use before.
        unfinished = [file.link for file in entry.files if file.flushed < file.size]
        await self._tools.unlocker.forget(unfinished)
        # What was complete once has its files in the final folder, and only a check goes by that.
        target = State.CHECKING if entry.record.completed_at else State.ADDED
        await self._tools.ledger.move(infohash, target)
        self._crew.start(infohash, asked_again=failed)

    async def add_again(self, infohash: str) -> None:
        """Go on with the torrent if it has failed, or if its finished files are gone.

        Who adds a torrent wants its files: without them Sonarr would look for them for ever.
        """
        entry = self._tools.ledger.entry(infohash)
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
            await self._tools.ledger.move(infohash, State.CHECKING)
        if entry.state not in RESTING:
            self._crew.start(infohash, pause_after_check=paused)

    async def categorise(self, infohash: str, category: str) -> None:
        """Give the torrent a category; unfinished files will go to its folder."""

        def update(record: TorrentRecord) -> TorrentRecord:
            # Finished files stay where Sonarr was told they are, others where the user put them.
            settled = record.completed_at or record.state == State.MOVING
            if settled or record.save_path != str(self._categories.folder(record.category)):
                return replace(record, category=category)
            folder = str(self._categories.folder(category))
            return replace(record, category=category, save_path=folder)

        await self._tools.ledger.update(infohash, update)

    async def _has_files(self, entry: Entry) -> bool:
        """Tell whether a complete torrent's files are there; a disk that cannot say has them."""
        try:
            return await in_thread(is_complete, Path(entry.record.save_path), list(entry.files))
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
