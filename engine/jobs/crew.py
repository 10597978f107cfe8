"""The tasks that work on torrents: at most one per torrent, started and stopped in order.

Rules
    Whoever starts or stops a torrent's task holds that torrent's `control`, so that pausing,
    resuming, checking and deleting never cross. It may be held while a download's threads end.

    `stop` returns when the task is over and every change it had begun is made: what is read of the
    torrent afterwards stays so.
"""

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from engine.jobs.allowance import Allowance
from engine.jobs.drive import STORE_INTERVAL, drive
from engine.jobs.job import Job, Tools
from engine.jobs.live import Live, Traffic
from engine.store.errors import StoreError

logger = logging.getLogger("engine.jobs.crew")


class Crew:
    """Who works on which torrent. The event loop's thread only."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lives: dict[str, Live] = {}
        self._controls: weakref.WeakValueDictionary[str, asyncio.Lock] = (
            weakref.WeakValueDictionary()
        )
        self._traffic = Traffic()

    def __repr__(self) -> str:
        return f"<Crew {len(self._tasks)} at work>"

    @asynccontextmanager
    async def control(self, infohash: str) -> AsyncIterator[None]:
        """Be the only one to start or stop work on a torrent."""
        lock = self._controls.get(infohash)
        if lock is None:
            lock = self._controls[infohash] = asyncio.Lock()
        async with lock:
            yield

    def live(self, infohash: str) -> Live | None:
        """Return the moving numbers of a torrent that is worked on."""
        return self._lives.get(infohash)

    def by_hash(self) -> Mapping[str, Live]:
        """Return the moving numbers of all torrents that are worked on; not to be changed."""
        return self._lives

    def lives(self) -> list[Live]:
        """Return the moving numbers of all torrents that are worked on."""
        return list(self._lives.values())

    @property
    def received(self) -> int:
        """Bytes received by downloads that have ended."""
        return self._traffic.received

    def start(self, infohash: str, *, asked_again: bool = False) -> None:
        """Begin to work on a torrent; see `Job` for what the flag means.

        Of one that is being moved on disk nothing is begun: who moves it starts it afterwards.
        """
        entry = self._tools.ledger.find(infohash)
        if entry is not None and entry.moving is not None:
            return
        live = self._lives[infohash] = Live(self._traffic)
        task = asyncio.create_task(
            self._work(infohash, live, asked_again=asked_again),
            name=f"drive {infohash}",
        )
        self._tasks[infohash] = task
        task.add_done_callback(lambda done: self._ended(infohash, done))

    async def stop(self, infohash: str) -> None:
        """End the work on a torrent, and wait for its end."""
        task = self._tasks.get(infohash)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._tools.ledger.settled()

    async def close(self) -> None:
        """End all work."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._tools.ledger.settled()

    async def _work(self, infohash: str, live: Live, *, asked_again: bool) -> None:
        job = Job(self._tools, infohash, live, await self._allowance(infohash))
        job.asked_again = asked_again
        await drive(job)

    async def _allowance(self, infohash: str) -> Allowance:
        """Read what the torrent may still do again; wait for a store that cannot be read now."""
        while True:
            try:
                return Allowance(await self._tools.ledger.events(infohash))
            except StoreError as problem:
                logger.error("torrent=%s store=failed reason=%r", infohash, str(problem))  # noqa: TRY400 - one line is enough, it repeats
                await self._tools.timing.sleep(STORE_INTERVAL)

    def _ended(self, infohash: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(infohash) is task:
            del self._tasks[infohash]
            self._lives.pop(infohash, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("torrent=%s drive=died", infohash, exc_info=problem)
