"""What a situation is: one row of the comparison, how it is measured and what it has to reach.

Rules
    A module of situations holds a tuple `SITUATIONS`; `benchmarks.catalogue` names the modules.
    `run` does the measuring and nothing else: it starts its servers, alternates our runs with those
    of others, checks every file outside the measured span, and cleans up. `verdict` is pure: it
    looks at runs, which may have come from a file. Whatever it needs stands in the runs.

    A peer that is missing is left out of the runs; a check that needs it is `reached=None`.
    Every figure that is required is a ratio of runs of the same situation, or an absolute bound
    that the situation itself names (bytes of memory, seconds).

All sizes are bytes, all times seconds; `MB` is 10^6 bytes.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

US = "alldebrid-client"
"""The label of our own runs."""

MB = 10**6


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a situation is given."""

    size: int
    """Bytes of the file; a situation may take another size where it has to, and says so."""
    runs: int
    """Runs of each contestant."""
    work: Path
    """An empty folder on the disk that is written to. What is left in it is removed afterwards."""
    memory: Path
    """An empty folder in memory (tmpfs), for what servers serve. Removed afterwards, too."""
    peers: frozenset[str]
    """Names of the programs that are there: nginx, aria2c, axel, curl, openssl."""
    say: Callable[[str], None] = print
    """Tells whoever waits what is going on, a line at a time."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One moment of a run."""

    t: float
    """Seconds since the start of the run."""
    done: int
    """Bytes received so far; what was written, of programs that do not tell."""
    rss: int
    """Resident bytes of the process (of all processes, where there are several)."""
    ring: int | None = None
    """Bytes of the ring in use; None of programs that have none."""
    written: int | None = None
    """Up to where the file is written."""
    connections: int | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one contestant took once."""

    label: str
    """Who: `US`, "aria2c", "axel", "curl"."""
    variant: str = ""
    """Which way, where a situation has several: "ram-buffer 64M", "tcp_nopush off"."""
    seconds: float
    bytes: int
    """What arrived, in bytes."""
    cpu: float = 0.0
    """Seconds of CPU time, user and system, of all its processes."""
    peak_rss: int = 0
    """The most resident bytes; the sum, where there are several processes."""
    series: tuple[Sample, ...] = ()
    notes: dict[str, float | int | str] = {}
    """Further figures: "connections", "writes", "p99 ms" ..."""
    failed: str = ""
    """Why the run does not count: it broke off, or the file was not the one that was served."""

    @property
    def speed(self) -> float:
        """Bytes per second; 0 of a run that failed."""
        return self.bytes / self.seconds if self.seconds > 0 and not self.failed else 0.0


class Check(msgspec.Struct, frozen=True):
    """One thing that has to be reached, and whether it was."""

    what: str
    """"throughput beside aria2c"."""
    required: str
    """"at least 3.3 times"."""
    measured: str
    """"3.45 times"."""
    reached: bool | None
    """None: could not be measured, `measured` says why."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    number: int
    name: str
    """A slug for file names: "https-no-limits"."""
    title: str
    """What stands in the table."""
    how: str
    """A few sentences on what is measured and how, for the report. Markdown."""
    needs: frozenset[str] = frozenset()
    """Programs without which it can't be run at all."""
    run: Callable[[Context], list[Run]]
    verdict: Callable[[Sequence[Run]], list[Check]]
    draw: Callable[[Sequence[Run], Path, str], list[Path]] | None = None
    """Further plots: given the runs, a folder and a stem for names (`NN-name`), writes SVG files
    there and returns them. The usual three (throughput, memory and ring, offset) come anyway."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A situation as it was measured: what is kept in `results/NN-name.json`."""

    number: int
    name: str
    size: int
    runs_each: int
    date: str
    """UTC, ISO 8601."""
    command: str
    """What repeats it."""
    seconds: float
    """Of the whole situation."""
    machine: dict[str, str]
    versions: dict[str, str]
    runs: tuple[Run, ...]


def runs_of(runs: Iterable[Run], label: str, variant: str | None = None) -> list[Run]:
    """Return one contestant's runs that count; `variant` None takes all of them."""
    return [
        run
        for run in runs
        if run.label == label and variant in (None, run.variant) and not run.failed
    ]


def median_speed(runs: Iterable[Run], label: str, variant: str | None = None) -> float | None:
    """Return the median bytes per second; None without a run."""
    return _median(run.speed for run in runs_of(runs, label, variant))


def median_cpu(runs: Iterable[Run], label: str, variant: str | None = None) -> float | None:
    """Return the median seconds of CPU time; None without a run."""
    return _median(run.cpu for run in runs_of(runs, label, variant))


def peak_rss(runs: Iterable[Run], label: str, variant: str | None = None) -> int | None:
    """Return the most resident bytes of any of the runs: a bound holds in all of them."""
    return max((run.peak_rss for run in runs_of(runs, label, variant)), default=None)


def at_least(what: str, factor: float, ours: float | None, theirs: float | None) -> Check:
    """Check that ours is `factor` times theirs or more."""
    if not ours or not theirs:
        return Check(what, f"≥ {factor:g} times", "not measured", None)
    return Check(what, f"≥ {factor:g} times", f"{ours / theirs:.3g} times", ours / theirs >= factor)


def at_most(what: str, factor: float, ours: float | None, theirs: float | None) -> Check:
    """Check that ours is `factor` times theirs or less."""
    if ours is None or not theirs:
        return Check(what, f"≤ {factor:g} times", "not measured", None)
    return Check(what, f"≤ {factor:g} times", f"{ours / theirs:.3g} times", ours / theirs <= factor)


def bound(what: str, most: float, measured: float | None, unit: str, scale: float = 1) -> Check:
    """Check that a figure, in `unit` after division by `scale`, is `most` or less."""
    if measured is None:
        return Check(what, f"≤ {most:g} {unit}", "not measured", None)
    value = measured / scale
    return Check(what, f"≤ {most:g} {unit}", f"{value:.3g} {unit}", value <= most)


def all_came(runs: Sequence[Run]) -> Check:
    """Check that no run of ours failed and every file was the one that was served."""
    ours = [run for run in runs if run.label == US]
    failed = [run.failed for run in ours if run.failed]
    told = f"{len(ours) - len(failed)} of {len(ours)}" + (f" ({failed[0]})" if failed else "")
    return Check(
        "our files complete and equal to the original", "all", told, bool(ours) and not failed
    )


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None
