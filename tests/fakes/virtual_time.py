"""Time for tests: nobody sleeps, and the clock says what the test wants.

`FastTime` jumps: a sleep is over at once and the clock has moved. For code that talks to a server.
`VirtualTime` stands still until `advance`: sleepers wake in the order of their deadlines. For code
with several tasks and no sockets.
"""

import asyncio
import heapq
import itertools

SETTLE_STEPS = 50
"""Turns of the loop that tasks get to come to rest; chains of awakenings are shorter."""


class FastTime:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        deadline = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, deadline)


class VirtualTime:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        await woken

    async def settle(self) -> None:
        """Let all tasks run until they wait."""
        for _ in range(SETTLE_STEPS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking who is due on the way."""
        target = self.now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            self.now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self.now = target
