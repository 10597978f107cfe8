"""Several downloads at once on one disk: how they take turns, and what that costs."""

import contextlib
import statistics
from collections.abc import Sequence

import msgspec

from benchmarks.disk_extents import Turn, contested
from benchmarks.hdd import Disk
from benchmarks.hdd_contest import (
    FAST,
    disk_for,
    median_note,
    missing,
    noted,
    ours,
    own_rate,
    slow_disk,
    told,
)
from benchmarks.hdd_downloads import Job, Order
from benchmarks.hdd_race import Ran, line, race
from benchmarks.situation import (
    US,
    Check,
    Context,
    Run,
    all_came,
    at_least,
    median_speed,
    runs_of,
)

SMALL, SMALL_COUNT = 100 << 20, 3
"""Bytes and number of the small files."""

TURN = (32 << 20, 64 << 20)
"""Bytes of a turn, from and to."""

TURNS_SHARE = 0.95
"""Of the bytes that are written while others wait: a file system may put a table between."""


def run_several(context: Context) -> list[Run]:
    """Have one download, two at once, and two with three small ones."""
    half = context.size // 2
    cases = {
        "one": [context.size],
        "two": [half, half],
        "two and three small": [half, half, *[SMALL] * SMALL_COUNT],
    }
    total = context.size + SMALL * SMALL_COUNT
    if lacking := missing(context, total):
        return [
            msgspec.structs.replace(run, variant=f"{variant}, slow disk")
            for variant, sizes in cases.items()
            for run, _ in slow_disk(context, sizes, lacking)
        ]
    runs: list[Run] = []
    with disk_for(context, total) as disk:
        runs.append(own_rate(disk, context.size, direct=True))
        for _ in range(context.runs):
            for variant, sizes in cases.items():
                ran = _several(disk, sizes)
                run = noted(ran.run, turn_notes(ran.turns))
                runs.append(msgspec.structs.replace(run, variant=variant))
                context.say(told(runs[-1]))
    return runs


def judge_several(runs: Sequence[Run]) -> list[Check]:
    """Judge the runs of `run_several`.

    The disk's limit knows no seeks, so the model's time is judged as well.
    """
    slow = ", slow disk" if any(run.variant.endswith("slow disk") for run in runs) else ""
    alone = median_speed(runs, US, f"one{slow}")
    checks = [all_came(runs)]
    for variant in ("two", "two and three small"):
        theirs = median_speed(runs, US, variant + slow)
        checks.append(at_least(f"{variant}: throughput beside one alone", 0.9, theirs, alone))
        checks.append(
            at_least(
                f"{variant}: on a 7200 rpm disk, beside one alone",
                0.9,
                _modelled(runs, variant),
                _modelled(runs, "one"),
            )
        )
        checks.append(_turns_check(runs, variant))
    return checks


def turn_notes(turns: Sequence[Turn]) -> dict[str, float | int | str]:
    """Return how long turns were, while somebody else was waiting for one."""
    found = contested(turns)
    if not found:
        return {}
    within = sum(turn.bytes for turn in found if TURN[0] <= turn.bytes <= TURN[1])
    return {
        "turns": len(found),
        "turn MiB, median": round(statistics.median(turn.bytes for turn in found) / 2**20, 1),
        "turn MiB, most": round(max(turn.bytes for turn in found) / 2**20, 1),
        "turns of 32-64 MiB": round(within / sum(turn.bytes for turn in found), 3),
    }


def _several(disk: Disk, sizes: Sequence[int]) -> Ran:
    with contextlib.ExitStack() as stack:
        different = sorted(set(sizes))
        urls = {
            size: stack.enter_context(line(size, rate=FAST / len(different))) for size in different
        }
        files = {disk.folder / f"{number}.bin": size for number, size in enumerate(sizes)}
        jobs = tuple(Job(f"{urls[size]}/f", str(path)) for path, size in files.items())
        ran = race(disk, US, ours(Order(jobs)), files)
        for path in files:
            path.unlink(missing_ok=True)
    return ran


def _turns_check(runs: Sequence[Run], variant: str) -> Check:
    what = f"{variant}: written in turns of 32-64 MiB"
    required = f"≥ {TURNS_SHARE:.0%} of the bytes"
    share = median_note(runs, US, "turns of 32-64 MiB", variant)
    if share is None:
        return Check(what, required, "not measured", None)
    middle = median_note(runs, US, "turn MiB, median", variant)
    return Check(what, required, f"{share:.1%}, median {middle:g} MiB", share >= TURNS_SHARE)


def _modelled(runs: Sequence[Run], variant: str) -> float | None:
    """Return the median bytes per second that a 7200 rpm disk would have taken."""
    found = [
        run.bytes / float(run.notes["7200 rpm s"])
        for run in runs_of(runs, US, variant)
        if run.notes.get("7200 rpm s")
    ]
    return statistics.median(found) if found else None
