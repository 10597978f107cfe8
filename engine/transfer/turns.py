"""Whose turn it is to write: downloads on one disk take long turns instead of interleaving.

Theory
    A disk that rotates writes a long stretch at full speed and loses some ten milliseconds each
    time it has to go to another place. Downloads that all write when they have a few MiB make it
    seek several times as often as it needs to. So one of them writes `SHORTEST` to `LONGEST` bytes
    in a row while the others' rings fill; then the next in line does.

    A turn ends

    - when the next write would exceed `LONGEST`;
    - when its holder has nothing to write and has written `SHORTEST`;
    - when its holder has had nothing to write for a pause. The pause grows with the time that the
      turn was of use, so pauses cost little of the disk; it is never shorter than about a seek,
      for which waiting is no loss;
    - when somebody's download ends: what it has left is little, and its user waits. Such an urgent
      one goes before the others, and the holder finishes only the write it is at.

    Nobody else waiting, there is no end: a turn that is used up begins anew.

Rules
    The line is served in order. Nobody is given the disk unasked: the first in line takes it by
    asking. While it is busy elsewhere (it saves a checkpoint, say) another may take a turn after
    `HANDOVER`, and the first keeps its place. So nobody waits for a thread that sleeps, and nobody
    loses its place by being late.

    `Turns` is pure: it is told the time. `Disk` is its lock, held for microseconds.

Which disks
    Files with the same `st_dev` share a disk. One that the kernel says does not rotate has no
    turns; one of which it says nothing (network file systems, FUSE) has.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from engine.transfer.disk import is_rotational, translated

SHORTEST = 32 << 20
"""Bytes: a fifth of a second on a disk of 150 MB/s, against which two seeks are a tenth."""

LONGEST = 64 << 20
"""Bytes: what others wait for at most; their rings need not be larger to bridge it."""

PAUSE_SHARE = 0.125
"""Of the time a turn was of use, that its holder may have nothing to write while others wait."""

SHORTEST_PAUSE = 0.01
"""Seconds: about one seek and half a rotation, which going to another file costs at least."""

LONGEST_PAUSE = 0.05
"""Seconds: the gap between two bursts of a line; who lets the disk wait for longer is not fast."""

HANDOVER = 0.05
"""Seconds that a free disk waits for the first in line; a thread that sleeps wakes within few."""

LATE = 30.0
"""Seconds of waiting for one turn that are worth a line in the log."""

logger = logging.getLogger("engine.transfer.turns")


class Turns:
    """The turns of one disk; see the module's theory. Pure; writers are numbers."""

    def __init__(self) -> None:
        self.holder: int | None = None
        self.written = 0
        """Bytes of the turn so far."""
        self._writing = False
        self._urgent = False
        """True when the holder asked urgently."""
        self._busy = 0.0
        """Seconds in which the turn was of use."""
        self._resting = False
        """True when the holder said that it has nothing to write."""
        self._idle_since = -math.inf
        """Since when the disk is not written to: by its holder, or by nobody."""
        self._line: list[int] = []
        self._hurried: set[int] = set()
        """Those in the line who are urgent; they are the first of it."""

    def __repr__(self) -> str:
        return f"<Turns of {self.holder}, {self.written} written, {self._line} waiting>"

    def ask(self, who: int, wanted: int, now: float, *, urgent: bool = False) -> int:
        """Return how many of `wanted` bytes `who` may write now; 0: it stands in line.

        Whoever gets bytes must say `wrote` before anything else.
        """
        if self.holder == who:
            self._urgent = self._urgent or urgent
            if granted := self._allowance(wanted):
                self._writing, self._resting = True, False
                return granted
            self._end(now)
        self._stand(who, urgent=urgent)
        if not self.may(who, now):
            return 0
        self._drop(who)
        self.holder, self.written, self._busy = who, 0, 0.0
        self._urgent, self._writing, self._resting = urgent, True, False
        return min(wanted, LONGEST) if self._line else wanted

    def wrote(self, who: int, count: int, seconds: float, now: float) -> None:
        """The write that was granted is over."""
        if self.holder == who:
            self.written += count
            self._busy += seconds
            self._writing = False
            self._idle_since = now

    def rest(self, who: int, now: float) -> bool:
        """`who` has nothing to write for the moment; return True if that is news to the others.

        Whoever stood in line gives up its place: it would hold up those behind it.
        """
        if who in self._line:
            self._drop(who)
            return True
        if self.holder != who or self._resting:
            return False
        self._resting = True
        if self._line and self.written >= SHORTEST:
            self._end(now)
        return bool(self._line)

    def leave(self, who: int, now: float) -> None:
        """`who` will not write again, or not before it asks; whatever it had is free."""
        if who in self._line:
            self._drop(who)
        if self.holder == who:
            self._end(now)

    def may(self, who: int, now: float) -> bool:
        """Tell whether `who`, standing in line, would get the disk by asking now."""
        return self.delay(who, now) <= 0

    def delay(self, who: int, now: float) -> float:
        """Return the seconds until `who`, in line, may ask with success, if nothing happens."""
        if self._writing:
            return math.inf
        first = not self._line or self._line[0] == who
        wait = 0.0 if first else HANDOVER
        if self.holder is not None and not self._is_preempted():
            wait += self._pause()
        return self._idle_since + wait - now

    def _allowance(self, wanted: int) -> int:
        """Return how many bytes the holder may go on with."""
        if not self._line:
            if self.written + wanted > LONGEST:
                self.written, self._busy = 0, 0.0
            return wanted
        if self._is_preempted():
            return 0
        left = LONGEST - self.written
        if wanted <= left:
            return wanted
        return left if self.written < SHORTEST else 0

    def _is_preempted(self) -> bool:
        return bool(self._hurried) and not self._urgent

    def _pause(self) -> float:
        """Return for how many seconds the holder may not write."""
        if not self._resting:  # it is between two writes
            return LONGEST_PAUSE
        if self.written >= SHORTEST:
            return 0.0
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, PAUSE_SHARE * self._busy))

    def _stand(self, who: int, *, urgent: bool) -> None:
        if urgent and who not in self._hurried:
            if who in self._line:
                self._line.remove(who)
            self._line.insert(len(self._hurried), who)
            self._hurried.add(who)
        elif who not in self._line:
            self._line.append(who)

    def _drop(self, who: int) -> None:
        self._line.remove(who)
        self._hurried.discard(who)

    def _end(self, now: float) -> None:
        self.holder, self.written, self._busy = None, 0, 0.0
        self._writing = self._urgent = self._resting = False
        self._idle_since = now


