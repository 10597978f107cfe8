"""What a block device was asked to do, from the kernel's own trace events.

Theory
    `block_rq_issue` is told when a request goes to the driver: after the page cache, the file
    system, merging and any limit of a cgroup. A loop device has no scheduler, so that is the order
    in which a disk would have got the requests. A request may carry a flush (before it) or be
    one; both are told as a request of kind F.

    The tracer works in an instance of its own, whose buffer, clock and filters are nobody else's.
    Its clock is that of time.monotonic().

Parsing is pure; `tracing` is the shell, and needs root.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.hdd_model import Request

TRACEFS = Path("/sys/kernel/tracing")
EVENT = "block/block_rq_issue"
BUFFER_KB = 32768
"""Of trace for each processor: an event takes about 100 bytes, 16 KiB writes of 4 GiB a quarter
of a million events."""

_LINE = re.compile(
    r"\s(?P<t>[0-9]+\.[0-9]+): block_rq_issue: (?P<device>[0-9]+,[0-9]+) (?P<flags>[A-Z]+) "
    r"[0-9]+ \([^)]*\) (?P<sector>[0-9]+) \+ (?P<sectors>[0-9]+) "
)
_LOST = re.compile(r"CPU:[0-9]+ \[LOST (?P<count>[0-9]+) EVENTS\]")
_ENTRIES = re.compile(r"entries-in-buffer/entries-written: (?P<kept>[0-9]+)/(?P<told>[0-9]+)")


class TraceLost(Exception):
    """The trace's buffer was too small: what is left says nothing."""


def parse(lines: Iterable[str]) -> list[Request]:
    """Return the requests of a trace, in order. Lines of other events are skipped.

    Raises TraceLost when the kernel says that it dropped events.
    """
    found: list[Request] = []
    for line in lines:
        if _LOST.search(line):
            raise TraceLost(line.strip())
        entries = _ENTRIES.search(line)
        if entries and entries["kept"] != entries["told"]:
            raise TraceLost(line.strip("# \n"))
        match = _LINE.search(line)
        if match:
            found.extend(_requests(match))
    return found


def missing() -> str:
    """Return what is missing for a trace, empty when nothing is."""
    if os.geteuid() != 0:
        return "root"
    if sys.platform != "linux" or not TRACEFS.is_dir():
        return "tracefs (CONFIG_FTRACE)"
    return ""


class Trace:
    """A trace that is being taken, or was: `requests` holds what it was at the end."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __repr__(self) -> str:
        return f"<Trace {len(self.requests)} requests>"


@contextlib.contextmanager
def tracing(device: str) -> Iterator[Trace]:
    """Trace the device "major:minor" while the block runs. Raises OSError, TraceLost."""
    _mount()
    major, _, minor = device.partition(":")
    instance = TRACEFS / "instances" / f"alldebrid-client-{os.getpid()}-{major}-{minor}"
    instance.mkdir()
    enable = instance / "events" / EVENT / "enable"
    trace = Trace()
    try:
        (instance / "trace_clock").write_text("mono")
        (instance / "buffer_size_kb").write_text(str(BUFFER_KB))
        wanted = (int(major) << 20) | int(minor)  # the kernel's own dev_t, not that of stat(2)
        (instance / "events" / EVENT / "filter").write_text(f"dev == {wanted}")
        enable.write_text("1")
        yield trace
        enable.write_text("0")
        with (instance / "trace").open() as lines:
            trace.requests = parse(lines)
    finally:
        enable.write_text("0")
        instance.rmdir()


def _requests(match: re.Match[str]) -> Iterator[Request]:
    """Yield what one line says: flags are [F]kind[F][A][S][M], as the kernel's rwbs has them."""
    t, flags = float(match["t"]), match["flags"]
    if flags.startswith("F"):
        yield Request(t, "F", 0, 0)
        flags = flags[1:]
    kind = flags[:1]
    if kind in {"R", "W", "D"} and int(match["sectors"]):
        yield Request(t, kind, int(match["sector"]), int(match["sectors"]))


def _mount() -> None:
    if not (TRACEFS / "instances").is_dir():
        command = ["mount", "-t", "tracefs", "none", str(TRACEFS)]
        subprocess.run(command, check=True, capture_output=True)
