"""Situation 11: the service with nothing to do."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import ROOT, cpu_seconds, numbers
from benchmarks.situation import MB, US, Check, Context, Run, Sample, Situation, bound
from tests.fakes.alldebrid import FakeAllDebrid
from tests.whole.service import Service

SETTLE = 15.0
"""Seconds for what a start leaves to be done."""

SECONDS = 90.0
"""Of looking at it: longer than every interval at which the service could be doing something."""

LAYERS = (
    ("interpreter", ""),
    ("asyncio and ssl", "import asyncio, ssl"),
    ("msgspec", "import msgspec"),
    ("engine.transfer", "import engine.transfer.download"),
    ("apsw", "import apsw"),
    ("litestar and uvicorn", "from api import lean; lean.begin(); import litestar, uvicorn.server"),
    ("the rest of the service", "import api.serve, api.cli"),
)
"""What the service is made of: each is imported in a new process on top of those before."""


def _run(context: Context) -> list[Run]:
    with FakeAllDebrid() as alldebrid:
        service = Service(context.work, alldebrid)
        try:
            service.start()
            context.say(f"  {SETTLE:.0f} s to settle, {SECONDS:.0f} s to look at it")
            time.sleep(SETTLE)
            run = _look(service)
        finally:
            if service.process.poll() is None:
                service.stop()
    context.say(f"  {run.peak_rss / MB:.1f} MB, {run.notes}")
    return [run]


def _look(service: Service) -> Run:
    pid, folder = service.process.pid, service.folder
    began, cpu = time.monotonic(), cpu_seconds(pid)
    counted, times = numbers(Path(f"/proc/{pid}/io")), modified(folder)
    series = []
    while (elapsed := time.monotonic() - began) < SECONDS:
        series.append(Sample(round(elapsed, 2), 0, service.memory("VmRSS")))
        time.sleep(1)
    seconds, used = time.monotonic() - began, cpu_seconds(pid) - cpu
    after, changed = numbers(Path(f"/proc/{pid}/io")), modified(folder)
    return Run(
        label=US,
        variant="idle",
        seconds=seconds,
        bytes=0,
        cpu=used,
        peak_rss=max(sample.rss for sample in series),
        series=tuple(series),
        notes={
            "CPU %": round(100 * used / seconds, 4),
            "bytes written to the disk": after["write_bytes"] - counted["write_bytes"],
            "bytes given to write calls": after["wchar"] - counted["wchar"],
            "files changed": sum(1 for path in changed if changed[path] != times.get(path)),
            "threads": numbers(Path(f"/proc/{pid}/status"))["Threads"],
        }
        | {f"resident with {name}": size for name, size in _layers()},
    )


def modified(folder: Path) -> dict[str, int]:
    """Return when each file and folder below `folder` was changed last, in nanoseconds."""
    return {str(path): path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def _layers() -> list[tuple[str, int]]:
    """Return the resident bytes of a process that imported each layer and those before."""
    found = []
    lines = []
    for name, line in LAYERS:
        lines.append(line)
        code = "\n".join([*lines, "print(open('/proc/self/status').read())"])
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
        kibibytes = done.stdout.split("VmRSS:")[1].split()[0]
        found.append((name, int(kibibytes) * 1024))
    return found


def _verdict(runs: Sequence[Run]) -> list[Check]:
    if not runs:
        return []
    run = runs[0]
    return [
        bound("resident memory", 45, run.peak_rss, "MB", MB),
        bound("CPU time", 0.2, float(run.notes["CPU %"]), "% of a core"),
        bound("written to the disk", 0, float(run.notes["bytes written to the disk"]), "bytes"),
        bound("files changed", 0, float(run.notes["files changed"]), "files"),
    ]


SITUATIONS = (
    Situation(
        number=11,
        name="idle",
        title="The service with nothing to do",
        how=f"No torrent; {SECONDS:.0f} s are looked at, {SETTLE:.0f} s after the start. CPU time"
        " is the kernel's, of all threads. Written to the disk is what the kernel counts"
        " (`write_bytes`), and no file in the service's folders may have changed. `resident with`"
        " is a Python process that imported that and what stands before. The specification's 30 MB"
        " are out of reach with these parts: interpreter, asyncio, ssl and SQLite take about 22 MB"
        " by themselves, Litestar with its routes, Uvicorn and msgspec about 13. They would have"
        " to go, for an HTTP server of our own, or Python would.",
        run=_run,
        verdict=_verdict,
    ),
)
