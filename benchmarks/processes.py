"""Run programs and look at them from outside: seconds, CPU time, memory, bytes written.

Theory
    The end of a process is seen at once (a pidfd in a poll), CPU time is what the kernel counted
    for it and its children (wait4). The peak of memory is the kernel's own mark (VmHWM), read again
    and again: ru_maxrss would begin with what this process had when it forked.

    What a program writes with write(2) and its kin is counted by the kernel (`wchar`), whatever the
    program tells: that is how far downloaders that say nothing are. Nothing here is inside the
    programs, and a look at one costs a few hundredths of a millisecond.
"""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.situation import Sample

ROOT = Path(__file__).parents[1]
"""Where `python -m benchmarks...` works."""

INTERVAL = 0.1
"""Seconds between two looks."""

TIMEOUT = 1800.0
"""Seconds after which a program is taken for hung, and killed."""


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What a group of processes took, from the start of the first to the end of the last."""

    began: float
    """On the monotonic clock."""
    seconds: float
    cpu: float
    peak_rss: int
    """Sum of the peaks."""
    written: int
    """Bytes handed to write calls, of whatever file."""
    statuses: tuple[int, ...]
    output: str
    """What the last one said on stdout."""
    errors: str
    """The last line that any said on stderr."""
    series: tuple[Sample, ...]


class _Child:
    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pidfd = os.pidfd_open(self.process.pid)
        self.folder = Path(f"/proc/{self.process.pid}")
        self.rss = self.peak = self.written = 0
        self.cpu = 0.0
        self.status: int | None = None

    def look(self) -> None:
        """Read what the kernel shows of a running process."""
        with contextlib.suppress(OSError):
            marks = numbers(self.folder / "status")
            self.rss = marks.get("VmRSS", 0) * 1024
            self.peak = max(self.peak, marks.get("VmHWM", 0) * 1024)
            self.written = numbers(self.folder / "io").get("wchar", self.written)

    def reap(self) -> None:
        """Take leave of one that ended."""
        with contextlib.suppress(OSError):  # the counters outlive the memory
            self.written = numbers(self.folder / "io").get("wchar", self.written)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = self.peak or usage.ru_maxrss * 1024
        self.rss = 0
        os.close(self.pidfd)


def observe(
    commands: Sequence[Sequence[str | Path]],
    environment: Mapping[str, str] | None = None,
    *,
    interval: float = INTERVAL,
    timeout: float = TIMEOUT,
) -> Took:
    """Run all commands at once until the last one ends.

    What they print must be little: it is read at the end.
    """
    began = time.monotonic()
    children = [_Child(command, environment or {}) for command in commands]
    poll = select.poll()
    running = {child.pidfd: child for child in children}
    for descriptor in running:
        poll.register(descriptor, select.POLLIN)
    series: list[Sample] = []
    due = ended = began
    while running:
        now = time.monotonic()
        if now >= due:
            for child in running.values():
                child.look()
            series.append(_sample(now - began, children))
            due = max(due + interval, now)
        if now - began > timeout:
            for child in running.values():
                child.process.kill()
        for descriptor, _ in poll.poll(max(0.0, due - time.monotonic()) * 1000 + 1):
            ended = time.monotonic()
            running.pop(descriptor).reap()
            poll.unregister(descriptor)
    series.append(_sample(ended - began, children))
    said = [child.process.communicate() for child in children]
    complaints = [
        text for _, errors in said for text in errors.decode(errors="replace").split("\n")
    ]
    return Took(
        began=began,
        seconds=ended - began,
        cpu=sum(child.cpu for child in children),
        peak_rss=sum(child.peak for child in children),
        written=sum(child.written for child in children),
        statuses=tuple(child.status or 0 for child in children),
        output=said[-1][0].decode(errors="replace"),
        errors=next((text.strip() for text in reversed(complaints) if text.strip()), ""),
        series=tuple(series),
    )


def numbers(path: Path) -> dict[str, int]:
    """Read the numbers of a file of `Label: 123 ...` lines. Raises OSError."""
    found = {}
    for line in path.read_text().splitlines():
        label, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[label] = int(words[0])
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process had, its ended threads included. Raises OSError."""
    # The number of another process's CPU clock, as clock_getcpuclockid(3) makes it: to the
    # nanosecond, where /proc/PID/stat counts hundredths of a second.
    return time.clock_gettime((~pid << 3) | 2)


def _sample(t: float, children: Sequence[_Child]) -> Sample:
    written = sum(child.written for child in children)
    return Sample(round(t, 4), written, sum(child.rss for child in children))
