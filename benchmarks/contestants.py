"""Who downloads: we, aria2c, axel, and as many curl processes as there are connections.

Each is called as its users call it for speed, with the same number of connections and the same
certificates. curl writes nothing: 16 processes that fetch 16 parts of the file into /dev/null are
the ceiling, what line, server and TLS give on this machine when nobody has to put it together.
Two more ceilings say what limits us: the disk, written to while nothing is received, and our engine
with a sink in the disk's place.

The files are compared with the original, written out and removed after the clock has stopped.
"""

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.payload import difference, settle
from benchmarks.processes import INTERVAL, Took, observe
from benchmarks.servers import NAME, Served
from benchmarks.situation import US, Run, Sample

CONNECTIONS = 16
DISK = "the disk alone"
SINK = "alldebrid-client, into a sink"
CURL = ("curl", "-sS", "--fail", "-o", "/dev/null")

Contestant = Callable[[Served, Path], Run]
"""Downloads what is served into an empty folder, and leaves it empty."""


def us(
    served: Served, folder: Path, *options: str, variant: str = "", interval: float = INTERVAL
) -> Run:
    """`alldebrid-client get`, watched from inside ten times a second."""
    target, series = folder / NAME, folder / "series"
    command = [sys.executable, "-m", "benchmarks.watched", series, str(interval), "get"]
    command += [served.url, "-o", target, "--ca", served.ca_file, "--json", "--quiet"]
    command += ["--connections", str(CONNECTIONS), *options]
    took = observe([command])
    report = _report(took)
    inside = {}
    if series.exists() and (found := spans(series)):
        inside["seconds in the engine"] = round(found[-1][1] - found[-1][0], 3)
    run = Run(
        label=US,
        variant=variant,
        seconds=took.seconds,
        bytes=served.size,
        cpu=took.cpu,
        peak_rss=max(took.peak_rss, int(report.get("peak_rss_bytes", 0))),
        series=read_series(series, took.began),
        notes={
            name.replace("_", " "): report[name]
            for name in ("connections_peak", "ring_peak_bytes", "writes", "retries")
            if name in report
        }
        | inside,
        failed=_failure(took) or difference(target, served.size),
    )
    _clean(folder)
    return run


def aria2c(served: Served, folder: Path, variant: str = "") -> Run:
    """aria2c, as its users set it for speed; it checks nothing and keeps no record."""
    command = ["aria2c", f"-x{CONNECTIONS}", f"-s{CONNECTIONS}", "-k1M", "--quiet=true"]
    command += ["--file-allocation=falloc", "--check-integrity=false", "--no-conf=true"]
    command += [f"--ca-certificate={served.ca_file}", "-d", str(folder), "-o", NAME, served.url]
    return _peer("aria2c", command, served, folder, variant)


def axel(served: Served, folder: Path, variant: str = "") -> Run:
    """axel; it trusts any certificate, because it can't be given one of ours."""
    command = ["axel", "-q", "-k", "-n", str(CONNECTIONS), "-o", str(folder / NAME), served.url]
    return _peer("axel", command, served, folder, variant)


def curl(served: Served, _folder: Path, variant: str = "", connections: int = CONNECTIONS) -> Run:
    """Fetch the file in parts into /dev/null, one process for each."""
    commands = [
        [*CURL, "--cacert", str(served.ca_file), "-r", f"{start}-{end - 1}", served.url]
        for start, end in parts(served.size, connections)
    ]
    took = observe(commands)
    return _run("curl", variant, took, served.size, _failure(took))


def disk_alone(size: int, folder: Path, variant: str = "") -> Run:
    """Write as many bytes as the engine writes them, with nothing received meanwhile."""
    target = folder / NAME
    took = observe([[sys.executable, "-m", "benchmarks.disk_alone", target, str(size)]])
    failed = _failure(took)
    if not failed and target.stat().st_size != size:
        failed = "the file is not complete"
    _clean(folder)
    return _run(DISK, variant, took, size, failed)


def into_a_sink(served: Served, folder: Path, variant: str = "") -> Run:
    """Let our engine fetch the file as ever, and write it nowhere."""
    notes = folder / "notes"
    command = [sys.executable, "-m", "benchmarks.sink", notes, folder, served.ca_file]
    took = observe([[*command, served.url, str(served.size), "1"]])
    _clean(folder)
    return _run(SINK, variant, took, served.size, _failure(took))


PEERS: dict[str, Callable[[Served, Path, str], Run]] = {
    "aria2c": aria2c,
    "axel": axel,
    "curl": curl,
}


def parts(size: int, count: int) -> list[tuple[int, int]]:
    """Cut a file into parts of nearly equal size; ranges are half-open."""
    edges = [size * number // count for number in range(count + 1)]
    return [(start, end) for start, end in itertools.pairwise(edges) if start < end]


def read_series(path: Path, began: float) -> tuple[Sample, ...]:
    """Read what `benchmarks.watched` wrote; `began` is the monotonic clock at the start."""
    if not path.exists():
        return ()
    found = []
    for line in path.read_text().splitlines():
        value = json.loads(line)
        if isinstance(value, list):
            now, *rest = value
            found.append(Sample(round(now - began, 4), *rest))
    return tuple(found)


def spans(path: Path) -> list[tuple[float, float, int]]:
    """Read begin, end and size of the downloads that `benchmarks.watched` saw end."""
    values = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        (value["began"], value["ended"], value["size"])
        for value in values
        if isinstance(value, dict)
    ]


def _peer(label: str, command: list[str], served: Served, folder: Path, variant: str) -> Run:
    took = observe([command])
    target = folder / NAME
    failed = _failure(took)
    synced = 0.0 if failed else settle(target)
    run = _run(label, variant, took, served.size, failed or difference(target, served.size))
    _clean(folder)
    notes = {"seconds until synced": round(took.seconds + synced, 3)}
    return msgspec.structs.replace(run, notes=notes)


def _run(label: str, variant: str, took: Took, size: int, failed: str) -> Run:
    """Return the run of a program that was watched from outside."""
    return Run(
        label=label,
        variant=variant,
        seconds=took.seconds,
        bytes=size,
        cpu=took.cpu,
        peak_rss=took.peak_rss,
        series=took.series,
        failed=failed,
    )


def _report(took: Took) -> dict[str, int]:
    try:
        report: dict[str, int] = json.loads(took.output)
    except ValueError:
        return {}
    return report


def _failure(took: Took) -> str:
    bad = [status for status in took.statuses if status]
    return f"exit status {bad[0]}: {took.errors}" if bad else ""


def _clean(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
