"""Situation 8: 100 GB in one download, and 200 downloads in one process: nothing grows."""

import json
import sys
from collections.abc import Sequence

import msgspec

from benchmarks.line import Shape
from benchmarks.processes import Took, observe
from benchmarks.servers import line
from benchmarks.situation import MB, US, Check, Context, Run, Sample, Situation, all_came, bound

TIMES = 25
"""How many files of the comparison's size go through: 100 GiB where that is 4 GiB."""

DOWNLOADS = 200
PART = 64
"""Each of the many downloads is a 64th of the comparison's size: 64 MiB where that is 4 GiB."""

ONE, MANY = "one long download", f"{DOWNLOADS} downloads"
WITHIN = 5 * MB
"""Bytes that the last tenth may hold more than the second."""


class Held(msgspec.Struct, frozen=True, array_like=True):
    """What the process held at one moment."""

    number: int
    now: float
    done: int
    rss: int
    ring: int
    written: int
    connections: int
    threads: int
    descriptors: int


def _run(context: Context) -> list[Run]:
    runs = []
    for variant, size, count in (
        (ONE, TIMES * context.size, 1),
        (MANY, context.size // PART, DOWNLOADS),
    ):
        run = _through(context, variant, size, count)
        context.say(f"  {variant}: {run.failed or f'{run.speed / 1e6:.0f} MB/s'}, {run.notes}")
        runs.append(run)
    return runs


def _through(context: Context, variant: str, size: int, count: int) -> Run:
    notes = context.work / "notes"
    with line(context.memory, size, Shape()) as served:
        command = [sys.executable, "-m", "benchmarks.sink", notes, context.work, served.ca_file]
        took = observe([[*command, served.url, str(size), str(count)]], interval=1.0)
    values = [json.loads(text) for text in notes.read_text().splitlines()] if notes.exists() else []
    held = [msgspec.convert(value, Held) for value in values if isinstance(value, list)]
    return Run(
        label=US,
        variant=variant,
        seconds=took.seconds,
        bytes=size * count,
        cpu=took.cpu,
        peak_rss=took.peak_rss,
        series=tuple(_sample(one, took.began) for one in held),
        notes=growth(held),
        failed=_failure(took),
    )


def _sample(one: Held, began: float) -> Sample:
    t = round(one.now - began, 3)
    return Sample(t, one.done, one.rss, one.ring, one.written, one.connections)


def _failure(took: Took) -> str:
    return took.errors or "it failed" if any(took.statuses) else ""


def growth(held: Sequence[Held]) -> dict[str, float | int | str]:
    """Return what was held in the second and in the last tenth of the samples.

    Of memory, the most. Threads and descriptors are counted without the connections, which come
    and go, and the idle sockets that the pool may keep; the most in the second tenth and the least
    in the last, because a connection that was just opened or closed is counted here and not yet
    there. A leak raises the least.
    """
    tenth = len(held) // 10
    if not tenth:
        return {}
    second, last = held[tenth : 2 * tenth], held[-tenth:]
    return {
        "resident in the second tenth": max(one.rss for one in second),
        "resident in the last tenth": max(one.rss for one in last),
        "threads in the second tenth": max(one.threads - one.connections for one in second),
        "threads in the last tenth": min(one.threads - one.connections for one in last),
        "descriptors in the second tenth": max(one.descriptors for one in second),
        "descriptors in the last tenth": min(one.descriptors for one in last),
    }


def _verdict(runs: Sequence[Run]) -> list[Check]:
    checks = [all_came(runs)]
    for run in runs:
        checks.append(bound(f"peak resident memory, {run.variant}", 100, run.peak_rss, "MB", MB))
        checks.append(
            bound(
                f"resident in the last tenth over that in the second, {run.variant}",
                WITHIN / MB,
                _grown(run, "resident"),
                "MB",
                MB,
            )
        )
        checks += [
            bound(f"more {what}, {run.variant}", 0, _grown(run, what), what)
            for what in ("threads", "descriptors")
        ]
    return checks


def _grown(run: Run, what: str) -> float | None:
    second, last = (run.notes.get(f"{what} in the {name} tenth") for name in ("second", "last"))
    if not isinstance(second, int) or not isinstance(last, int):
        return None
    return float(last - second)


SITUATIONS = (
    Situation(
        number=8,
        name="long",
        title=f"100 GB through at full speed, and {DOWNLOADS} downloads one after the other",
        how=f"The line server without limits, TLS; a sink instead of the disk, which checks order"
        f" and content of what it is given (`benchmarks/sink.py`). One download of {TIMES} times"
        f" the size, looked at every second; then {DOWNLOADS} of a {PART}th of the size in one"
        " process, looked at after each. A tenth is one of the looks; threads and descriptors are"
        " counted without the connections, whose number adapts, and the idle sockets that are kept"
        " for the next download, 16 at most.",
        run=_run,
        verdict=_verdict,
    ),
)
