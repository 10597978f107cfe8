"""What a client asked for: query and form fields, read leniently.

Clients write the same value in many ways (`True`, `true`, `1`), leave out what they could send
and send what nobody knows. So a value that cannot be read counts as not given; only a parameter
that a request makes no sense without is asked for, by raising BadParameter.
"""

import math
import re
from collections.abc import Iterable

import msgspec

_TRUE = frozenset({"true", "1", "yes", "on", "y", "t"})
_FALSE = frozenset({"false", "0", "no", "off", "n", "f"})

_LARGEST = 2**53
"""Whole numbers are cut to this: the largest that JSON and SQLite both carry exactly."""

LARGEST_LIMIT = 2**31 - 1
"""Bytes per second: qBittorrent's limits have 32 bits, and so do those of many clients."""

MAX_PARTS = 10_000
"""Lines or words of one field, such as magnets or tags: more than anybody has."""

_DIGITS = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)

_INFOHASH = re.compile(r"[0-9a-f]{40}")


class BadParameter(ValueError):
    """A request that cannot be understood; the message says what is wrong, in one sentence."""


class Upload(msgspec.Struct, frozen=True):
    """A file in a multipart form."""

    field: str
    filename: str
    content: bytes


class Parameters:
    """The parameters of one request; a field given twice counts as given last."""

    __slots__ = ("_fields", "files")

    def __init__(
        self, fields: Iterable[tuple[str, str]] = (), files: Iterable[Upload] = ()
    ) -> None:
        self._fields = dict(fields)
        self.files = tuple(files)

    def __repr__(self) -> str:
        # Values stay out of it: there are passwords and passkeys among them.
        return f"<Parameters {sorted(self._fields)} files={len(self.files)}>"

    def get(self, name: str) -> str | None:
        """Return a field as it was sent, None when it was not."""
        return self._fields.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a field as it was sent."""
        return self._fields.get(name, default)

    def required(self, name: str) -> str:
        """Return a field as it was sent. Raises BadParameter, as qBittorrent, when it was not."""
        value = self._fields.get(name)
        if value is None:
            raise BadParameter("Bad Request")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean field in any spelling."""
        return boolean(self._fields.get(name, ""), default=default)

    def choice(self, name: str) -> bool | None:
        """Return a boolean field in any spelling, None when nothing was said."""
        return choice(self._fields.get(name, ""))

    def whole(self, name: str, default: int) -> int:
        """Return a whole number."""
        return whole(self._fields.get(name, ""), default)

    def real(self, name: str, default: float) -> float:
        """Return a finite number."""
        return real(self._fields.get(name, ""), default)

    def lines(self, name: str) -> list[str]:
        """Return what stands on the lines of a field, without blanks. Raises BadParameter."""
        return _parts(self._fields.get(name, ""), "\n")

    def commas(self, name: str) -> list[str]:
        """Return what is between the commas of a field, without blanks. Raises BadParameter."""
        return _parts(self._fields.get(name, ""), ",")

    def hashes(self, name: str = "hashes") -> list[str] | None:
        """Return infohashes, None for all torrents. Raises BadParameter when not given."""
        return hashes(self.required(name))


def boolean(text: str, *, default: bool) -> bool:
    """Read a boolean in any spelling; `default` when it is none."""
    said = choice(text)
    return default if said is None else said


def choice(text: str) -> bool | None:
    """Read a boolean in any spelling; None when it is none."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def real(text: str, default: float) -> float:
    """Read a finite number; `default` when it is none."""
    try:
        value = float(text)
    except ValueError:
        return default
    return value if math.isfinite(value) else default


def whole(text: str, default: int) -> int:
    """Read a whole number, `1440` or `1440.0`; `default` when it is none."""
    value = real(text, math.nan)
    if math.isnan(value):
        return default
    return int(max(-_LARGEST, min(value, _LARGEST)))


def hashes(text: str) -> list[str] | None:
    """Read `hash|hash|...`, lower-cased and each once; None for `all`. Others are left out."""
    if text.strip().lower() == "all":
        return None
    words = (word.strip().lower() for word in text.split("|"))
    return list(dict.fromkeys(word for word in words if _INFOHASH.fullmatch(word)))


def ratio_limit(value: float) -> float:
    """Return a ratio limit as qBittorrent takes it: -2 global, -1 none, else 0 to 9999."""
    if value < 0:
        return -2 if value == -2 else -1
    return min(value, 9999)


def minutes_limit(value: int) -> int:
    """Return a limit in minutes as qBittorrent takes it: -2 global, -1 none, else up to a year."""
    if value < 0:
        return -2 if value == -2 else -1
    return min(value, 525_600)


def digits(text: str) -> int | None:
    """Read a whole number as qBittorrent does, without fraction and exponent; None for others."""
    text = text.strip()
    return int(text) if _DIGITS.fullmatch(text) else None


def speed_limit(text: str) -> int:
    """Read a limit in bytes per second; what is no number is none, 0, as in qBittorrent."""
    return bounded_limit(digits(text) or 0)


def bounded_limit(value: int) -> int:
    """Return a limit in bytes per second, 0 for none; so is what qBittorrent has no number for."""
    return value if 0 < value <= LARGEST_LIMIT else 0


def _parts(text: str, separator: str) -> list[str]:
    parts = text.split(separator, MAX_PARTS)
    if len(parts) > MAX_PARTS:
        raise BadParameter(f"More than {MAX_PARTS} values in one field.")
    return [part for raw in parts if (part := raw.strip())]
