"""One run of one program on the disk of `benchmarks.hdd`: timed, traced, limited and checked.

Theory
    A run ends when the bytes are on the disk: some programs end before that, and what they left in
    the cache is written out within the measured time. How long the program itself ran stands in
    the notes.

    Each run has a container of its own, so that its peak is its own. What the page cache holds of
    the file is asked before anybody reads it.
"""

import bisect
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import hdd_model, hdd_trace
from benchmarks.disk_cache import resident
from benchmarks.disk_extents import Map, Turn, extents, offsets, turns
from benchmarks.hdd import Disk
from benchmarks.hdd_container import Container, container
from benchmarks.hdd_model import SECTOR, Cost, Request
from benchmarks.hdd_trace import tracing
from benchmarks.payload import difference
from benchmarks.situation import Run, Sample

LOOK = 0.1
"""Seconds between two samples."""

ARIA2 = ("aria2c", "-x16", "-s16", "-k1M", "--file-allocation=falloc", "--quiet=true", "--no-conf")

LINE_START = 10.0
"""Seconds that a server may need until it takes connections."""


class Inside(msgspec.Struct, frozen=True):
    """What a process of ours told of itself at one moment."""

    t: float
    """Seconds on the clock of time.monotonic()."""
    received: int
    ring: int
    connections: int


class Ran(msgspec.Struct, frozen=True):
    """What came of a run, and what belongs to no `Run`."""

    run: Run
    requests: tuple[Request, ...]
    turns: tuple[Turn, ...]
    """Who wrote how much in a row, by the names of files."""
    output: str
    """What the program said on standard output."""
    began: float
    """When it began, on the clock of time.monotonic()."""


@contextlib.contextmanager
def line(size: int, **shape: float) -> Iterator[str]:
    """Serve a pattern on a line of our making; give its address, without the file's name."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in shape.items()]
    command = [sys.executable, "-m", "benchmarks.hdd_line", f"--size={size}", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready, _, port = server.stdout.readline().partition(" ")
            if ready != "ready":
                raise OSError("the line did not start")
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            server.kill()


def race(disk: Disk, label: str, command: Sequence[str], files: dict[Path, int]) -> Ran:
    """Run `command`, which makes `files` (path to size, all of the pattern), and check them.

    The files are left where they are: whoever asked may have more questions to them.
    """
    with container(disk.limits) as group, tracing(disk.number) as trace:
        began = time.monotonic()
        process = subprocess.Popen(group.command(command), stdout=subprocess.PIPE, text=True)
        sampler = _Sampler(process.pid, disk, began)
        sampler.start()
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        own = time.monotonic() - began
        subprocess.run(["sync", "-f", disk.folder], check=True)
        seconds = time.monotonic() - began
        sampler.end()
        notes = _notes(group, own, [path for path in files if path.exists()])
    there = [path for path in files if path.exists()]
    owners = Map({path.name: extents(path) for path in there})
    failed = f"status {process.returncode}" if process.returncode else wrong(files)
    series = placed(sampler.samples, offsets(trace.requests, owners), began)
    run = Run(
        label=label,
        seconds=seconds,
        bytes=sum(files.values()),
        cpu=usage.ru_utime + usage.ru_stime,
        peak_rss=sampler.peak,
        series=series,
        notes=notes | costs(trace.requests, disk, began),
        failed=failed,
    )
    made = tuple(turns(trace.requests, owners))
    return Ran(run, tuple(trace.requests), made, output, began)


def placed(
    samples: Sequence[Sample], moves: Sequence[tuple[float, int]], began: float
) -> tuple[Sample, ...]:
    """Return samples whose `written` says where in the file the device wrote last."""
    times = [t - began for t, _ in moves]
    found = []
    for sample in samples:
        number = bisect.bisect_right(times, sample.t)
        at = moves[number - 1][1] if number else 0
        found.append(msgspec.structs.replace(sample, written=at))
    return tuple(found)


def with_rings(
    samples: Sequence[Sample], told: Sequence[Inside], began: float
) -> tuple[Sample, ...]:
    """Return samples from outside with what the process told of itself at the same time."""
    times = [each.t - began for each in told]
    found = []
    for sample in samples:
        number = bisect.bisect_right(times, sample.t)
        if not number:
            found.append(sample)
            continue
        own = told[number - 1]
        found.append(
            msgspec.structs.replace(
                sample, done=own.received, ring=own.ring, connections=own.connections
            )
        )
    return tuple(found)


def costs(requests: Sequence[Request], disk: Disk, began: float) -> dict[str, float | int | str]:
    """Return what a disk that turns would have made of a trace, as notes."""
    model = hdd_model.Disk(rate=float(disk.limits.rate))
    short = hdd_model.cost(requests, model)
    full = hdd_model.cost(requests, hdd_model.stretched(model, disk.size))
    sorted_ = hdd_model.cost(hdd_model.elevator(requests), model)
    writes = [request for request in requests if request.op == "W"]
    found: dict[str, float | int | str] = {
        "requests": len(writes),
        "seeks": short.seeks,
        "flushes": short.flushes,
        "7200 rpm s": _rounded(short),
        "7200 rpm s (done after)": round(short.done - began, 2) if requests else 0.0,
        "7200 rpm s (full stroke)": _rounded(full),
        "7200 rpm s (queue of 32)": _rounded(sorted_),
    }
    if len(writes) > 1 and writes[-1].t > writes[0].t:
        moved = sum(request.sectors for request in writes) * SECTOR
        found["device MB/s"] = round(moved / (writes[-1].t - writes[0].t) / 1e6, 2)
    return found


def wrong(files: dict[Path, int]) -> str:
    """Return what is wrong with files that should hold the pattern; empty when nothing is."""
    for path, size in files.items():
        if found := difference(path, size):
            return f"{path.name}: {found}"
    return ""


def missing() -> str:
    """Return what is missing for runs, empty when nothing is."""
    return hdd_trace.missing()


class _Sampler(threading.Thread):
    """Looks at the process and the device while the run lasts."""

    def __init__(self, pid: int, disk: Disk, began: float) -> None:
        super().__init__()
        self.samples: list[Sample] = []
        self.peak = 0
        """Bytes: the most that was resident. What wait4 tells begins with ours, from the fork."""
        self._status = Path(f"/proc/{pid}/status")
        self._stat = Path("/sys/block") / Path(disk.device).name / "stat"
        self._before = self._written()
        self._began = began
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        while not self._ended.wait(LOOK):
            t, written = time.monotonic() - self._began, self._written() - self._before
            self.samples.append(Sample(t, written, self._resident()))

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()

    def _written(self) -> int:
        return int(self._stat.read_text().split()[6]) * SECTOR

    def _resident(self) -> int:
        with contextlib.suppress(OSError):
            told = self._status.read_text()
            self.peak = max(self.peak, _kilobytes(told, "VmHWM:") * 1024)
            return _kilobytes(told, "VmRSS:") * 1024
        return 0


def _kilobytes(told: str, name: str) -> int:
    """Return a figure of /proc/PID/status; 0 of a process that has ended."""
    for text in told.splitlines():
        if text.startswith(name):
            return int(text.split()[1])
    return 0


def _notes(group: Container, own: float, files: list[Path]) -> dict[str, float | int | str]:
    return {
        "program s": round(own, 3),
        "container peak bytes": group.peak() or 0,
        "page cache left bytes": sum(resident(path) for path in files),
    }


def _rounded(cost: Cost) -> float:
    return round(cost.seconds, 2)
