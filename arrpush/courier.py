"""Telling one program how downloads ended, however long that takes.

Theory
    Two couriers serve each program, for what one of them waits for must not hold up the other: to
    give a download up takes as long as the program takes to call us back, search and all, while a
    finished one should be imported within seconds.

    A courier does one thing at a time, the one that is due first, and sleeps until something is. It
    asks nothing while the line is bad. What it has to tell is stored by others and is told to it
    again after a restart, so nothing here has to be saved.

Rules
    Nothing is held while a program is asked: it calls our API back before it answers, and needs
    there whatever it needs.

    An ending is marked as tried before anything is done about it (`Book.begin`), which also tells
    whether it still counts: a torrent that was resumed meanwhile has not failed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from arrpush.arr import Arr, ArrTrouble, Trouble
from arrpush.downloads import give_up, history, look, mark_failed, queued
from arrpush.line import Line, Timing
from arrpush.steady import pause, steadily
from arrpush.verdict import Step, Verdict, settled, verdict
from engine.store.records import EndingRecord

GATHERED = 0.5
"""Seconds: what finishes within them is told together."""

REFRESH_INTERVAL = 5.0
"""Seconds between two requests to look; each makes a program ask us for all torrents."""

LOOKS = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds before each further look for a download. A program that was asked to look at us has done
so by the first or second; by itself it does so every minute."""

PATIENCE = 24 * 3600.0
"""Seconds after which nobody is told any more: whoever was down so long has more to catch up."""

logger = logging.getLogger("arrpush.courier")


Key = tuple[str, bool, int]
"""An ending, whatever was tried about it."""


def key_of(ending: EndingRecord) -> Key:
    """Return what is the same for one ending, and for no other."""
    return ending.torrent, ending.failed, ending.at


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of telling a program of an ending."""

    program: str
    ending: EndingRecord
    told: bool = True
    """False when it will not be told."""
    why: str = ""
    """What was done, or why it will not be told."""


class Book(msgspec.Struct, frozen=True):
    """Where a courier looks up and notes what it does. All of them raise StoreError."""

    begin: Callable[[EndingRecord], Awaitable[bool]]
    """Notes that an ending is acted on; False when it does not count any more."""
    is_here: Callable[[str], Awaitable[bool]]
    """Tells whether there still is such a torrent."""
    done: Callable[[Told], Awaitable[None]]
    """Notes that a program was told or will not be."""


class Courier:
    """What the two kinds have in common: when something is done. One event loop."""

    def __init__(self, arr: Arr, line: Line, book: Book, timing: Timing) -> None:
        self.name = arr.name
        self._arr = arr
        self._line = line
        self._book = book
        self._timing = timing
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Do what is due, for ever."""
        await steadily(self._step, self._timing, logger, f"program={self.name}")

    def take(self, ending: EndingRecord) -> None:
        """Have an ending told."""
        raise NotImplementedError

    def drop(self, key: Key) -> None:
        """Do not tell an ending any more, if it is being told."""
        raise NotImplementedError

    def _due(self) -> float | None:
        """Return when there is something to do, in monotonic seconds; None for nothing."""
        raise NotImplementedError

    async def _act(self) -> bool:
        """Do what is due; tell whether the program was asked. Raises ArrTrouble, StoreError."""
        raise NotImplementedError

    async def _step(self) -> None:
        self._changed.clear()
        due = self._due()
        wait = None
        if due is not None:
            wait = max(due - self._timing.monotonic(), self._line.wait(self._arr))
        if wait is not None and wait <= 0:
            await self._try()
        else:
            await pause(self._changed, wait, self._timing)

    async def _try(self) -> None:
        try:
            if await self._act():
                self._line.well()
        except ArrTrouble as problem:
            self._line.troubled(problem, self._arr)

    def _is_old(self, ending: EndingRecord) -> bool:
        return self._timing.now() - ending.at > PATIENCE


