"""A line in bursts: the ring grows to bridge the pauses, and gives its memory back afterwards."""

from collections.abc import Sequence

import msgspec

from benchmarks.hdd import RATE
from benchmarks.hdd_contest import (
    DD,
    RESIDENT,
    disk_for,
    limited,
    median_note,
    missing,
    most,
    noted,
    ours,
    own_rate,
    ratio,
    slow_disk,
    told,
)
from benchmarks.hdd_downloads import Answer, Job, Order, Resized
from benchmarks.hdd_race import Inside, Ran, line, race, with_rings
from benchmarks.situation import (
    MB,
    US,
    Check,
    Context,
    Run,
    all_came,
    at_least,
    bound,
    median_speed,
)

BURST, ON, OFF = 400e6, 2.0, 2.0
"""Bytes per second, and seconds with and without bytes."""

BURSTS = 48.0
"""Seconds of bursts: half to find the ring's size, half to measure with it."""

STEADY, STEADY_SECONDS = 20e6, 66.0
"""Bytes per second afterwards, and for how long: a minute and something to see it by."""

MINUTE = 60.0

RING_CAP = 512 << 20
"""Bytes: the most that the ring may take."""


def run_bursts(context: Context) -> list[Run]:
    """Let the line come in bursts, then steadily and slowly."""
    size = int(RATE * BURSTS * 1.05 + STEADY * STEADY_SECONDS)
    shape = {"rate": BURST, "on": ON, "off": OFF, "bursts": BURSTS}
    shape |= {"steady": STEADY, "steady_for": STEADY_SECONDS}
    if lacking := missing(context, size):
        found = slow_disk(context, [size], lacking, **shape)
        return [noted(run, burst_notes(answer)) if answer else run for run, answer in found]
    runs: list[Run] = []
    with disk_for(context, size) as disk:
        for _ in range(context.runs):
            runs.append(own_rate(disk, min(size, context.size), direct=True))
            target = disk.folder / "film.bin"
            with line(size, **shape) as url:
                order = Order((Job(f"{url}/f", str(target), ring=RING_CAP),))
                ran = race(disk, US, ours(order), {target: size})
            target.unlink(missing_ok=True)
            runs.append(_noted(ran))
            context.say(told(runs[-1]))
    return runs


def judge_bursts(runs: Sequence[Run]) -> list[Check]:
    """Judge the runs of `run_bursts`."""
    enough = RATE * OFF
    return [
        all_came(runs),
        limited(runs),
        at_least(
            "throughput beside the disk's own, once warm",
            0.95,
            median_note(runs, US, "warm bytes/s"),
            median_speed(runs, DD, "direct"),
        ),
        bound(
            "the ring at its largest", RING_CAP / MB, most(runs, US, "ring peak bytes"), "MB", MB
        ),
        bound(
            "the ring, beside what a pause takes",
            1.5,
            ratio(most(runs, US, "ring peak bytes"), enough),
            "times",
        ),
        bound(
            "resident memory a minute after the bursts",
            RESIDENT / MB,
            most(runs, US, "resident a minute after"),
            "MB",
            MB,
        ),
    ]


def warm_from(resized: Sequence[Resized], start: float) -> float:
    """Return when the ring had stopped growing: the start of the line's next period."""
    grown, before = start, 0
    for each in resized:
        if each.capacity > before:
            grown = each.t
        before = each.capacity
    periods = -(-(grown - start) // (ON + OFF))
    return start + periods * (ON + OFF)


def burst_notes(answer: Answer) -> dict[str, float | int | str]:
    """Return how fast the disk was once the ring was large enough, and how the ring went."""
    start = answer.start
    end = start + BURSTS // (ON + OFF) * (ON + OFF)
    warm = warm_from([each for each in answer.resized if each.t < end], start)
    peaks = [done.ring_peak for done in answer.done]
    found: dict[str, float | int | str] = {
        "ring peak bytes": max([each.capacity for each in answer.resized] + peaks),
        "warm after s": round(warm - start, 1),
    }
    window = [sample for sample in answer.samples if warm <= sample.t <= end]
    if len(window) > 1 and end - warm >= 2 * (ON + OFF):
        moved = window[-1].flushed - window[0].flushed
        found["warm bytes/s"] = round(moved / (window[-1].t - window[0].t))
    after = [sample.rss for sample in answer.samples if sample.t >= start + BURSTS + MINUTE]
    if after:
        found["resident a minute after"] = after[0]
    return found


def _noted(ran: Ran) -> Run:
    if ran.run.failed:
        return ran.run
    answer = msgspec.json.decode(ran.output, type=Answer)
    told_of = [
        Inside(each.t, each.received, each.ring, each.connections) for each in answer.samples
    ]
    series = with_rings(ran.run.series, told_of, ran.began)
    return noted(msgspec.structs.replace(ran.run, series=series), burst_notes(answer))
