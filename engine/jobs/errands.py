"""Taking magnets off AllDebrid when their torrents are complete or deleted, in the background.

An errand never fails its torrent: after a few tries it is given up and said so in the log. A
torrent that is added again waits for its errand, or it would be taken off once more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from engine.alldebrid.errors import ApiError

TRIES = 4
"""Tries per magnet; the client has retried each for two minutes already."""

FIRST_DELAY = 60.0
"""Seconds before the second try; doubled for each further one."""

logger = logging.getLogger("engine.jobs.errands")


class Errands:
    """The errands under way, by infohash. The event loop's thread only."""

    def __init__(
        self,
        delete: Callable[[int], Awaitable[None]],
        *,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._delete = delete
        self._sleep = sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"<Errands {len(self._tasks)} under way>"

    def take_off(
        self, infohash: str, magnet_id: int, then: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Take a magnet off the account, and then do `then`."""
        task = asyncio.create_task(self._run(infohash, magnet_id, then), name=f"errand {infohash}")
        self._tasks[infohash] = task
        task.add_done_callback(lambda done: self._finished(infohash, done))

    async def settled(self, infohash: str) -> None:
        """Return when nothing is being done about a torrent's magnet."""
        while (task := self._tasks.get(infohash)) is not None:
            await asyncio.wait([task])

    async def close(self) -> None:
        """End the errands; what is not done is done after the next start, if still needed."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, infohash: str, magnet_id: int, then: Callable[[], Awaitable[None]] | None
    ) -> None:
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(FIRST_DELAY * 2 ** (attempt - 1))
            try:
                await self._delete(magnet_id)
            except ApiError as error:
                logger.info("torrent=%s magnet=kept code=%s", infohash, error.code)
            else:
                logger.info("torrent=%s magnet=deleted", infohash)
                if then is not None:
                    await then()
                return
        logger.warning("torrent=%s magnet=kept reason=gave-up", infohash)

    def _finished(self, infohash: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(infohash) is task:
            del self._tasks[infohash]
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("torrent=%s errand=failed", infohash, exc_info=problem)
