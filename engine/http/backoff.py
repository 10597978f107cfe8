"""How long to wait before trying again: exponential, full jitter, the server's word first. Pure."""

import email.utils
import math
from collections.abc import Callable

SHORTEST = 1.0
"""Seconds the first wait lasts at most."""

LONGEST = 60.0
"""Seconds any wait lasts at most, unless the server asks for more."""

LONGEST_ASKED = 3600.0
"""Seconds of Retry-After that are believed; a mistake there must not silence us for days."""


def delay(
    attempt: int, random: Callable[[], float], *, base: float = SHORTEST, cap: float = LONGEST
) -> float:
    """Return the seconds to wait after failure number `attempt`, which counts from 0.

    `random` draws from 0 to 1. Full jitter: clients that failed together do not come back together.
    """
    return random() * min(cap, base * 2.0 ** min(attempt, 62))


def retry_after(header: str | None, now: float) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date seen from `now` (Unix seconds).

    None when there is none or it makes no sense.
    """
    if header is None:
        return None
    value = header.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST_ASKED)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_ASKED) if math.isfinite(seconds) else None
