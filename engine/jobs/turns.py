"""The queue at work: torrents wait here for their turn to download.

All of it runs on the event loop's thread. The policy is `engine.jobs.queue.admit`; this module
only keeps who waits and who runs, and asks again whenever one of the two changes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.jobs.queue import Candidate, Limits, admit


class Turns:
    """Who waits and who runs; `describe` tells a torrent's present place, size and force."""

    def __init__(self, limits: Limits, describe: Callable[[str], Candidate]) -> None:
        self._limits = limits
        self._describe = describe
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._running: set[str] = set()

    def __repr__(self) -> str:
        """Show how many wait and run."""
        return f"<Turns [{len(self._running)} running, {len(self._waiting)} waiting]>"

    def limit(self, limits: Limits) -> None:
        """Let other limits hold from now on; who runs goes on (see `excess`)."""
        self._limits = limits
        self.review()

    def excess(self) -> list[str]:
        """Return who runs and would not be admitted as things are, the last in the queue first."""
        running = [self._describe(key) for key in self._running]
        kept = {one.hash for one in admit(running, [], self._limits)}
        out = [one for one in running if one.hash not in kept]
        return [one.hash for one in sorted(out, key=lambda one: -one.position)]

    @asynccontextmanager
    async def turn(self, infohash: str) -> AsyncIterator[None]:
        """Wait for the torrent's turn, and keep it until the block ends."""
        admitted = asyncio.get_running_loop().create_future()
        self._waiting[infohash] = admitted
        self.review()
        try:
            await admitted
            yield
        finally:
            self._waiting.pop(infohash, None)
            self._running.discard(infohash)
            self.review()

    def review(self) -> None:
        """Admit whoever may start now; call it after a place, a size or a force changed."""
        # A future that is done belongs to a task that was cancelled and has not run since.
        waiting = [key for key, admitted in self._waiting.items() if not admitted.done()]
        if not waiting:
            return
        chosen = admit(
            [self._describe(key) for key in waiting],
            [self._describe(key) for key in self._running],
            self._limits,
        )
        for one in chosen:
            self._running.add(one.hash)
            self._waiting.pop(one.hash).set_result(None)
