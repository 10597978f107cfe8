"""The course of a push: what an answer, a grab, or time makes of it. Pure.

    waiting ◀─▶ approved ──▶ grabbed, ungrabbed
       ├──▶ grabbed, later
       └──▶ rejected, bad_payload, refused, expired

Rules
    A release is grabbed when its torrent has been added here, or when the program says that it has
    grabbed it. Nothing undoes that, and a release that was thought lost may yet be grabbed.

    A push that may have reached the program is not simply sent again: the program is asked first
    whether it has the release (`tried`). So an answer that was lost does not double anything.

    Trouble of the program, its key or its address leaves the release waiting until it has waited
    too long. What the program says of the release itself is final.

    Whatever else it ended as becomes grabbed when its torrent is added after all. What ended badly
    goes out again (waiting) when it is announced again; what ended well does not.
"""

import enum

import msgspec

from arrpush.answer import Outcome, Reply
from engine.store.records import PushRecord

GRAB_PATIENCE = 60.0
"""Seconds within which the torrent of an approved release is added: the program does that before
it answers, or gives up."""

CLOCKS = 300.0
"""Seconds that the clock of a program and ours may differ by."""

LONGEST_ANSWER = 16 * 1024
"""Characters of an answer that are kept; a verdict has about two thousand."""


class State(enum.StrEnum):
    """Where a push stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    GRABBED = "grabbed"
    LATER = "later"
    REJECTED = "rejected"
    BAD_PAYLOAD = "bad_payload"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNGRABBED = "ungrabbed"


OPEN = frozenset({State.WAITING, State.APPROVED})
"""Under way: something is still to be done."""

WELL = frozenset({State.GRABBED, State.LATER})
"""Ended, and as it should."""

HOPEFUL = OPEN | {State.LATER, State.UNGRABBED}
"""A torrent that is added may be the release's."""

_FINAL = {
    Outcome.APPROVED: State.APPROVED,
    Outcome.LATER: State.LATER,
    Outcome.REJECTED: State.REJECTED,
    Outcome.BAD_PAYLOAD: State.BAD_PAYLOAD,
    Outcome.REFUSED: State.REFUSED,
}


def ended(record: PushRecord) -> bool:
    """Tell whether nothing more is to be done about a push."""
    return record.state not in OPEN


def may_go_again(record: PushRecord) -> bool:
    """Tell whether a release goes out once more when it is announced again."""
    return ended(record) and record.state not in WELL


def begun(record: PushRecord, now: float) -> PushRecord:
    """Return a push that is being sent, at Unix time `now`."""
    return msgspec.structs.replace(
        record, tried=True, attempts=record.attempts + 1, attempted_at=int(now)
    )


def answered(record: PushRecord, reply: Reply, *, code: int, answer: str, now: float) -> PushRecord:
    """Return what became of a push: `answer` is what the program said, as it came."""
    told = msgspec.structs.replace(
        record, code=code, said=reply.sentence, answer=answer[:LONGEST_ANSWER]
    )
    state = _FINAL.get(reply.outcome)
    if state is None:
        return told
    if told.grabbed_at:
        return _ended(told, State.GRABBED, now)
    if state is State.APPROVED:
        return _open(told, state)
    return _ended(told, state, now)


def grabbed(record: PushRecord, now: float, *, infohash: str = "", said: str = "") -> PushRecord:
    """Return a push whose torrent was grabbed; `infohash` is the torrent's, where it is news."""
    known = _known(record, now, infohash)
    return _ended(msgspec.structs.replace(known, said=said or record.said), State.GRABBED, now)


def seen(record: PushRecord, now: float, infohash: str) -> PushRecord:
    """Return a push whose torrent was added here just now.

    While it waits or is being sent, an answer is still to come, and says how it went on.
    """
    if record.state == State.WAITING:
        return _known(record, now, infohash)
    return grabbed(record, now, infohash=infohash)


def not_grabbed(record: PushRecord, now: float, said: str) -> PushRecord:
    """Return a push that was approved and led to nothing."""
    if record.grabbed_at:
        return grabbed(record, now)
    return _ended(msgspec.structs.replace(record, said=said), State.UNGRABBED, now)


def without_link(record: PushRecord, said: str) -> PushRecord:
    """Return a push that goes out again, without a link to the .torrent that is kept here."""
    if record.grabbed_at:
        return record
    return _open(msgspec.structs.replace(record, base="", said=said), State.WAITING)


def expired(record: PushRecord, now: float) -> PushRecord:
    """Return a push that has waited too long.

    Its torrent may be here all the same: then only the answer to the push never came.
    """
    if record.grabbed_at:
        return grabbed(record, now, said="its torrent was added, though no answer told of it")
    why = record.said or "nothing was heard of the program"
    said = f"given up: {why}"
    return _ended(msgspec.structs.replace(record, said=said), State.EXPIRED, now)


def check_at(record: PushRecord) -> float:
    """Return the Unix time at which an approved release should have been grabbed."""
    return record.attempted_at + GRAB_PATIENCE


def _known(record: PushRecord, now: float, infohash: str) -> PushRecord:
    """Return a push whose torrent is here; what was only guessed about it is known now."""
    told = record.infohash if record.infohash and not record.guessed else infohash
    return msgspec.structs.replace(
        record,
        infohash=told or record.infohash,
        guessed=record.guessed and not told,
        grabbed_at=record.grabbed_at or int(now),
    )


def _open(record: PushRecord, state: State) -> PushRecord:
    return msgspec.structs.replace(record, state=state, ended_at=0)


def _ended(record: PushRecord, state: State, now: float) -> PushRecord:
    return msgspec.structs.replace(record, state=state, ended_at=int(now))
