"""Sizes and rates as people write them: `512M`, `1.5G`, `65536`, `10M` a second.

Units are powers of 1024, upper or lower case; `M`, `MB` and `MiB` are the same.
"""

import re
from fractions import Fraction

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}

MAX_SIZE = (1 << 63) - 1
"""The largest file offset that Linux has."""

_SIZE = re.compile(
    r"(?P<number>[0-9]{1,19}(?:\.[0-9]{1,9})?) ?(?P<unit>[KMGTP]?)(?:i?B)?",
    re.ASCII | re.IGNORECASE,
)


class BadSize(ValueError):
    """The text is no size; the message says what one looks like."""


def parse_size(text: str) -> int:
    """Return the bytes that `text` names; raises BadSize.

    A fraction needs a unit and is rounded down to a whole byte: `1.5K` is 1536.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or ("." in match["number"] and not match["unit"]):
        raise BadSize("not a size: a number of bytes, or a number with K, M, G or T such as 512M")
    size = int(Fraction(match["number"]) * UNITS[match["unit"].upper()])
    if size > MAX_SIZE:
        raise BadSize("larger than any file can be (8388607T)")
    return size


def parse_rate(text: str) -> int:
    """Return bytes per second: a size, with or without `/s` behind it. Raises BadSize."""
    return parse_size(re.sub(r"/s\s*$", "", text, flags=re.IGNORECASE))


def format_size(size: int) -> str:
    """Return the shortest exact spelling: `parse_size(format_size(n)) == n`."""
    for unit, factor in reversed(UNITS.items()):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def human_size(size: float) -> str:
    """Return `size` rounded for reading, at most ten characters: `1.5 GiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        # 1023.5 and not 1024: no unit ever shows "1024".
        if value < 1023.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} PiB"
