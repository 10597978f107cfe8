"""What to do next about a failed download in a program that may have asked for it. Pure.

Theory
    Who asked for it is told by the program's history, which has the grab from the moment it was
    made; the queue has it from the next poll on, a few seconds to a minute later. What the history
    says last counts, for the same release may be grabbed again.

    A torrent that was never grabbed is the user's own, even in a category of the program: it is
    left alone, for it could neither be blocklisted nor searched again.

    Removing it from the queue deletes our torrent first and blocklists then. A program that dies in
    between has forgotten both, and we see: grabbed, tried, no longer in the queue, and no torrent.
    Then the grab is marked as failed in the history, which blocklists and searches as well. So it
    is when two programs asked for one torrent and the first has deleted it.
"""

import enum
from collections.abc import Sequence

import msgspec

from arrpush.downloads import FAILED, GRABBED, IGNORED, IMPORTED, HistoryRecord

TELLING = frozenset({GRABBED, FAILED, IMPORTED, IGNORED})
"""Events of the history that say where a download stands."""


class Step(enum.Enum):
    """What to do."""

    NOT_THEIRS = "not theirs"
    """They did not ask for it, or have not noted it yet: look again a few times."""
    WAIT = "wait"
    """They asked for it and do not see it yet: have them look, and look again."""
    GIVE_UP = "give up"
    """Remove it from the queue."""
    MARK_FAILED = "mark failed"
    """Mark the grab as failed."""
    SETTLED = "settled"
    """Nothing is left to do: it was given up, ignored or imported already."""


class Verdict(msgspec.Struct, frozen=True):
    """What to do, and with what."""

    step: Step
    id: int = 0
    """Of the record in the queue, or of the grab in the history."""
    why: str = ""
    """What has settled it, for the log."""


_SETTLED = {
    FAILED: "marked as failed there already",
    IMPORTED: "imported there already",
    IGNORED: "ignored there on request",
}


def settled(history: Sequence[HistoryRecord]) -> Verdict | None:
    """Return the verdict where the history, newest first, is enough for one."""
    newest = next((one for one in history if one.event_type in TELLING), None)
    if newest is None:
        return Verdict(Step.NOT_THEIRS)
    if newest.event_type != GRABBED:
        return Verdict(Step.SETTLED, why=_SETTLED[newest.event_type])
    return None


def verdict(
    history: Sequence[HistoryRecord], queued: Sequence[int], *, tried: bool, here: bool
) -> Verdict:
    """Decide. `queued` are the ids of its records in the queue.

    `tried`: this failure was acted on before. `here`: our torrent is still there.
    """
    known = settled(history)
    if known is not None:
        return known
    if queued:
        return Verdict(Step.GIVE_UP, queued[0])
    if tried and not here:
        grab = next(one for one in history if one.event_type == GRABBED)
        return Verdict(Step.MARK_FAILED, grab.id)
    return Verdict(Step.WAIT)
