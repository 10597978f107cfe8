"""Situation 7: requests that stall, and a connection that crawls."""

import itertools
from collections.abc import Sequence

import msgspec

from benchmarks import contestants
from benchmarks.contest import OneRun, alternate
from benchmarks.line import Shape
from benchmarks.plots import thinned
from benchmarks.servers import line
from benchmarks.situation import (
    US,
    Check,
    Context,
    Run,
    Sample,
    Situation,
    all_came,
    at_least,
    median_speed,
    runs_of,
)

LINES = {"no limits": 0.0, "500 MB/s": 500e6}
"""Rates of the whole line. Without limits the processor is what the connections share."""

SOUND = "no fault"
FAULTS = {
    SOUND: Shape(),
    "stalls": Shape(stall_every=50, stall=3.0),
    "slow connection": Shape(slow_connection=3, slow_factor=100),
}

LAST, OTHER = "last 1 % s", "longest other 1 % s"

INTERVAL = 0.02
"""Seconds between two samples: at 500 MB/s one per cent of 4 GiB takes 0.09 s."""


def _run(context: Context) -> list[Run]:
    ways = {
        f"{name}, {fault}": _way(context, name, fault)
        for name, fault in itertools.product(LINES, FAULTS)
    }
    return alternate(context, ways)


def _way(context: Context, name: str, fault: str) -> OneRun:
    def run() -> Run:
        shape = msgspec.structs.replace(FAULTS[fault], rate=LINES[name])
        # Each run has a line of its own: the third connection is one of this run.
        with line(context.memory, context.size, shape) as served:
            done = contestants.us(
                served, context.work, variant=f"{name}, {fault}", interval=INTERVAL
            )
            seen = served.stats()
        notes: dict[str, float | int | str] = {
            "requests": seen.requests,
            "stalled": seen.stalled,
        }
        if parts := hundredths(done.series, done.bytes):
            notes |= {LAST: round(parts[-1], 3), OTHER: round(max(parts[:-1]), 3)}
        return msgspec.structs.replace(
            done, notes=done.notes | notes, series=tuple(thinned(done.series))
        )

    return run


def _verdict(runs: Sequence[Run]) -> list[Check]:
    checks = [all_came(runs)]
    for name in LINES:
        sound = median_speed(runs, US, f"{name}, {SOUND}")
        for fault in FAULTS:
            variant = f"{name}, {fault}"
            if fault == SOUND:
                continue
            check = at_least(
                f"throughput, of that without fault: {variant}",
                0.9,
                median_speed(runs, US, variant),
                sound,
            )
            checks += [check, _tail(variant, runs_of(runs, US, variant))]
            if fault == "stalls":
                met = sum(int(run.notes.get("stalled", 0)) for run in runs_of(runs, US, variant))
                checks.append(
                    Check(f"requests that stalled: {variant}", "at least 1", str(met), met > 0)
                )
    return checks


def _tail(variant: str, runs: Sequence[Run]) -> Check:
    what, required = f"last 1 % (longest other): {variant}", "not the longest"
    found = [(float(run.notes[LAST]), float(run.notes[OTHER])) for run in runs if LAST in run.notes]
    if not found:
        return Check(what, required, "not measured", None)
    told = [f"{last:.2f} s ({other:.2f} s)" for last, other in found]
    return Check(what, required, "; ".join(told), all(last <= other for last, other in found))


def hundredths(series: Sequence[Sample], size: int) -> list[float]:
    """Return the seconds that each hundredth of the file took to be written.

    The first counts from the first sample. Empty when the series does not reach the end.
    """
    samples = [sample for sample in series if sample.written is not None]
    times: list[float] = []
    at = 0
    for number in range(1, 101):
        while at < len(samples) and (samples[at].written or 0) * 100 < size * number:
            at += 1
        if at == len(samples):
            return []
        times.append(samples[at].t)
    return [after - before for before, after in itertools.pairwise([samples[0].t, *times])]


SITUATIONS = (
    Situation(
        number=7,
        name="faults",
        title="One request in fifty stalls for 3 s; one connection at a hundredth of the others'"
        " speed",
        how="The line server, TLS, without limits and with 500 MB/s over all connections. Stalls:"
        " the 3rd, 53rd, 103rd ... request gets the first byte of its answer after 3 s. Slow: the"
        " third connection to be opened sends at a hundredth of what the others get on average, as"
        " long as it stays open. Hundredths are those of the file as it is written, looked at"
        " every 20 ms.",
        run=_run,
        verdict=_verdict,
    ),
)
