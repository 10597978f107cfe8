"""What the situations of the hard disk share: its rate, the contestants, figures from notes.

Where no disk can be made, `slow_disk` runs ours on files that take their time; what needs a device
to look at is not measured then.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import hdd, hdd_downloads, hdd_race, watched
from benchmarks.disk_cache import resident
from benchmarks.hdd import RATE, TOLERANCE, Disk, virtual_disk
from benchmarks.hdd_downloads import Answer, Job, Order
from benchmarks.hdd_race import ARIA2, LOOK, Inside, line, race
from benchmarks.situation import MB, US, Check, Context, Run, runs_of

FAST = 800e6
"""Bytes per second of a line that is faster than the disk."""

DD = "dd"
"""The label of the disk's own runs."""

NOMINAL = "reckoned"
"""The note of such a run that was never made: where the disk is slow within our process."""

STEP = 4 << 20
"""Bytes: what dd writes is whole steps."""

RESIDENT = 100 * MB
"""Bytes of memory that we may have."""

ABOUT = (
    "The disk is a loop device in memory with ext4 on it, whose writes a control group limits to "
    "150 MB/s, direct and cached ones alike. The limit works in slices of a tenth of a second, the "
    "first of which is free: with files of less than 1 GiB the disk looks faster than it is. "
    "`dd oflag=direct` writing as many bytes is the disk's own rate. Everything runs in a "
    "container of 2 GB of memory. A run ends when its bytes are on the disk, for programs that do "
    "not sync as well. Requests are traced at the block device; what a 7200 rpm disk would have "
    "made of them is computed (`benchmarks/hdd_model.py`: 8.5 ms mean seek, 4.17 ms half a turn, "
    "one turn for each flush)."
)
"""What stands in the report on the disk."""


@contextlib.contextmanager
def disk_for(context: Context, size: int) -> Iterator[Disk]:
    """Make the disk, for files of `size` bytes in all."""
    with virtual_disk(context.memory, context.work, size) as disk:
        context.say(f"a disk of {disk.size / 1e9:.1f} GB in memory, writes at {RATE / MB:.0f} MB/s")
        yield disk


def missing(context: Context, size: int) -> str:
    """Return what is missing for a disk for `size` bytes, empty when nothing is."""
    found = hdd.missing() or hdd_race.missing()
    if found:
        return found
    need = hdd.device_size(size)
    free = shutil.disk_usage(context.memory).free
    return "" if free > need else f"{need / 1e9:.1f} GB of memory for the disk"


def contestants(context: Context, url: str, target: Path) -> dict[str, list[str]]:
    """Return the commands that download to `target`, by label."""
    get = ["get", f"{url}/f", "-o", str(target), "--json", "--quiet"]
    found = {US: [sys.executable, "-m", watched.__name__, str(told_to(context)), str(LOOK), *get]}
    if "aria2c" in context.peers:
        found["aria2c"] = [*ARIA2, "-d", str(target.parent), "-o", target.name, f"{url}/f"]
    return found


def told_to(context: Context) -> Path:
    """Return the file in which our command tells how far it is."""
    return context.memory / "told.jsonl"


def read_told(path: Path) -> list[Inside]:
    """Return what our command told; lines of other kinds are skipped."""
    found = []
    for text in path.read_text().splitlines():
        row = msgspec.json.decode(text)
        if isinstance(row, list):
            t, received, _, ring, _, connections = row
            found.append(Inside(t, received, ring, connections))
    return found


def ours(order: Order) -> list[str]:
    """Return the command that makes several downloads in one process."""
    return [sys.executable, "-m", hdd_downloads.__name__, msgspec.json.encode(order).decode()]


