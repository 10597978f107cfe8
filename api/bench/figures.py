"""What readings of a download's progress say about it: pure arithmetic.

Theory
    A reading is a time and the bytes received up to then. What counts is the stretch from the last
    reading at which nothing had arrived to the first at which everything had, so that neither
    waiting for the server nor bringing the end to the disk looks like a slow line. It is cut into
    whole seconds, counted from its start; the last second, which is not whole, is left out.
    Between two readings bytes are taken to have arrived evenly.

    How steady a download is, is said with the coefficient of variation: the standard deviation of
    the speeds of its seconds, divided by their mean. 0 is a constant speed, 1 is nothing and
    double in turns. It does not depend on how fast the download is.
"""

import itertools
import math
import statistics
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)


class Readings:
    """Times in seconds and bytes received up to then, in order: 16 bytes of memory for each."""

    def __init__(self) -> None:
        self.times = array("d")
        self.received = array("d")

    def __repr__(self) -> str:
        return f"<Readings {len(self.times)}>"

    def add(self, at: float, received: int) -> None:
        """Note a reading. One that has less than the one before is raised to that."""
        self.received.append(max(received, self.received[-1] if self.received else 0))
        self.times.append(at)


class Steadiness(msgspec.Struct, frozen=True, kw_only=True):
    """How evenly bytes arrived. None where there were too few whole seconds to say."""

    began: float | None
    """Seconds to the last reading without a byte; None when none came."""
    first_byte: float | None
    """Seconds to the first reading with a byte, which is the next."""
    variation: float | None
    """Coefficient of variation of the seconds' speeds; needs two seconds."""
    slowest: float | None
    """Bytes of the slowest second."""
    stalled: int
    """Seconds without a byte."""
    pause: float
    """The longest time without a byte, to within the time between two readings."""


def steadiness(readings: Readings) -> Steadiness:
    """Return how evenly bytes arrived."""
    speeds = per_second(readings)
    start, _end = _stretch(readings)
    seen = start + 1 < len(readings.times)
    return Steadiness(
        began=readings.times[start] if seen else None,
        first_byte=readings.times[start + 1] if seen else None,
        variation=variation(speeds),
        slowest=min(speeds, default=None),
        stalled=sum(speed == 0 for speed in speeds),
        pause=longest_pause(readings),
    )


def per_second(readings: Readings) -> list[float]:
    """Return the bytes of each whole second in which the download was under way."""
    start, end = _stretch(readings)
    if start >= end:
        return []
    began = readings.times[start]
    seconds = int(readings.times[end] - began)
    marks = [_received_at(readings, began + second) for second in range(seconds + 1)]
    return [after - before for before, after in itertools.pairwise(marks)]


def longest_pause(readings: Readings) -> float:
    """Return the longest time over which all readings found the same."""
    start, end = _stretch(readings)
    longest = 0.0
    since = start
    for number in range(start, end):
        if readings.received[number] > readings.received[since]:
            since = number
        longest = max(longest, readings.times[number] - readings.times[since])
    return longest


def variation(speeds: Sequence[float]) -> float | None:
    """Return the coefficient of variation; None for fewer than two speeds, or nothing at all."""
    mean = statistics.fmean(speeds) if len(speeds) > 1 else 0.0
    return statistics.pstdev(speeds) / mean if mean > 0 else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` (0 to 1) of all do not exceed."""
    if not values:
        return None
    rank = max(math.ceil(share * len(values)), 1)
    return sorted(values)[min(rank, len(values)) - 1]


def ratio(amount: float, by: float) -> float | None:
    """Return a quotient; None where there is nothing to divide by."""
    return amount / by if by > 0 else None


def rounded(value: float | None, digits: int) -> float | None:
    """Return a figure without digits that mean nothing."""
    return None if value is None else round(value, digits)


def median(runs: Sequence[Record]) -> Record:
    """Return a record of each field's median, over the runs that have a figure there."""
    names = runs[0].__struct_fields__
    return type(runs[0])(**{name: _median([getattr(run, name) for run in runs]) for name in names})


def _median(values: Sequence[Any]) -> Any:
    """Return the median; None where there is none, and a whole number of whole numbers."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    middle = statistics.median(known)
    return middle if any(isinstance(value, float) for value in known) else round(middle)


def _stretch(readings: Readings) -> tuple[int, int]:
    """Return the numbers of the last reading with nothing and of the first with everything."""
    if not readings.received:
        return 0, 0
    start = max(bisect_right(readings.received, 0) - 1, 0)
    return start, bisect_left(readings.received, readings.received[-1])


def _received_at(readings: Readings, at: float) -> float:
    """Return the bytes received at a time, between two readings if need be."""
    times, received = readings.times, readings.received
    after = bisect_right(times, at)
    if after == len(times):
        return received[-1]
    before = after - 1
    elapsed = (at - times[before]) / (times[after] - times[before])
    return received[before] + elapsed * (received[after] - received[before])
