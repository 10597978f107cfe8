"""Numbers that change all the time and need no store: speed, time to go, AllDebrid's progress."""

import math
from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.alldebrid.values import MagnetStatus
from engine.transfer.download import Progress
from engine.transfer.pace import Pace

SMOOTHING = 20.0
"""Seconds over which the speed behind the time to go is averaged: long enough that it does not
jump when a file ends and the next begins."""


class Watched(Protocol):
    """A download that can be asked how it is doing, from any thread."""

    def progress(self) -> Progress:
        """Return the numbers of this moment."""


def _nothing() -> None:
    """Stop what needs no stopping."""


class Steadied:
    """A speed averaged over time, however often it is read."""

    def __init__(self) -> None:
        self._value = 0.0
        self._read_at: float | None = None

    def __repr__(self) -> str:
        return f"<Steadied {self._value:.0f} B/s>"

    def read(self, now: float, speed: float) -> float:
        """Take the present speed into the average and return that; `now` is monotonic."""
        if self._read_at is None or not self._value:
            self._value = speed
        else:
            weight = 1.0 - math.exp(-max(now - self._read_at, 0.0) / SMOOTHING)
            self._value += weight * (speed - self._value)
        self._read_at = now
        return self._value


class Active(msgspec.Struct, frozen=True):
    """What a running download adds to what is stored."""

    received: int = 0
    """Bytes received for its file."""
    flushed: int = 0
    """Bytes of its file on disk."""
    speed: float = 0.0
    eta: int | None = None


class Traffic:
    """Bytes received by all downloads that have ended."""

    def __init__(self) -> None:
        self.received = 0

    def __repr__(self) -> str:
        return f"<Traffic {self.received}>"


class Live:
    """The moving numbers of one torrent that is worked on; the event loop's thread only."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self.pace = Pace()
        """The torrent's own speed limit, over all its files."""
        self.remote: MagnetStatus | None = None
        """AllDebrid's last word while it fetches the torrent."""
        self.interrupted = False
        """True when another file should be downloaded now than the one that was chosen last."""
        self._download: Watched | None = None
        self._stop: Callable[[], None] = _nothing
        self._index = 0
        self._steadied = Steadied()

    def __repr__(self) -> str:
        doing = f"file {self._index}" if self._download else "no file"
        return f"<Live {doing}>"

    @property
    def index(self) -> int | None:
        """The file that is being downloaded, or None."""
        return self._index if self._download else None

    def begin(self, index: int, download: Watched, stop: Callable[[], None] = _nothing) -> None:
        """Say which file is being downloaded, and how that is stopped."""
        self._index, self._download, self._stop = index, download, stop

    def interrupt(self) -> None:
        """Have the file to download chosen anew: stop the download that is under way."""
        self.interrupted = True
        if self._download is not None:
            self._stop()

    def end(self) -> None:
        """Say that none is any more."""
        if self._download is not None:
            self._traffic.received += self._download.progress().received
            self._download = None

    def progress(self) -> Progress | None:
        """Return the running download's numbers, or None."""
        return None if self._download is None else self._download.progress()

    def active(self, now: float, size: int, on_disk: int, stored: int) -> Active:
        """Return the numbers of this moment.

        `size` and `on_disk` are the torrent's, `stored` is the file's stored prefix, which is
        part of `on_disk`.
        """
        if self._download is None:
            return Active()
        progress = self._download.progress()
        flushed = max(progress.flushed, stored)
        steady = self._steadied.read(now, progress.speed)
        missing = max(size - on_disk - (flushed - stored), 0)
        eta = math.ceil(missing / steady) if steady > 0 else None
        return Active(received=progress.received, flushed=flushed, speed=progress.speed, eta=eta)
