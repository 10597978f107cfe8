"""Taking magnets off AllDebrid when their torrents are complete or deleted, in the background.

Theory
    What is to be taken off stands in the store, so it is done however often we are killed and
    however long AllDebrid is down: a complete torrent that still has a magnet of ours says so
    itself, and of a torrent that is deleted or uploaded again a `RemovalRecord` stays behind.
    Here are only the tasks that do it. Each tries until AllDebrid has confirmed.

    A torrent that is added again may get the very magnet that is to be removed, for AllDebrid
    knows it by its infohash. So while a torrent is uploaded its errands are withheld, and those
    whose magnet it got are forgotten (see `Ledger`).

What breaks if you edit
    A request that is on its way cannot be called back. `withheld` sees it through before the
    torrent is uploaded, or it might remove the new magnet.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from engine.alldebrid.errors import ApiError
from engine.store.errors import StoreError
from engine.store.records import RemovalRecord

FIRST_DELAY = 60.0
"""Seconds before the second try, doubled for each further one; the client has retried each for two
minutes already."""

LONGEST_DELAY = 3600.0
"""Seconds: a magnet that stays an hour longer on the account harms nobody."""

logger = logging.getLogger("engine.jobs.errands")


class Errands:
    """The errands under way, by magnet. The event loop's thread only.

    `delete` takes a magnet off the account, `done` stores that it is off, and `pending` returns
    what is still to be taken off of a torrent by its infohash.
    """

    def __init__(
        self,
        delete: Callable[[int], Awaitable[None]],
        *,
        done: Callable[[RemovalRecord], Awaitable[None]],
        pending: Callable[[str], Sequence[RemovalRecord]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._delete = delete
        self._done = done
        self._pending = pending
        self._sleep = sleep
        self._under_way: dict[int, _Errand] = {}

    def __repr__(self) -> str:
        return f"<Errands {len(self._under_way)} under way>"

    def take_off(self, removal: RemovalRecord) -> None:
        """Take a magnet off the account, unless that is being done."""
        if removal.magnet_id in self._under_way:
            return
        errand = _Errand(removal)
        self._under_way[removal.magnet_id] = errand
        errand.task = asyncio.create_task(self._run(errand), name=f"errand {removal.torrent}")
        errand.task.add_done_callback(lambda done: self._ended(errand, done))

    @asynccontextmanager
    async def withheld(self, infohash: str) -> AsyncIterator[None]:
        """Take nothing off that may be a torrent's magnet; afterwards go on with what is left."""
        for errand in list(self._under_way.values()):
            if errand.removal.torrent == infohash:
                await errand.stopped()
        try:
            yield
        finally:
            self.go_on(infohash)

    def go_on(self, infohash: str) -> None:
        """Take off what is still to be taken off of a torrent."""
        for removal in self._pending(infohash):
            self.take_off(removal)

    async def close(self) -> None:
        """End the errands; what is not done is done after the next start."""
        tasks = [errand.task for errand in self._under_way.values() if errand.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, errand: "_Errand") -> None:
        delay = FIRST_DELAY
        while not await self._try(errand.removal):
            errand.resting.set()
            await self._sleep(delay)
            errand.resting.clear()
            delay = min(2 * delay, LONGEST_DELAY)

    async def _try(self, removal: RemovalRecord) -> bool:
        try:
            await self._delete(removal.magnet_id)
            await self._done(removal)
        except (ApiError, StoreError) as problem:
            logger.info("torrent=%s magnet=kept-for-now reason=%r", removal.torrent, str(problem))
            return False
        logger.info("torrent=%s magnet=deleted", removal.torrent)
        return True

    def _ended(self, errand: "_Errand", task: "asyncio.Task[None]") -> None:
        del self._under_way[errand.removal.magnet_id]
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("torrent=%s errand=failed", errand.removal.torrent, exc_info=problem)


class _Errand:
    """One magnet that is being taken off."""

    def __init__(self, removal: RemovalRecord) -> None:
        self.removal = removal
        self.task: asyncio.Task[None] | None = None
        self.resting = asyncio.Event()
        """Set between two tries."""

    def __repr__(self) -> str:
        return f"<_Errand {self.removal!r}>"

    async def stopped(self) -> None:
        """Let a try under way end, and make no other one."""
        if self.task is None:
            return
        resting = asyncio.create_task(self.resting.wait())
        try:
            await asyncio.wait([self.task, resting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            resting.cancel()
        self.task.cancel()
        await asyncio.wait([self.task])