class Disk:
    """One disk and who writes to it. Any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.turns = Turns()
        self.clock = clock
        self.members = 0
        """Downloads that write to it, now or later."""
        self.changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Disk of {self.members} {self.turns!r}>"


class Turn:
    """One download's place on its disk: ask before each write, leave at the end. One thread.

    Without a disk (of which turns would be of use) it grants everything and costs nothing.
    """

    def __init__(self, disk: Disk | None, number: int, leave: Callable[[], None]) -> None:
        self._disk = disk
        self._number = number
        self._leave = leave
        self._waiting_since: float | None = None

    def __repr__(self) -> str:
        return f"<Turn {self._number} on {self._disk!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def crowded(self) -> bool:
        """True while the disk is shared and another's, or nobody's: a write would begin a turn."""
        disk = self._disk
        return disk is not None and disk.members > 1 and disk.turns.holder != self._number

    def ask(self, wanted: int, *, urgent: bool = False) -> int:
        """Return how many of `wanted` bytes may be written now, 0 when others are first.

        What is granted is all of them, or at least `SHORTEST`. `wrote` has to follow.
        """
        if self._disk is None:
            return wanted
        with self._disk.changed:
            now = self._disk.clock()
            before = self._disk.turns.holder
            granted = self._disk.turns.ask(self._number, wanted, now, urgent=urgent)
            if before is not None and self._disk.turns.holder != before:
                self._disk.changed.notify_all()
        self._note(now, waits=not granted)
        return granted

    def wrote(self, count: int, seconds: float) -> None:
        """Say that a write is over, which took `seconds`."""
        if self._disk is not None:
            with self._disk.changed:
                self._disk.turns.wrote(self._number, count, seconds, self._disk.clock())

    def rest(self) -> None:
        """Say that there is nothing to write for the moment."""
        if self._disk is None:
            return
        if self._waiting_since is not None or self._disk.turns.holder == self._number:
            self._waiting_since = None
            with self._disk.changed:
                if self._disk.turns.rest(self._number, self._disk.clock()):
                    self._disk.changed.notify_all()

    def wait(self, timeout: float) -> None:
        """Sleep until asking again may be of use, or `timeout` seconds."""
        if self._disk is None:
            return
        with self._disk.changed:
            delay = self._disk.turns.delay(self._number, self._disk.clock())
            if delay > 0:
                self._disk.changed.wait(min(timeout, delay))

    def leave(self) -> None:
        """Give up turn and place; calling it again does nothing. Not to be asked afterwards."""
        disk, self._disk = self._disk, None
        if disk is None:
            return
        with disk.changed:
            disk.turns.leave(self._number, disk.clock())
            disk.changed.notify_all()
        self._leave()

    def _note(self, now: float, *, waits: bool) -> None:
        """Tell the log of a turn that came late."""
        if waits:
            self._waiting_since = now if self._waiting_since is None else self._waiting_since
            return
        if self._waiting_since is not None and now - self._waiting_since >= LATE:
            logger.info("turn=late seconds=%.1f", now - self._waiting_since)
        self._waiting_since = None


class Disks:
    """The disks that the downloads of a process write to. Any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        rotates: Callable[[Path], bool | None] = is_rotational,
    ) -> None:
        self._clock = clock
        self._rotates = rotates
        self._lock = threading.Lock()
        self._disks: dict[int, Disk] = {}
        self._joined = 0

    def __repr__(self) -> str:
        return f"<Disks {self._disks}>"

    def join(self, path: Path) -> Turn:
        """Return the place of a download that writes to `path`, which exists.

        Raises DiskTrouble when it does not.
        """
        if self._rotates(path) is False:
            return Turn(None, 0, _nothing)
        with translated(f"cannot stat {path}"):
            device = path.stat().st_dev
        with self._lock:
            disk = self._disks.setdefault(device, Disk(self._clock))
            disk.members += 1
            self._joined += 1
            return Turn(disk, self._joined, lambda: self._left(device))

    def _left(self, device: int) -> None:
        with self._lock:
            self._disks[device].members -= 1
            if not self._disks[device].members:
                del self._disks[device]


def _nothing() -> None:
    """Nobody counts those who take no turns."""