def own_rate(disk: Disk, size: int, *, direct: bool) -> Run:
    """Write as many zeros with dd; the disk's own rate, past the cache or through it."""
    command, target = hdd.dd(disk, size, direct=direct)
    ran = race(disk, DD, command, {})
    target.unlink(missing_ok=True)
    variant = "direct" if direct else "through the cache"
    return msgspec.structs.replace(ran.run, bytes=size // STEP * STEP, variant=variant)


def slow_disk(
    context: Context, sizes: Sequence[int], lacking: str, **shape: float
) -> list[tuple[Run, Answer | None]]:
    """Run ours on a disk that is slow within the process, and tell what it told of itself.

    Before each run comes the time that such a disk needs, as a run of its own. `shape` is the
    line's; without one it is faster than the disk.
    """
    context.say(f"no disk of our own ({lacking} is missing): our files are slowed down instead")
    total = sum(sizes)
    found: list[tuple[Run, Answer | None]] = []
    for _ in range(context.runs):
        nominal = Run(
            label=DD, variant="direct", seconds=total / RATE, bytes=total, notes={NOMINAL: RATE}
        )
        found.append((nominal, None))
        with contextlib.ExitStack() as stack:
            jobs, files = [], {}
            for number, size in enumerate(sizes):
                url = stack.enter_context(line(size, **shape or {"rate": FAST / len(sizes)}))
                path = context.work / f"{number}.bin"
                jobs.append(Job(f"{url}/f", str(path)))
                files[path] = size
            found.append(_slow_run(ours(Order(tuple(jobs), float(RATE))), files))
            context.say(told(found[-1][0]))
            for path in files:
                path.unlink(missing_ok=True)
    return found


def _slow_run(command: Sequence[str], files: dict[Path, int]) -> tuple[Run, Answer | None]:
    began = time.monotonic()
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    seconds = time.monotonic() - began
    left = sum(resident(path) for path in files if path.exists())
    failed = f"status {done.returncode}" if done.returncode else hdd_race.wrong(files)
    answer = msgspec.json.decode(done.stdout, type=Answer) if not done.returncode else None
    run = Run(
        label=US,
        seconds=seconds,
        bytes=sum(files.values()),
        peak_rss=answer.peak_rss if answer else 0,
        notes={"page cache left bytes": left},
        failed=failed,
    )
    return run, answer


def limited(runs: Sequence[Run]) -> Check:
    """Check that writers of both kinds met the limit."""
    what, required = "the disk's own rate, direct and cached", f"{RATE / MB:.0f} MB/s ± 2 %"
    direct = runs_of(runs, DD, "direct")
    rates = [run.speed for run in direct if NOMINAL not in run.notes]
    cached = runs_of(runs, DD, "through the cache")
    rates += [float(run.notes.get("device MB/s", 0)) * MB for run in cached]
    if not rates:
        return Check(what, required, "not measured", None)
    measured = ", ".join(f"{rate / MB:.1f}" for rate in rates)
    return Check(what, required, measured, all(abs(rate / RATE - 1) <= TOLERANCE for rate in rates))


def median_note(
    runs: Sequence[Run], label: str, name: str, variant: str | None = None
) -> float | None:
    """Return the median of a figure in the notes; None where no run has it."""
    found = _figures(runs, label, name, variant)
    return statistics.median(found) if found else None


def most(runs: Sequence[Run], label: str, name: str) -> float | None:
    """Return the most of a figure in the notes; None where no run has it."""
    return max(_figures(runs, label, name), default=None)


def _figures(runs: Sequence[Run], label: str, name: str, variant: str | None = None) -> list[float]:
    notes = [run.notes.get(name) for run in runs_of(runs, label, variant)]
    return [float(note) for note in notes if note is not None]


def ratio(value: float | None, by: float) -> float | None:
    """Return a quotient; None of what was not measured."""
    return None if value is None else value / by


def noted(run: Run, notes: dict[str, float | int | str]) -> Run:
    """Return a run with more notes."""
    return msgspec.structs.replace(run, notes=run.notes | notes)


def told(run: Run) -> str:
    """Return a line on a run, for whoever waits."""
    who = f"{run.label} {run.variant}".strip()
    return f"{who}: {run.failed or f'{run.speed / MB:.1f} MB/s, {run.peak_rss / MB:.0f} MB'}"
