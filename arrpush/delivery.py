"""Delivering accepted releases to one program, one after the other, however long that takes.

Theory
    A program takes one push at a time anyway, under a lock of its own, and grabs the release before
    it answers: while we wait it fetches the .torrent and adds it through our own API. So nothing is
    held meanwhile, neither a lock nor a transaction, and one release is on its way at a time.

    What has to be delivered is in the store, and read from there anew for every try. So nothing has
    to be saved at the end, and whatever is announced, grabbed or changed meanwhile counts.

Rules
    Releases go out in the order in which they were accepted. While the program is down the first
    one waits, and all behind it. But one that the program answers with an error of its own time
    after time must not hold up the rest: after `STUBBORN` tries it goes to the end.

    `tried` is stored before the push leaves. One that was tried is pushed again only when the
    program says that it has not grabbed it.

    A wrong key is the user's to mend: nothing is asked until it is another key, but for a look now
    and then whether the program knows it by now.
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
from arrpush.line import Line, Timing
from arrpush.steady import steadily
from engine.store import pushes
from engine.store.records import PushRecord
from engine.store.store import Connection, Store

STUBBORN = 8
"""Tries of one release that the program itself answered with an error, before others get a turn."""

KEY_LOOK = 30.0
"""Seconds between two looks whether a refused key has changed."""

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

    def __repr__(self) -> str:
        return f"<Delivery {self._target}>"

    def wake(self) -> None:
        """Look for something to deliver."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver what is waiting, for ever."""
        await steadily(self._step, self._timing, logger, f"target={self._target}")

    async def _step(self) -> None:
        self._woken.clear()
        record = await self._store.run(
            lambda db: pushes.first(db, course.State.WAITING, self._target)
        )
        if record is None:
            await self._woken.wait()
            return
        wait = self._wait()
        if wait > 0:
            await self._timing.sleep(wait)
        else:
            await self._try(record.id)

    def _wait(self) -> float:
        """Return the seconds until the program may be asked, or until there is a reason to look."""
        wait = self._line.open_at - self._timing.monotonic()
        if not self._arr.key_refused:
            return wait
        return 0.0 if self._arr.key() != self._arr.key_refused else min(wait, KEY_LOOK)

    async def _try(self, push_id: str) -> None:
        begun = await self._store.run(lambda db: self._begin(db, push_id))
        if begun is None:
            return  # it has been grabbed meanwhile
        before, body = begun
        at, started = self._timing.now(), self._timing.monotonic()
        tried = await self._push(before, body)
        took = self._timing.monotonic() - started
        self._note(tried)
        self._ways.log(_attempt(before, body, tried, at=at, took=took))
        after = await self._store.run(lambda db: self._conclude(db, push_id, tried))
        self._ways.changed(after)
        if after.state == course.State.WAITING:
            for record in await self._store.run(lambda db: self._give_way(db, after)):
                self._ways.changed(record)

    def _begin(self, db: Connection, push_id: str) -> tuple[PushRecord, dict[str, Any]] | None:
        """Note that a push is being sent; return it as it was, and what is sent. A work."""
        record = pushes.get(db, push_id)
        if record is None or record.state != course.State.WAITING:
            return None
        pushes.save(db, course.begun(record, self._timing.now()))
        return record, self._ways.body(db, record)

    async def _push(self, record: PushRecord, body: dict[str, Any]) -> _Tried:
        """Push, and return what came of it; what the program says may repeat what it was sent."""
        tried = await self._ask(record, body)
        sentence = Cover(body).text(tried.reply.sentence)
        return msgspec.structs.replace(
            tried, reply=msgspec.structs.replace(tried.reply, sentence=sentence)
        )

    async def _ask(self, record: PushRecord, body: dict[str, Any]) -> _Tried:
        name = self._arr.name
        try:
            if record.tried and (infohash := await self._has_it(record)):
                said = f"{name} had grabbed the release already"
                return _Tried(reply=Reply(Outcome.APPROVED, said), grabbed=infohash)
            answer = await self._arr.push(body)
        except ArrTrouble as problem:
            reply = of_trouble(name, problem)
            return _Tried(
                reply=reply, code=problem.status, answer=_text(problem.body), problem=problem
            )
        reply = of_answer(name, answer)
        wrong = reply.outcome is Outcome.WRONG_ADDRESS
        return _Tried(
            reply=reply,
            code=answer.status,
            answer=_text(answer.body),
            problem=ArrTrouble(Trouble.ADDRESS, reply.sentence) if wrong else None,
        )

    async def _has_it(self, record: PushRecord) -> str:
        """Return the infohash of a release that the program has grabbed since, "" if it has not.

        Raises ArrTrouble when it does not say; a program without a history never has.
        """
        since = record.accepted_at - course.CLOCKS
        try:
            return await grab_of(self._arr, record.title, record.infohash, since)
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

    def _note(self, tried: _Tried) -> None:
        """Note how well the program can be reached."""
        problem = tried.problem
        if problem is None or problem.trouble in {Trouble.UNKNOWN, Trouble.REFUSED}:
            self._line.well()
        else:
            self._line.troubled(problem)

    def _give_way(self, db: Connection, record: PushRecord) -> list[PushRecord]:
        """Let others get a turn, and give up what has waited too long; return those. A work."""
        if record.code >= 500 and record.attempts % STUBBORN == 0:
            pushes.to_the_end(db, record.id)
        now = self._timing.now()
        late = pushes.overdue(
            db, course.State.WAITING, self._target, int(now - self._ways.patience)
        )
        given_up = [course.expired(one, now) for one in late]
        for one in given_up:
            pushes.save(db, one)
        return given_up


def _attempt(
    record: PushRecord, body: dict[str, Any], tried: _Tried, *, at: float, took: float
) -> Attempt:
    return Attempt(
        at=at,
        target=record.target,
        id=record.id,
        title=record.title,
        code=tried.code,
        duration=took,
        payload=len(msgspec.json.encode(body)),
        outcome=tried.reply.outcome.value,
        said=tried.reply.sentence,
    )


def _text(body: bytes) -> str:
    return body[: course.LONGEST_ANSWER].decode("utf-8", "replace")
