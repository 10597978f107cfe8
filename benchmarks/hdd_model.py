"""What a trace of block requests would have cost a disk that turns. Pure.

Theory
    A request that begins where the one before ended costs its transfer and nothing else. Any other
    costs a seek (the arm moves and settles) and half a turn of the platter (the sector comes round)
    as well, unless it lies so little ahead that letting the gap pass under the head is quicker. A
    flush costs one turn: what is sequential after it arrives when its place has just gone by.

    The time of a seek grows with the root of the distance: the arm is accelerated for one half of
    the way and braked for the other. With `settle + k * sqrt(distance)`, the distance being a share
    of the full stroke, the mean over two random places is `settle + k * 8/15`.

    Two ways to lay a small device onto a large disk, which bracket the truth:

    - "short": its bytes lie side by side on the large disk, as one file's bytes do. All seeks are
      short, those to the journal too, which on a large disk is far away.
    - "full": the device is stretched over the whole stroke. Seeks to the journal are as far as they
      are in reality, those within a file much too far.

Caveats
    No cache that writes in another order, no reordering by the kernel, one transfer rate from rim
    to hub. `elevator` shows what reordering could save: a queue of 32 that is always full, as no
    program that waits for its writes keeps it.

    `seconds` is how long the disk is busy. Whoever keeps it waiting is done later than that, and so
    `done` counts from when each request came. It came at the pace of the limited device; a program
    that waits for a slower disk would send its later ones later still.

Sources: data sheets of 7200 rpm disks of 4 to 18 TB give 8.5 ms for the mean seek, 4.16 ms for
half a turn, about 1 ms from one track to the next, and 150 to 260 MB/s. With these, the full stroke
comes out at 15 ms, which is what the older sheets that tell it say.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

SECTOR = 512
"""Bytes: the unit of the kernel's block layer, whatever the device's own is."""

MEAN_OF_ROOT = 8 / 15
"""The mean of sqrt(|x - y|) for x and y uniform on [0, 1]."""

QUEUE = 32
"""Requests that a SATA disk may hold and reorder (NCQ)."""


class Request(msgspec.Struct, frozen=True):
    """One request as the device got it."""

    t: float
    """Seconds, on the clock of the trace."""
    op: str
    """R, W, D (discard) or F (flush)."""
    sector: int
    sectors: int

    @property
    def end(self) -> int:
        """The sector after its last."""
        return self.sector + self.sectors


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk that turns. Times in seconds, rate in bytes per second."""

    sectors: int = 8 * 10**12 // SECTOR
    """Of the full stroke."""
    mean_seek: float = 8.5e-3
    settle: float = 1e-3
    """From one track to the next."""
    turn: float = 60 / 7200
    rate: float = 150e6

    def seek(self, distance: int) -> float:
        """Return the seconds to move by `distance` sectors and settle."""
        share = min(1.0, distance / self.sectors)
        return self.settle + (self.mean_seek - self.settle) / MEAN_OF_ROOT * math.sqrt(share)

    def transfer(self, sectors: int) -> float:
        """Return the seconds in which `sectors` pass under the head."""
        return sectors * SECTOR / self.rate


class Cost(msgspec.Struct, frozen=True):
    """What a disk would have needed."""

    seconds: float
    seeks: int
    """Requests for which the arm moved."""
    flushes: int
    sectors: int
    """Read and written."""
    done: float
    """When it would be done, on the clock of the trace, if no request came any later for it."""


def cost(requests: Iterable[Request], disk: Disk) -> Cost:
    """Return what `disk` needs for `requests`, in their order; it stands at the first's place."""
    total, done, seeks, flushes, sectors = 0.0, 0.0, 0, 0, 0
    at: int | None = None
    for request in requests:
        seconds = 0.0
        if request.op == "F":
            seconds = disk.turn
            flushes += 1
        elif request.op in "RW":
            moved, seconds = _move(at, request.sector, disk)
            seeks += moved
            seconds += disk.transfer(request.sectors)
            sectors += request.sectors
            at = request.end
        total += seconds
        done = max(done, request.t) + seconds
    return Cost(total, seeks, flushes, sectors, done)


def elevator(requests: Iterable[Request], queue: int = QUEUE) -> Iterator[Request]:
    """Yield `requests` as a queue of that many orders them, no request passing a flush.

    One direction, then back to the lowest (C-LOOK).
    """
    waiting: list[Request] = []
    at = 0
    for request in requests:
        if request.op == "F":
            yield from _sweep(waiting, at)
            waiting.clear()
            yield request
            continue
        waiting.append(request)
        if len(waiting) >= queue:
            chosen = _next(waiting, at)
            waiting.remove(chosen)
            at = chosen.end
            yield chosen
    yield from _sweep(waiting, at)


def stretched(disk: Disk, device: int) -> Disk:
    """Return `disk` with its full stroke over a device of `device` bytes: "full" above."""
    return msgspec.structs.replace(disk, sectors=max(1, device // SECTOR))


def runs(requests: Iterable[Request], op: str = "W", near: int = 0) -> list[tuple[int, int]]:
    """Return the unbroken runs of one kind of request, as (sector, sectors).

    Gaps forward of up to `near` sectors do not break a run; they count as part of it.
    """
    found: list[tuple[int, int]] = []
    for request in requests:
        if request.op != op or not request.sectors:
            continue
        if found:
            start, length = found[-1]
            if 0 <= request.sector - (start + length) <= near:
                found[-1] = (start, request.end - start)
                continue
        found.append((request.sector, request.sectors))
    return found


def _move(at: int | None, sector: int, disk: Disk) -> tuple[bool, float]:
    """Return whether the arm moves, and the seconds until the head is at `sector`."""
    if at is None or at == sector:
        return False, 0.0
    seek = disk.seek(abs(sector - at)) + disk.turn / 2
    if sector > at and disk.transfer(sector - at) <= seek:
        return False, disk.transfer(sector - at)
    return True, seek


def _sweep(waiting: Sequence[Request], at: int) -> Iterator[Request]:
    left = list(waiting)
    while left:
        chosen = _next(left, at)
        left.remove(chosen)
        at = chosen.end
        yield chosen


def _next(waiting: Sequence[Request], at: int) -> Request:
    ahead = [request for request in waiting if request.sector >= at]
    return min(ahead or waiting, key=lambda request: request.sector)
