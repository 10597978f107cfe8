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
from collections.abc import Callable, Mapping, Sequence

from arrpush import catalogue, course
from arrpush.arr import Arr, ArrTrouble
from arrpush.downloads import grab_of
from arrpush.line import Timing
from arrpush.similar import THRESHOLD, likeness
from arrpush.steady import steadily
from engine.store import kept, pushes, torrents
from engine.store.records import PushRecord
from engine.store.store import Connection, Store

ASKED_FOR = 3600.0
"""Seconds for which a program that is down is asked again what it has grabbed."""

UNSURE_FOR = 7 * 24 * 3600
"""Seconds for which a torrent of the same name may be a release of which nobody told another."""

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
        self._asked_again_at: dict[str, float] = {}
        """When programs that could not be asked are asked again, in monotonic seconds, by push."""

    def __repr__(self) -> str:
        return "<Grabs>"

    def wake(self) -> None:
        """Look for releases that have been approved."""
        self._woken.set()

    def fetched(self, infohash: str) -> None:
        """Note that somebody has fetched a .torrent of ours."""
        self._fetched.add(infohash)

    async def added(self, infohash: str, name: str, size: int, target: str) -> None:
        """Note that a torrent was added here, by the program `target`; "" when nobody can tell.

        Raises StoreError.
        """
        seen = await self._store.run(lambda db: self._seen(db, infohash, name, size, target))
        self._fetched.discard(infohash)
        for record in seen:
            self._changed(record)

    async def run(self) -> None:
        """Look after every approved release, for ever."""
        await steadily(self._look, self._timing, logger, "grabs")

    async def _look(self) -> None:
        self._woken.clear()
        approved = await self._store.run(lambda db: pushes.in_state(db, course.State.APPROVED))
        waits = {record.id: self._wait(record) for record in approved}
        self._asked_again_at = {one: at for one, at in self._asked_again_at.items() if one in waits}
        due = [record for record in approved if waits[record.id] <= 0]
        silent: set[str] = set()
        for record in due:
            if record.target in silent and not self._too_late(record):
                self._ask_again(record)
            elif not await self._check(record):
                silent.add(record.target)
        if not approved:
            await self._woken.wait()
        elif not due:
            # What is approved meanwhile is due later than these.
            await self._timing.sleep(min(waits.values()))

    def _wait(self, record: PushRecord) -> float:
        """Return the seconds until a release is looked after."""
        wait = course.check_at(record) - self._timing.now()
        if wait > course.GRAB_PATIENCE:
            wait = 0.0  # the clock was set back
        again = self._asked_again_at.get(record.id, float("-inf"))
        return max(wait, again - self._timing.monotonic())

    async def _check(self, record: PushRecord) -> bool:
        """Find out what became of an approved release whose torrent did not come.

        Tells whether its program could be asked, if it had to be.
        """
        answered = True
        elsewhere = ""
        arr = self._programs.get(record.target)
        if arr is not None and not await self._is_here(record.infohash):
            since = record.attempted_at - course.CLOCKS
            told = "" if record.guessed else record.infohash
            try:
                elsewhere = await grab_of(arr, record.title, told, since)
            except ArrTrouble as problem:
                logger.debug("push=%s grab=unknown reason=%r", record.id, str(problem))
                answered = False
                if not self._too_late(record):
                    self._ask_again(record)
                    return False
        name = arr.name if arr is not None else record.target
        after = await self._store.run(lambda db: self._conclude(db, record.id, name, elsewhere))
        self._fetched.discard(record.infohash)
        if after is not None:
            self._changed(after)
        return answered

    def _too_late(self, record: PushRecord) -> bool:
        return self._timing.now() >= course.check_at(record) + ASKED_FOR

    def _ask_again(self, record: PushRecord) -> None:
        self._asked_again_at[record.id] = self._timing.monotonic() + course.GRAB_PATIENCE

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
        if torrents.exists(db, elsewhere or record.infohash):
            record = course.grabbed(record, now, infohash=elsewhere)
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
            and not record.guessed
            and kept.has(db, record.infohash)
            and record.infohash not in self._fetched
        )

    def _seen(
        self, db: Connection, infohash: str, name: str, size: int, target: str
    ) -> list[PushRecord]:
        """Note a torrent that was added with whatever waits for it; a work."""
        now = self._timing.now()
        catalogue.learn(db, name, infohash, now, size=size)
        told = pushes.of_torrent(db, infohash)
        found = [one for one in told if target in {"", one.target}]
        if not found:
            unsure = pushes.unsure(db, int(now - UNSURE_FOR))
            found = named([one for one in unsure if _may_be(one, target)], name)
        seen = [
            course.seen(one, now, infohash)
            for one in found
            if one.tried and not one.grabbed_at and _may_be(one, target)
        ]
        for record in seen:
            catalogue.learn(db, record.title, infohash, now, size=size)
            pushes.save(db, record)
        return seen


def named(unsure: Sequence[PushRecord], name: str) -> list[PushRecord]:
    """Return the release that a torrent's name means, in a list; an empty one for none. Pure.

    What is under way comes before what may be grabbed later, then counts the likeness; among
    equals the first one.
    """
    alike = [(likeness(one.title, name), one) for one in unsure]
    known = [(score, one) for score, one in alike if score >= THRESHOLD]
    if not known:
        return []
    return [max(known, key=lambda pair: (not course.ended(pair[1]), pair[0]))[1]]


def _may_be(record: PushRecord, target: str) -> bool:
    """Tell whether a torrent may be a release's; `target` has added it, "" for nobody knows who.

    Two programs may have been given the same release, and each grabs for itself.
    """
    return record.target == target if target else record.state in course.HOPEFUL
