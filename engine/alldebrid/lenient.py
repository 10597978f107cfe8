"""Reading values out of JSON whose types move: pure functions from `object` to what is meant.

AllDebrid (PHP behind it) has sent numbers as digit strings, booleans as words, lists as objects
keyed by id, a single object where a list was, `[]` and `""` for an empty object, and null for
each of them. None of that may fail a whole answer.
"""

import math
from collections.abc import Iterator, Mapping

JsonObject = Mapping[str, object]

MOST_DIGITS = 20
"""Longer digit strings are no number of ours (2**64 has 20 digits)."""


def number(value: object, default: int = 0) -> int:
    """Read an int from an int, a float, a bool or a digit string; else `default`."""
    if isinstance(value, str):
        text = value.strip()
        if not text or len(text) > MOST_DIGITS:
            return default
        try:
            return int(text) if text.lstrip("+-").isdecimal() else number(float(text), default)
        except ValueError:
            return default
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else default
    return int(value) if isinstance(value, int) else default


def size(value: object) -> int:
    """Read a count of bytes: a number that is not negative."""
    return max(0, number(value))


def text(value: object, default: str = "") -> str:
    """Read a string; numbers become their digits; else `default`."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return default


def flag(value: object) -> bool:
    """Read a boolean from a boolean, a number or a word."""
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes"}
    return isinstance(value, int | float) and bool(value)


def mapping(value: object) -> JsonObject:
    """Read an object; anything else (PHP's empty `[]`, null) is an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object, key: str) -> Iterator[JsonObject]:
    """Yield the objects of an array, of an object keyed by `key`, or the single object there is.

    `key` names the member that every such object has ("id", "n"); where a map's values lack it,
    it is taken from the map's own keys.
    """
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
    elif isinstance(value, dict) and _is_map(value, key):
        for name, item in value.items():
            yield item if key in item else {**item, key: name}
    elif isinstance(value, dict) and value:
        yield value


def _is_map(value: Mapping[str, object], key: str) -> bool:
    return key not in value and all(isinstance(item, dict) for item in value.values())
