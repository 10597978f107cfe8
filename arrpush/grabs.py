"""Watching for the grabs of approved releases.

Theory
    That a program approves a release does not mean that it has grabbed it: whether it could fetch
    the .torrent and add it anywhere is not in its answer. The torrent that is added here tells. It
    is usually added while the program still holds its answer back.

    What was not added within a minute is asked for in the program's history: it may have gone to
    another download client. Else the program could not fetch the .torrent or could not add it, and
    the user hears so. Where the .torrent was to be fetched from us and nobody came for it, the
    program most likely cannot reach the address we gave it, so the release goes out once more as a
    magnet: that needs nothing but the way it adds torrents by.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from arrpush import catalogue, course
from arrpush.arr import Arr, ArrTrouble
from arrpush.downloads import grab_of
from arrpush.line import Timing
from arrpush.similar import THRESHOLD, likeness
from arrpush.steady import steadily
from engine.store import kept, pushes, torrents
from engine.store.records import PushRecord
from engine.store.store import Connection, Store

logger = logging.getLogger("arrpush.grabs")


class Grabs:
    """Knows which releases should be grabbed by now. The event loop's thread only."""

    def __init__(
        self,
        store: Store,
        programs: Mapping[str, Arr],
        timing: Timing,
        changed: Callable[[PushRecord], None],
    ) -> None:
        self._store = store
        self._programs = programs
        self._timing = timing
        self._changed = changed
        self._woken = asyncio.Event()
        self._fetched: set[str] = set()

    def __repr__(self) -> str:
        return "<Grabs>"

    def wake(self) -> None:
        """Look for releases that have been approved."""
        self._woken.set()

    def fetched(self, infohash: str) -> None:
        """Note that somebody has fetched a .torrent of ours."""
        self._fetched.add(infohash)

    async def added(self, infohash: str, name: str, size: int) -> None:
        """Note that a torrent was added here. Raises StoreError."""
        seen = await self._store.run(lambda db: self._seen(db, infohash, name, size))
        self._fetched.discard(infohash)
        for record in seen:
            self._changed(record)

    async def run(self) -> None:
        """Look after every approved release, for ever."""
        await steadily(self._look, self._timing, logger, "grabs")

    async def _look(self) -> None:
        self._woken.clear()
        approved = await self._store.run(lambda db: pushes.in_state(db, course.State.APPROVED))
        now = self._timing.now()
        for record in approved:
            if course.check_at(record) <= now:
                await self._check(record)
                return
        if not approved:
            await self._woken.wait()
        else:
            await self._timing.sleep(min(map(course.check_at, approved)) - now)

    async def _check(self, record: PushRecord) -> None:
        """Find out what became of an approved release whose torrent did not come."""
        elsewhere = ""
        arr = self._programs.get(record.target)
        if arr is not None and not await self._is_here(record.infohash):
            try:
                since = record.attempted_at - course.CLOCKS
                elsewhere = await grab_of(arr, record.title, record.infohash, since)
            except ArrTrouble as problem:
                logger.debug("push=%s grab=unknown reason=%r", record.id, str(problem))
        name = arr.name if arr is not None else record.target
        after = await self._store.run(lambda db: self._conclude(db, record.id, name, elsewhere))
        self._fetched.discard(record.infohash)
        if after is not None:
            self._changed(after)

    async def _is_here(self, infohash: str) -> bool:
        return await self._store.run(lambda db: torrents.exists(db, infohash))

    def _conclude(
        self, db: Connection, push_id: str, name: str, elsewhere: str
    ) -> PushRecord | None:
        """Store what became of a release; a work."""
        record = pushes.get(db, push_id)
        if record is None or record.state != course.State.APPROVED:
            return None
        now = self._timing.now()
        if torrents.exists(db, record.infohash):
            record = course.grabbed(record, now)
        elif elsewhere:
            said = (
                f"{name} grabbed the release with another download client; to have it here, name"
                " this one in ARRPUSH_DOWNLOAD_CLIENT as it is called there"
            )
            record = course.grabbed(record, now, infohash=elsewhere, said=said)
            logger.warning("push=%s grabbed=elsewhere reason=%r", push_id, said)
        elif self._cannot_fetch(db, record):
            said = f"{name} did not fetch the .torrent from here; it goes out again as a magnet"
            record = course.without_link(record, said)
            logger.warning("push=%s grabbed=no reason=%r", push_id, said)
        else:
            said = (
                f"{name} approved the release but its torrent was not added within"
                f" {course.GRAB_PATIENCE:.0f} s; the log of {name} says why"
            )
            record = course.not_grabbed(record, now, said)
            logger.warning("push=%s grabbed=no reason=%r", push_id, said)
        pushes.save(db, record)
        return record

    def _cannot_fetch(self, db: Connection, record: PushRecord) -> bool:
        """Tell whether a program was given a link of ours and did not come."""
        return (
            bool(record.base)
            and kept.has(db, record.infohash)
            and record.infohash not in self._fetched
        )

    def _seen(self, db: Connection, infohash: str, name: str, size: int) -> list[PushRecord]:
        """Note a torrent that was added with whatever waits for it; a work."""
        now = self._timing.now()
        catalogue.learn(db, name, infohash, now, size=size)
        found = [one for one in pushes.of_torrent(db, infohash) if not one.grabbed_at]
        if not found:
            alike = [one for one in pushes.nameless(db) if likeness(one.title, name) >= THRESHOLD]
            found = alike[:1]
        seen = [course.seen(one, now, infohash) for one in found if one.tried]
        for record in seen:
            catalogue.learn(db, record.title, infohash, now, size=size)
            pushes.save(db, record)
        return seen
