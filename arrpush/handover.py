"""Handing downloads over: whoever asked for one hears at once how it ended.

Theory
    Whatever moves torrents stores how they ended, in the same transaction as the move, and says
    that something has changed (`hear`). Here the stored endings are handed to the couriers of every
    program; what is told, or cannot be told, is deleted from the store. So an ending is told after
    any restart, and one that does not count any more, for its torrent goes on, is dropped.

    An ending is done with when every program is: it was told, or will not be. Of a failure those
    that asked for the torrent are told; once one has said that it did, no other is asked for long.

Guarantees
    `hear` returns at once. Nothing here is waited for by whoever moves torrents, and nothing raises
    into it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from arrpush.arr import Arr
from arrpush.courier import Book, Courier, Failures, Finishes, Key, Told, key_of
from arrpush.line import Line, Timing
from arrpush.steady import steadily
from engine.store import endings, torrents
from engine.store.errors import StoreError
from engine.store.records import EndingRecord
from engine.store.store import Store

logger = logging.getLogger("arrpush.handover")


class HandOver:
    """Tells `programs` how torrents ended. The event loop's thread only."""

    def __init__(self, store: Store, programs: Sequence[Arr], timing: Timing | None = None) -> None:
        self._store = store
        self._timing = timing or Timing()
        self._heard = asyncio.Event()
        self._open: dict[Key, dict[str, Told]] = {}
        """For each ending that is being told, what became of it at the programs done with it."""
        book = Book(begin=self._begin, is_here=self._is_here, done=self._done)
        self._names = [program.name for program in programs]
        self._failures: list[Failures] = []
        self._finishes: list[Finishes] = []
        for program in programs:
            line = Line(program.name, self._timing)
            self._failures.append(Failures(program, line, book, self._timing))
            self._finishes.append(Finishes(program, line, book, self._timing))
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<HandOver to {', '.join(self._names)}: {len(self._open)} to tell>"

    def start(self) -> None:
        """Tell what is stored, and from then on what is heard of."""
        self._heard.set()
        self._tasks = [
            asyncio.create_task(work, name="hand-over")
            for work in (
                steadily(self._watch, self._timing, logger, "endings"),
                *(courier.run() for courier in (*self._failures, *self._finishes)),
            )
        ]

    async def stop(self) -> None:
        """Tell nothing more; what is not told is told after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hear(self) -> None:
        """Look at the stored endings again: they have changed."""
        self._heard.set()

    async def _watch(self) -> None:
        await self._heard.wait()
        self._heard.clear()
        try:
            stored = await self._store.run(endings.load_all)
        except StoreError:
            self._heard.set()
            raise
        self._compare({key_of(ending): ending for ending in stored})

    def _compare(self, stored: dict[Key, EndingRecord]) -> None:
        for key in [key for key in self._open if key not in stored]:
            self._forget(key)
        for key, ending in stored.items():
            if key not in self._open:
                self._open[key] = {}
                for courier in self._couriers(ending.failed):
                    courier.take(ending)

    def _forget(self, key: Key) -> None:
        del self._open[key]
        for courier in self._couriers(key[1]):
            courier.drop(key)

    def _couriers(self, failed: bool) -> Sequence[Courier]:
        return self._failures if failed else self._finishes

    async def _begin(self, ending: EndingRecord) -> bool:
        return await self._store.run(lambda db: endings.begin(db, ending))

    async def _is_here(self, infohash: str) -> bool:
        return await self._store.run(lambda db: torrents.exists(db, infohash))

    async def _done(self, outcome: Told) -> None:
        key, failed = key_of(outcome.ending), outcome.ending.failed
        known = self._open.get(key)
        if known is None:
            return  # it does not count any more
        outcomes = {**known, outcome.program: outcome}
        if len(outcomes) == len(self._names):
            await self._store.run(lambda db: endings.told(db, outcome.ending))
        if failed:
            self._log_failure(outcome, outcomes)
        if len(outcomes) == len(self._names):
            if key in self._open:
                self._forget(key)
            return
        self._open[key] = outcomes
        if failed and outcome.told:
            for courier in self._failures:
                courier.hurry(key)

    def _log_failure(self, outcome: Told, outcomes: Mapping[str, Told]) -> None:
        infohash = outcome.ending.torrent
        if outcome.told:
            logger.info("torrent=%s told=%s outcome=%r", infohash, outcome.program, outcome.why)
        elif len(outcomes) == len(self._names) and not any(one.told for one in outcomes.values()):
            why = "; ".join(f"{one.program} {one.why}" for one in outcomes.values())
            logger.info("torrent=%s told=nobody reason=%r", infohash, why)
