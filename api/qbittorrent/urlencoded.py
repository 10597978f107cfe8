"""Urlencoded forms and queries, in memory that stays close to their size.

The standard library's reader makes an object of every escape: ten megabytes of percent signs become
two gigabytes, and whoever may log in may send them. Here the escapes of a slice are decoded before
those of the next.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

SLICE = 64 * 1024
"""Bytes whose escapes are decoded together: some 5 MB of objects at most."""

_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")


class TooMany(ValueError):
    """There are more fields than was allowed."""


def pairs(data: bytes, most: int) -> list[tuple[str, str]]:
    """Return names and values, both "" where they are blank. Raises TooMany for over `most`.

    Bytes that are no UTF-8 become U+FFFD; a percent sign before anything but two hex digits stays.
    """
    parts = data.split(b"&", most)
    if len(parts) > most:
        raise TooMany
    split = (part.partition(b"=") for part in parts if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in split]


def _decoded(data: bytes) -> str:
    data = data.replace(b"+", b" ")
    if b"%" in data:
        data = b"".join(map(_unescaped, _slices(data)))
    return data.decode("utf-8", "replace")


def _unescaped(data: bytes) -> bytes:
    # Signs without digits cost as much as escapes do, and lead nowhere.
    return unquote_to_bytes(data) if _ESCAPE.search(data) else data


def _slices(data: bytes) -> Iterator[bytes]:
    """Cut between escapes."""
    start = 0
    while start < len(data):
        end = start + SLICE
        cut = data.rfind(b"%", max(start + 1, end - 2), end)
        end = cut if cut > 0 else end
        yield data[start:end]
        start = end
