"""A progress line for a terminal: bar, percent, sizes, speed, time to go, connections, memory."""

import contextlib
import os
import time
from collections.abc import Callable
from typing import TextIO

import msgspec

from api.sizes import UNITS, human_size

REDRAW_INTERVAL = 0.2
"""Seconds. Faster than five times a second nobody reads, and slow terminals flicker."""

DEFAULT_WIDTH = 80
"""Columns, where the terminal does not say."""

LEAST_FIRST = ("memory", "connections", "sizes", "eta", "speed")
"""What is left out on a narrow terminal, in this order; the percentage always stays."""

SHORTEST_BAR = 5
LONGEST_BAR = 40


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a progress line shows. Bytes, and bytes per second."""

    received: int
    size: int
    """0 while nobody knows."""
    speed: float
    connections: int | None = None
    """None where nobody tells."""
    resident: int
    """Memory of this process."""


class Bar:
    """Redraws one line of a terminal. For one thread."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._drawn_at = float("-inf")
        self._visible = False

    def __repr__(self) -> str:
        return f"<Bar {'visible' if self._visible else 'hidden'}>"

    def draw(self, shown: Shown) -> None:
        """Show progress, unless that was done less than REDRAW_INTERVAL ago."""
        self.say(render(shown, self._width() - 1))

    def say(self, text: str) -> None:
        """Show a text in the place of the bar, as seldom as `draw` does."""
        now = self._clock()
        if now - self._drawn_at < REDRAW_INTERVAL:
            return
        self._drawn_at = now
        # The last column stays free: some terminals wrap as soon as it is written.
        self._write(f"\r{text[: self._width() - 1]}\x1b[K")
        self._visible = True

    def clear(self) -> None:
        """Leave an empty line, for a last word in its place."""
        if self._visible:
            self._write("\r\x1b[K")
            self._visible = False

    def _write(self, text: str) -> None:
        # A terminal that is gone must not end the download.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or DEFAULT_WIDTH
        except (OSError, ValueError):
            return DEFAULT_WIDTH


def render(shown: Shown, width: int) -> str:
    """Return the progress line, at most `width` characters long.

    What does not fit is left out, least important first; the bar takes the room that is left.
    """
    parts = _parts(shown)
    for name in LEAST_FIRST:
        if _length(parts) > width:
            parts.pop(name, None)
    room = min(width - _length(parts) - 4, LONGEST_BAR)
    text = "  ".join(parts.values())
    if room >= SHORTEST_BAR:
        text = f"[{_bar(shown, room)}]  {text}"
    return text[: max(width, 0)]


def time_to_go(shown: Shown) -> float | None:
    """Return the seconds until all is there at this speed; None when nobody can say."""
    if shown.size <= 0 or shown.speed <= 0:
        return None
    return max(shown.size - shown.received, 0) / shown.speed


def duration(seconds: float | None) -> str:
    """Return a duration as `0:05`, `1:02:03` or `2d 03h`; `--:--` for None and for ages."""
    if seconds is None or seconds >= 100 * 86400:
        return "--:--"
    whole = round(seconds)
    if whole >= 86400:
        return f"{whole // 86400}d {whole % 86400 // 3600:02}h"
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
    return f"{whole // 60}:{whole % 60:02}"


def _parts(shown: Shown) -> dict[str, str]:
    if shown.size <= 0:
        percent = "  0%"
        sizes = human_size(shown.received)
    else:
        # Rounded down: 100 % is said when all is there, not a moment before.
        percent = f"{min(100 * shown.received // shown.size, 100):3}%"
        sizes = _of(shown.received, shown.size)
    parts = {
        "percent": percent,
        "sizes": sizes,
        "speed": f"{human_size(shown.speed)}/s",
        "eta": f"ETA {duration(time_to_go(shown))}",
    }
    if shown.connections is not None:
        parts["connections"] = f"{shown.connections} conn"
    parts["memory"] = f"RAM {human_size(shown.resident)}"
    return parts


def _of(received: int, size: int) -> str:
    """Return both sizes in the unit of the whole: `1.8/4.0 GiB`."""
    whole, unit = human_size(size).split()
    factor = UNITS[unit.removesuffix("iB").removesuffix("B")]
    digits = 1 if "." in whole else 0
    return f"{received / factor:.{digits}f}/{whole} {unit}"


def _bar(shown: Shown, room: int) -> str:
    done = room * min(shown.received, shown.size) // shown.size if shown.size > 0 else 0
    return "#" * done + "-" * (room - done)


def _length(parts: dict[str, str]) -> int:
    return len("  ".join(parts.values()))
