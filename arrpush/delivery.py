"""Delivering accepted releases to one program, one after the other, however long that takes.

Theory
    A program takes one push at a time anyway, under a lock of its own, and grabs the release before
    it answers: while we wait it fetches the .torrent and adds it through our own API. So nothing is
    held meanwhile, neither a lock nor a transaction, and one release is on its way at a time.

    What has to be delivered is in the store, and read from there anew for every try. So nothing has
    to be saved at the end, and whatever is announced, grabbed or changed meanwhile counts.

Rules
    Releases go out in the order in which they were accepted. While the program is down the first
    one waits, and all behind it.

    Before a release goes out again the program is asked whether it has it. When that is answered
    and the push fails nevertheless, time after time, it is the release that the program cannot
    stand. It then steps aside: it has times of its own, and holds up no other. So does one that
    trips over a bug of ours.

    `tried` is stored before the push leaves. One that was tried is pushed again only when the
    program says that it has not grabbed it.

    A wrong key is the user's to mend: nothing is asked until it is another key, but for a look now
    and then whether the program knows it by now.

    A release is given up when it has waited for too long. Clocks jump, and machines are off for a
    weekend: so nothing is given up before the program has had an hour of ours.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from arrpush import course
from arrpush.answer import Outcome, Reply, of_answer, of_trouble
from arrpush.arr import Arr, ArrTrouble, Trouble
from arrpush.attempts import Attempt
from arrpush.cover import Cover
from arrpush.downloads import grab_of
from arrpush.line import FIRST_DELAY, LONGEST_DELAY, Line, Timing
from arrpush.steady import pause, steadily
from engine.http import backoff
from engine.store import pushes
from engine.store.errors import StoreError
from engine.store.records import PushRecord
from engine.store.store import Connection, Store

STUBBORN = 5
"""Failed tries after which a release steps aside; with those pauses, some minutes."""

LONGEST_ASIDE = 1800.0
"""Seconds that a release which has stepped aside waits at most."""

GRACE = 3600.0
"""Seconds for which nothing is given up after a start."""

logger = logging.getLogger("arrpush.delivery")


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery works with besides store and program."""

    body: Callable[[Connection, PushRecord], dict[str, Any]]
    """Makes the JSON that is pushed; a work."""
    changed: Callable[[PushRecord], None]
    """Told of everything that became of a push."""
    log: Callable[[Attempt], None]
    patience: float
    """Seconds that a release waits for its program."""


