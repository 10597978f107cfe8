"""One poller for all torrents: what AllDebrid is doing with them, as cheaply as it allows.

Theory
    Everybody who cares about a torrent waits in `next`; one task asks AllDebrid for all of them,
    in live mode (see `live`). It asks every 5 seconds while somebody waits, every minute while
    nobody does but somebody did, and not at all before anybody asked for anything.

Rules
    A torrent is gone only when a list that was asked for after the question lacks it and
    AllDebrid, asked for its id, says so too. Changes alone never remove one.
    Trouble never ends the task: it is told once per kind, and the next round tries again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from random import random as system_random
from typing import Protocol

import msgspec

from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.live import Live, apply
from engine.alldebrid.values import MagnetStatus
from engine.alldebrid.wire import StatusAnswer

logger = logging.getLogger("engine.alldebrid.poller")

ACTIVE_INTERVAL = 5.0
"""Seconds between two questions while somebody waits."""

IDLE_INTERVAL = 60.0
"""Seconds between two questions while nobody does."""

FULL_INTERVAL = 600.0
"""Seconds after which the whole list is asked for again: changes do not show what was deleted."""

LARGEST_SESSION = 2**31 - 1


class StatusSource(Protocol):
    """What the poller needs of `AllDebrid`."""

    async def changes(self, session: int, counter: int) -> StatusAnswer:
        """Return what changed since `counter`."""

    async def status_of(self, magnet_id: int) -> MagnetStatus:
        """Return one torrent, or raise ApiError."""


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """How often is asked, in seconds."""

    active: float = ACTIVE_INTERVAL
    idle: float = IDLE_INTERVAL
    full: float = FULL_INTERVAL


class Poller:
    """The list of the account's torrents, kept fresh by `run`. One event loop."""

    def __init__(
        self,
        source: StatusSource,
        intervals: Intervals | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = system_random,
    ) -> None:
        self._source = source
        self._intervals = intervals or Intervals()
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._live = Live(0)
        self._statuses: dict[int, MagnetStatus] = {}
        self._by_hash: dict[str, int] = {}
        self._full_at = float("-inf")
        self._full_asked = 0
        """Full lists asked for so far; the number of the one that is under way, or was last."""
        self._full_heard = 0
        """Number of the full list that came last."""
        self._watching = 0
        self._ever_watched = asyncio.Event()
        self._want_full = True
        self._changed = asyncio.Event()
        self._trouble = ""

    def __repr__(self) -> str:
        state = self._trouble or ("synced" if self._full_heard else "unsynced")
        return f"<Poller {state} torrents={len(self._statuses)} watching={self._watching}>"

    async def run(self) -> None:
        """Keep asking until cancelled."""
        await self._ever_watched.wait()
        while True:
            await self._round()
            await self._rest()

    async def synced(self) -> None:
        """Return when the first full list is there."""
        with self._watch():
            while not self._full_heard:
                await self._changed.wait()

    async def refresh(self) -> None:
        """Return when a full list is there that was asked for after this call."""
        number = self._full_asked
        with self._watch():
            while self._full_heard <= number:
                self._want_full = True
                await self._changed.wait()

    async def look(self, magnet_id: int) -> None:
        """Ask for one torrent now instead of with the next round; trouble is left to that."""
        with contextlib.suppress(ApiError):
            status = await self._source.status_of(magnet_id)
            self._tell({**self._statuses, magnet_id: status})

    def by_hash(self, infohash: str) -> MagnetStatus | None:
        """Return the torrent with this infohash, as last heard of."""
        return self._statuses.get(self._by_hash.get(infohash.lower(), 0))

    def by_id(self, magnet_id: int) -> MagnetStatus | None:
        """Return the torrent with this id, as last heard of."""
        return self._statuses.get(magnet_id)

    async def next(self, magnet_id: int, seen: MagnetStatus | None) -> MagnetStatus:
        """Return the torrent's status as soon as it is another than `seen`.

        Raises ApiError GONE when AllDebrid does not have it and says so when asked for it.
        """
        asked_before = self._full_asked
        with self._watch():
            while True:
                status = self._statuses.get(magnet_id)
                if status is not None and status != seen:
                    return status
                if status is None and self._full_heard > asked_before:
                    await self._confirm(magnet_id)
                    asked_before = self._full_asked
                    continue
                self._want_full = self._want_full or status is None
                await self._changed.wait()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[None]:
        self._ever_watched.set()
        self._watching += 1
        try:
            yield
        finally:
            self._watching -= 1

    async def _rest(self) -> None:
        """Sleep until the next round is due; somebody who begins to wait shortens an idle rest."""
        began = self._clock()
        await self._sleep(self._intervals.active)
        while not self._watching and self._clock() - began < self._intervals.idle:
            await self._sleep(self._intervals.active)

    async def _round(self) -> None:
        """Ask once and tell everybody who waits."""
        try:
            await self._poll()
        except ApiError as error:
            if error.code != self._trouble:
                logger.warning("poll=failed code=%s", error.code)
            self._trouble = error.code
        except Exception:
            # The last net: without this task no torrent would ever go on.
            logger.exception("poll=failed")
            self._want_full = True
        else:
            if self._trouble:
                logger.info("poll=recovered")
            self._trouble = ""

    async def _poll(self) -> None:
        now = self._clock()
        if self._want_full or self._live.lost or now - self._full_at >= self._intervals.full:
            session = 1 + int(self._random() * (LARGEST_SESSION - 1))
            live = Live(session)
            self._full_asked += 1
        else:
            live = self._live
        number = self._full_asked
        answer = await self._source.changes(live.session, live.counter)
        self._live = apply(live, answer)
        if answer.full or live.counter == 0:
            self._full_at = now
            self._full_heard = number
            self._want_full = False
        self._tell(self._live.statuses())

    def _tell(self, statuses: dict[int, MagnetStatus]) -> None:
        self._statuses = statuses
        self._by_hash = {status.hash: status.id for status in statuses.values() if status.hash}
        self._changed.set()
        self._changed = asyncio.Event()

    async def _confirm(self, magnet_id: int) -> None:
        """Ask for one torrent that the list lacks; raise ApiError GONE when it is no more."""
        try:
            status = await self._source.status_of(magnet_id)
        except ApiError as error:
            if error.treatment is Treatment.GONE:
                raise
            logger.info("poll=unconfirmed code=%s", error.code)
            await self._changed.wait()
        else:
            self._tell({**self._statuses, magnet_id: status})