class Finishes(Courier):
    """Has a program look at its downloads when some have finished."""

    def __init__(self, arr: Arr, line: Line, book: Book, timing: Timing) -> None:
        super().__init__(arr, line, book, timing)
        self._finished: dict[Key, EndingRecord] = {}
        self._look_at = 0.0
        self._looked_at = float("-inf")

    def __repr__(self) -> str:
        return f"<Finishes {self.name} {len(self._finished)} to tell>"

    def take(self, ending: EndingRecord) -> None:
        """Have a finished download told."""
        if not self._finished:
            soon = self._timing.monotonic() + GATHERED
            self._look_at = max(soon, self._looked_at + REFRESH_INTERVAL)
        self._finished[key_of(ending)] = ending
        self._changed.set()

    def drop(self, key: Key) -> None:
        """Do not tell of a download any more."""
        self._finished.pop(key, None)
        self._changed.set()

    def _due(self) -> float | None:
        return self._look_at if self._finished else None

    async def _act(self) -> bool:
        told = list(self._finished.values())
        fresh = [one for one in told if not self._is_old(one)]
        if fresh:
            await look(self._arr)
            logger.info("program=%s told=finished downloads=%d", self.name, len(fresh))
        # What has finished meanwhile is told next time.
        self._looked_at = self._timing.monotonic()
        self._look_at = self._looked_at + REFRESH_INTERVAL
        for ending in told:
            await self._book.done(Told(program=self.name, ending=ending))
            self.drop(key_of(ending))
        return bool(fresh)


class _Case:
    """A failed download on its way to a program."""

    def __init__(self, ending: EndingRecord, due: float) -> None:
        self.ending = ending
        self.tried = ending.tried
        self.claimed = False
        """True when another program had asked for it, and has given it up."""
        self.looks = 0
        self.due = due


class Failures(Courier):
    """Has a program give up downloads that have failed, and look for others."""

    def __init__(self, arr: Arr, line: Line, book: Book, timing: Timing) -> None:
        super().__init__(arr, line, book, timing)
        self._cases: dict[Key, _Case] = {}

    def __repr__(self) -> str:
        return f"<Failures {self.name} {len(self._cases)} to tell>"

    def take(self, ending: EndingRecord) -> None:
        """Have a failed download told."""
        self._cases[key_of(ending)] = _Case(ending, self._timing.monotonic())
        self._changed.set()

    def drop(self, key: Key) -> None:
        """Do not tell of a download any more."""
        self._cases.pop(key, None)
        self._changed.set()

    def hurry(self, key: Key) -> None:
        """Look for a download now: another program has given it up, and our torrent is gone."""
        case = self._cases.get(key)
        if case is not None:
            case.claimed, case.due = True, self._timing.monotonic()
            self._changed.set()

    def _due(self) -> float | None:
        return min((case.due for case in self._cases.values()), default=None)

    async def _act(self) -> bool:
        case = min(self._cases.values(), key=lambda one: one.due)
        if self._is_old(case.ending):
            await self._close(case, told=False, why="could not be told for a day")
            return False
        await self._tell(case)
        return True

    async def _tell(self, case: _Case) -> None:
        found = await self._verdict(case)
        if found.step is Step.NOT_THEIRS:
            await self._look_again(case, "did not ask for it", enough=case.claimed)
        elif found.step is Step.SETTLED:
            await self._close(case, told=True, why=found.why)
        elif found.step is Step.WAIT:
            if not case.looks:
                await look(self._arr)
            await self._look_again(case, "asked for it but does not have it in its queue")
        else:
            await self._end(case, found)

    async def _verdict(self, case: _Case) -> Verdict:
        infohash = case.ending.torrent
        past = await history(self._arr, infohash)
        known = settled(past)
        if known is not None:
            return known
        ids = await queued(self._arr, infohash)
        here = await self._book.is_here(infohash)
        return verdict(past, ids, tried=case.tried or case.claimed, here=here)

    async def _end(self, case: _Case, found: Verdict) -> None:
        if not await self._book.begin(case.ending):
            self.drop(key_of(case.ending))
            return
        case.tried = True
        try:
            if found.step is Step.GIVE_UP:
                await give_up(self._arr, found.id)
            else:
                await mark_failed(self._arr, found.id)
        except ArrTrouble as problem:
            if problem.status != 404 and problem.trouble is not Trouble.REFUSED:
                raise
            await self._look_again(case, str(problem))
        else:
            await self._close(case, told=True, why="given up, blocklisted and searched again")

    async def _look_again(self, case: _Case, why: str, *, enough: bool = False) -> None:
        if enough or case.looks >= len(LOOKS):
            await self._close(case, told=False, why=why)
            return
        case.due = self._timing.monotonic() + LOOKS[case.looks]
        case.looks += 1

    async def _close(self, case: _Case, *, told: bool, why: str) -> None:
        await self._book.done(Told(program=self.name, ending=case.ending, told=told, why=why))
        self.drop(key_of(case.ending))
