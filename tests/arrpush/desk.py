"""A hand-over for real: store and torrents as in the service, programs on loopback.

Only time is not: what is slept lasts until the test lets it pass.
"""

import asyncio
from collections.abc import Callable

from arrpush.arr import Arr
from arrpush.handover import HandOver
from arrpush.line import Timing
from engine.jobs.ledger import Ledger
from engine.jobs.states import State
from engine.store import endings
from engine.store.errors import StoreError
from engine.store.records import EndingRecord, TorrentRecord
from engine.store.store import Store
from tests.engine.jobs.world import Controlled
from tests.fakes.arr import KEY, FakeArr

PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""


class BreakableStore(Store):
    broken = False

    async def run(self, work, **how):
        if self.broken:
            raise StoreError("there is no room left to write the database")
        return await super().run(work, **how)


class Desk:
    def __init__(self, folder, sonarr: FakeArr, radarr: FakeArr | None = None) -> None:
        self.folder = folder
        self.time = Controlled(lambda: None)
        self.fakes = {"Sonarr": sonarr, **({"Radarr": radarr} if radarr else {})}
        self.key = KEY
        self.deleted: list[str] = []
        for fake in self.fakes.values():
            fake.on_delete = self.delete

    async def start(self) -> None:
        """Start as the service does, over what is stored."""
        self.loop = asyncio.get_running_loop()
        self.store = BreakableStore(self.folder / "store.db")
        self.hand_over = HandOver(
            self.store,
            [Arr(name, fake.url, lambda: self.key) for name, fake in self.fakes.items()],
            Timing(
                now=self.time.clock,
                monotonic=self.time.clock,
                sleep=self.time.sleep,
                random=lambda: 1.0,
            ),
        )
        self.ledger = Ledger(self.store, self.time.clock, self.hand_over.hear)
        await self.ledger.load()
        self.hand_over.start()

    async def stop(self) -> None:
        await self.hand_over.stop()
        self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def adds(self, *hashes: str) -> None:
        for infohash in hashes:
            record = TorrentRecord(
                hash=infohash, name=infohash, state=State.ADDED, save_path="/x", added_at=1
            )
            await self.ledger.insert(record, b"", "as a magnet")

    async def fails(self, *hashes: str, bad_release: bool = True) -> None:
        """Add torrents and let them fail."""
        await self.adds(*hashes)
        for infohash in hashes:
            await self.ledger.move(
                infohash, State.ERROR, reason="no peers", bad_release=bad_release
            )

    async def finishes(self, *hashes: str) -> None:
        """Add torrents and let them finish."""
        await self.adds(*hashes)
        for infohash in hashes:
            for state in (State.QUEUED, State.DOWNLOADING, State.MOVING, State.COMPLETED):
                await self.ledger.move(infohash, state)

    def delete(self, infohash: str) -> None:
        """Delete a torrent as our API does when a program calls it; from the program's thread."""
        removal = self.ledger.remove(infohash)
        asyncio.run_coroutine_threadsafe(removal, self.loop).result(PATIENCE)
        self.deleted.append(infohash)

    def stored(self) -> list[EndingRecord]:
        return self.store.call(endings.load_all)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, turning the loop meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - a server in a thread tells nobody
                await asyncio.sleep(0)

    async def sleeps(self, seconds: float) -> None:
        """Wait until somebody sleeps that long."""
        await self.until(lambda: any(abs(left - seconds) < 0.001 for left in self.time.asleep()))

    async def passes(self, seconds: float) -> None:
        """Wait until somebody sleeps that long, and let the time pass."""
        await self.sleeps(seconds)
        self.time.passes(seconds)

    async def as_time_passes(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, a second with every turn of the loop."""

        def second_later() -> bool:
            self.time.passes(1.0)
            return condition()

        await self.until(second_later)

    async def told(self) -> None:
        """Wait until there is nothing left to tell."""
        await self.until(lambda: not self.stored() and not self.hand_over._open)
