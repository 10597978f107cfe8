"""Who may download now, and how a line is rearranged: the queue's policy as pure functions.

Theory
    A hard disk that writes two long files at once spends its time moving its head, so on one a
    large torrent downloads alone. Small ones end before that matters and may overlap a little
    more. The order is the queue's and nobody overtakes: while the head does not fit, nothing
    behind it is admitted. That costs a slot now and then, and in return no torrent waits for ever
    behind a stream of smaller ones.

Rules
    Forced torrents are admitted at once and count for nothing.
    On a hard disk a torrent of `ALONE_FROM` bytes or of unknown size runs alone.
    While all that run are small, `max_concurrent + 1` may run, otherwise `max_concurrent`; who asks
    for one at a time gets one. Without a `max_concurrent` the count does not matter, but a hard
    disk still bears only one large torrent.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

ALONE_FROM = 20_000_000_000
"""Bytes. The specification's threshold for a REMUX (section 4.4)."""

SMALL_BELOW = 5_000_000_000
"""Bytes. The specification's small file (section 3.3.3)."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine bears."""

    max_concurrent: int | None
    """Torrents that may download at once; None for any number."""
    large_ones_alone: bool
    """True on a hard disk."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent that downloads or wants to."""

    hash: str
    position: int
    """Place in the queue, lowest first."""
    size: int
    """Bytes; 0 when unknown, which counts as large."""
    forced: bool = False


def admit(
    waiting: Sequence[Candidate], running: Sequence[Candidate], limits: Limits
) -> list[Candidate]:
    """Return those of `waiting` that may start beside `running`, in the order of the queue."""
    admitted = [one for one in waiting if one.forced]
    counted = [one for one in running if not one.forced]
    for one in sorted((one for one in waiting if not one.forced), key=_place):
        if not _fits(one, counted, limits):
            break
        counted.append(one)
        admitted.append(one)
    return sorted(admitted, key=_place)


def to_front(line: Sequence[str], chosen: AbstractSet[str]) -> list[str]:
    """Return the line with the chosen at its head, everybody else behind them."""
    return sorted(line, key=lambda one: one not in chosen)


def to_back(line: Sequence[str], chosen: AbstractSet[str]) -> list[str]:
    """Return the line with the chosen at its end, everybody else before them."""
    return sorted(line, key=lambda one: one in chosen)


def one_up(line: Sequence[str], chosen: AbstractSet[str]) -> list[str]:
    """Return the line with each of the chosen one place further up.

    Those that lead it already stay, in their order.
    """
    moved = list(line)
    for place in range(1, len(moved)):
        before, one = moved[place - 1 : place + 1]
        if one in chosen and before not in chosen:
            moved[place - 1 : place + 1] = [one, before]
    return moved


def one_down(line: Sequence[str], chosen: AbstractSet[str]) -> list[str]:
    """Return the line with each of the chosen one place further down; the last stay."""
    return one_up(line[::-1], chosen)[::-1]


def _fits(one: Candidate, running: Sequence[Candidate], limits: Limits) -> bool:
    if limits.large_ones_alone and running and any(map(_large, (one, *running))):
        return False
    if limits.max_concurrent is None:
        return True
    one_more = limits.max_concurrent > 1 and all(map(_small, (one, *running)))
    return len(running) < limits.max_concurrent + (1 if one_more else 0)


def _large(one: Candidate) -> bool:
    return one.size >= ALONE_FROM or one.size <= 0


def _small(one: Candidate) -> bool:
    return 0 < one.size < SMALL_BELOW


def _place(one: Candidate) -> tuple[int, str]:
    return one.position, one.hash
