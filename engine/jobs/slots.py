"""The line of torrents that wait for a place at AllDebrid, which allows 30 active ones.

Only the first in the queue's order asks, for all of them: when one of ours ends, or else every
one to five minutes. When it gets its place the next one asks at once. So a thousand waiting
torrents cost AllDebrid one question every few minutes.

All of it runs on the event loop's thread.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

SHORTEST_WAIT = 60.0
"""Seconds between two questions, at least; AllDebrid's active torrents take minutes."""

LONGEST_WAIT = 300.0


class Slots:
    """The line; `place` tells a torrent's place in the queue."""

    def __init__(
        self,
        place: Callable[[str], int],
        *,
        sleep: Callable[[float], Awaitable[None]],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._place = place
        self._sleep = sleep
        self._uniform = uniform
        self._line: set[str] = set()
        self._changed = asyncio.Event()
        self._ask_now = True

    def __repr__(self) -> str:
        return f"<Slots {len(self._line)} waiting>"

    @asynccontextmanager
    async def line(self, infohash: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Stand in the line; await what it gives before each question."""
        self._line.add(infohash)
        try:
            yield lambda: self._turn(infohash)
        finally:
            self._line.discard(infohash)
            self.freed()

    def freed(self) -> None:
        """Say that there may be a place now."""
        self._ask_now = True
        self._announce()

    async def _turn(self, infohash: str) -> None:
        """Return when this torrent should ask."""
        while True:
            while self._first() != infohash:
                await self._changed.wait()
            if self._ask_now:
                self._ask_now = False
                return
            if await self._quiet() and self._first() == infohash:
                return  # nobody who goes before it has come meanwhile

    async def _quiet(self) -> bool:
        """Wait until it is time to ask anyway, or something changes; True when it is time."""
        pause = asyncio.ensure_future(self._sleep(self._uniform(SHORTEST_WAIT, LONGEST_WAIT)))
        change = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait([pause, change], return_when=asyncio.FIRST_COMPLETED)
            return pause.done()
        finally:
            pause.cancel()
            change.cancel()
            await asyncio.gather(pause, change, return_exceptions=True)

    def _first(self) -> str:
        return min(self._line, key=lambda infohash: (self._place(infohash), infohash))

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