class _Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try."""

    reply: Reply
    code: int = 0
    answer: str = ""
    problem: ArrTrouble | None = None
    """Why there was no verdict."""
    grabbed: str = ""
    """The infohash, where the program said that it has grabbed the release before."""
    size: int = 0
    """Bytes of what was sent."""
    own: bool = False
    """True when it is the release that the program, or we, cannot stand."""


class Delivery:
    """Pushes what is waiting for one program. The event loop's thread only."""

    def __init__(self, target: str, arr: Arr, store: Store, ways: Ways, timing: Timing) -> None:
        self._target = target
        self._arr = arr
        self._store = store
        self._ways = ways
        self._timing = timing
        self._line = Line(arr.name, timing)
        self._woken = asyncio.Event()
        self._aside: dict[str, float] = {}
        """When those that have stepped aside are due, in monotonic seconds, by id."""
        self._started_at = timing.monotonic()

    def __repr__(self) -> str:
        return f"<Delivery {self._target} {len(self._aside)} aside>"

    def wake(self) -> None:
        """Look for something to deliver."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver what is waiting, for ever."""
        await steadily(self._step, self._timing, logger, f"target={self._target}")

    async def _step(self) -> None:
        self._woken.clear()
        push_id = await self._next()
        if push_id is None:
            due = min(self._aside.values(), default=None)
            wait = None if due is None else due - self._timing.monotonic()
            await pause(self._woken, wait, self._timing)
            return
        wait = self._line.wait(self._arr)
        if wait > 0:
            await self._timing.sleep(wait)
        else:
            await self._try(push_id)

    async def _next(self) -> str | None:
        """Return the id of the release whose turn it is; those aside come after all others."""
        record = await self._store.run(
            lambda db: pushes.first(db, course.State.WAITING, self._target, self._aside)
        )
        if record is not None:
            return record.id
        now = self._timing.monotonic()
        return next((one for one, due in self._aside.items() if due <= now), None)

    async def _try(self, push_id: str) -> None:
        before = await self._store.run(lambda db: self._begin(db, push_id))
        if before is None:
            self._aside.pop(push_id, None)
            return  # it has been grabbed meanwhile
        at, started = self._timing.now(), self._timing.monotonic()
        tried = await self._push(before)
        took = self._timing.monotonic() - started
        self._note(before, tried)
        self._ways.log(_attempt(before, tried, at=at, took=took))
        after = await self._store.run(lambda db: self._conclude(db, push_id, tried))
        self._ways.changed(after)
        if after.state != course.State.WAITING:
            self._aside.pop(push_id, None)
        else:
            for record in await self._store.run(lambda db: self._give_up(db, after, tried)):
                self._aside.pop(record.id, None)
                self._ways.changed(record)

    def _begin(self, db: Connection, push_id: str) -> PushRecord | None:
        """Note that a push is being sent; return it as it was. A work."""
        record = pushes.get(db, push_id)
        if record is None or record.state != course.State.WAITING:
            return None
        pushes.save(db, course.begun(record, self._timing.now()))
        return record

    async def _push(self, record: PushRecord) -> _Tried:
        """Push, and return what came of it."""
        try:
            body = await self._store.run(lambda db: self._ways.body(db, record))
            return _covered(await self._ask(record, body), body)
        except StoreError:
            raise
        except Exception:
            # Whatever it is, the next release need not have it.
            logger.exception("target=%s push=%s state=failed", self._target, record.id)
            said = "an error of this service; its log says which"
            return _Tried(reply=Reply(Outcome.TRY_AGAIN, said), own=True)

    async def _ask(self, record: PushRecord, body: dict[str, Any]) -> _Tried:
        name = self._arr.name
        answers = False
        try:
            if record.tried:
                if infohash := await self._has_it(record):
                    said = f"{name} had grabbed the release already"
                    return _Tried(reply=Reply(Outcome.APPROVED, said), grabbed=infohash)
                answers = True
            answer = await self._arr.push(body)
        except ArrTrouble as problem:
            reply = of_trouble(name, problem)
            text, code = _text(problem.body), problem.status
            trouble: ArrTrouble | None = problem
        else:
            reply = of_answer(name, answer)
            text, code = _text(answer.body), answer.status
            wrong = reply.outcome is Outcome.WRONG_ADDRESS
            trouble = ArrTrouble(Trouble.ADDRESS, reply.sentence) if wrong else None
        # It has just answered another question: what fails is this release.
        own = answers and record.attempts >= STUBBORN and _passes(trouble)
        return _Tried(reply=reply, code=code, answer=text, problem=trouble, own=own)

    async def _has_it(self, record: PushRecord) -> str:
        """Return the infohash of a release that the program has grabbed since, "" if it has not.

        Raises ArrTrouble when it does not say; a program without a history never has.
        """
        since = record.since - course.CLOCKS
        told = "" if record.guessed else record.infohash
        try:
            return await grab_of(self._arr, record.title, told, since)
        except ArrTrouble as problem:
            if problem.trouble in {Trouble.UNKNOWN, Trouble.REFUSED}:
                return ""
            raise

    def _conclude(self, db: Connection, push_id: str, tried: _Tried) -> PushRecord:
        """Store what came of a try; a work. Nobody else takes a push out of the store meanwhile."""
        record = pushes.get(db, push_id)
        assert record is not None  # noqa: S101 - what has not ended is never pruned
        now = self._timing.now()
        if tried.grabbed:
            record = course.grabbed(record, now, infohash=tried.grabbed, said=tried.reply.sentence)
        else:
            record = course.answered(
                record, tried.reply, code=tried.code, answer=tried.answer, now=now
            )
        pushes.save(db, record)
        return record

    def _note(self, record: PushRecord, tried: _Tried) -> None:
        """Note how well the program can be reached, and when a release is due that cannot be."""
        if tried.own:
            tries = max(record.attempts - STUBBORN, 0)
            wait = backoff.delay(tries, self._timing.random, base=LONGEST_DELAY, cap=LONGEST_ASIDE)
            self._aside[record.id] = self._timing.monotonic() + max(wait, FIRST_DELAY)
        problem = tried.problem
        if problem is None or tried.own or problem.trouble in {Trouble.UNKNOWN, Trouble.REFUSED}:
            self._line.well()
        else:
            self._line.troubled(problem, self._arr)

    def _give_up(self, db: Connection, record: PushRecord, tried: _Tried) -> list[PushRecord]:
        """Give up what has waited too long; return it. A work.

        While the program is down that holds for all that wait for it.
        """
        now = self._timing.now()
        if self._timing.monotonic() - self._started_at < GRACE:
            return []
        before = int(now - self._ways.patience)
        late = pushes.overdue(db, course.State.WAITING, self._target, before)
        given_up = [
            course.expired(one, now) for one in late if not tried.own or one.id == record.id
        ]
        for one in given_up:
            pushes.save(db, one)
        return given_up


def _covered(tried: _Tried, body: dict[str, Any]) -> _Tried:
    """Return what came of a push, without secrets of it that the program repeats."""
    sentence = Cover(body).text(tried.reply.sentence)
    reply = msgspec.structs.replace(tried.reply, sentence=sentence)
    return msgspec.structs.replace(tried, reply=reply, size=len(msgspec.json.encode(body)))


def _passes(problem: ArrTrouble | None) -> bool:
    """Tell whether a trouble may pass by itself."""
    return problem is not None and problem.trouble in {Trouble.DOWN, Trouble.ADDRESS}


def _attempt(record: PushRecord, tried: _Tried, *, at: float, took: float) -> Attempt:
    return Attempt(
        at=at,
        target=record.target,
        id=record.id,
        title=record.title,
        code=tried.code,
        duration=took,
        payload=tried.size,
        outcome=tried.reply.outcome.value,
        said=tried.reply.sentence,
    )


def _text(body: bytes) -> str:
    return body[: course.LONGEST_ANSWER].decode("utf-8", "replace")
