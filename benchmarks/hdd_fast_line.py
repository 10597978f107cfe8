"""A line that is faster than the disk: speed, memory, writes, and what a turning disk would say."""

import shutil
import subprocess
from collections.abc import Sequence

import msgspec

from benchmarks import hdd_syscalls
from benchmarks.hdd import Disk
from benchmarks.hdd_contest import (
    DD,
    FAST,
    RESIDENT,
    contestants,
    disk_for,
    limited,
    median_note,
    missing,
    most,
    noted,
    own_rate,
    read_told,
    slow_disk,
    told,
    told_to,
)
from benchmarks.hdd_race import Ran, line, race, with_rings
from benchmarks.situation import (
    MB,
    US,
    Check,
    Context,
    Run,
    all_came,
    at_least,
    at_most,
    bound,
    median_speed,
    peak_rss,
    runs_of,
)

TRACED_CALLS = 512 << 20
"""Bytes of the file, at most, whose writes are looked at call by call."""

ODD = 777
"""Bytes that make a file's end unaligned."""


def run_fast_line(context: Context) -> list[Run]:
    """Let the disk be slower than the line: us, aria2c, and dd as the disk's own measure."""
    if lacking := missing(context, context.size):
        return [run for run, _ in slow_disk(context, [context.size], lacking)]
    runs: list[Run] = []
    with disk_for(context, context.size) as disk, line(context.size, rate=FAST) as url:
        target = disk.folder / "film.bin"
        files = {target: context.size}
        runs.append(own_rate(disk, context.size, direct=False))
        for number in range(context.runs):
            runs.append(own_rate(disk, context.size, direct=True))
            for label, command in contestants(context, url, target).items():
                ran = race(disk, label, command, files)
                run = _watched(ran, context) if label == US else ran.run
                if number == 0:
                    target.unlink(missing_ok=True)
                    run = noted(run, _calls(context, disk, label))
                target.unlink(missing_ok=True)
                context.say(told(run))
                runs.append(run)
    return runs


def judge_fast_line(runs: Sequence[Run]) -> list[Check]:
    """Judge the runs of `run_fast_line`."""
    ours = median_speed(runs, US)
    return [
        all_came(runs),
        limited(runs),
        at_least("throughput beside the disk's own", 0.98, ours, median_speed(runs, DD, "direct")),
        bound("resident memory", RESIDENT / MB, peak_rss(runs, US), "MB", MB),
        _writes_check(runs),
        bound("page cache left", 0, most(runs, US, "page cache left bytes"), "bytes"),
        _turning(
            "time until a 7200 rpm disk is done, beside aria2c", "7200 rpm s (done after)", runs
        ),
        _turning("time a 7200 rpm disk is busy, beside aria2c", "7200 rpm s", runs),
    ]


def _turning(what: str, name: str, runs: Sequence[Run]) -> Check:
    return at_most(what, 1.0, median_note(runs, US, name), median_note(runs, "aria2c", name))


def _watched(ran: Ran, context: Context) -> Run:
    path = told_to(context)
    series = with_rings(ran.run.series, read_told(path), ran.began)
    path.unlink()
    return msgspec.structs.replace(ran.run, series=series)


def _calls(context: Context, disk: Disk, label: str) -> dict[str, float | int | str]:
    """Look at the writes of a run of its own, call by call; notes of what was found."""
    if shutil.which("strace") is None:
        return {}
    size = min(context.size, TRACED_CALLS) + ODD
    target = disk.folder / "traced.bin"
    prefix = context.work / f"calls-{label}"
    with line(size, rate=FAST) as url:
        command = contestants(context, url, target)[label]
        subprocess.run(hdd_syscalls.strace(command, prefix), check=True, stdout=subprocess.DEVNULL)
    target.unlink(missing_ok=True)
    told_to(context).unlink(missing_ok=True)
    lines = hdd_syscalls.read(prefix)
    name = target.name + (".part" if label == US else "")
    verdict = hdd_syscalls.judge(hdd_syscalls.parse(lines, name), size)
    return {"writes": verdict.told(), "writes wrong": verdict.wrong}


def _writes_check(runs: Sequence[Run]) -> Check:
    what, required = "writes at least 4 MiB, aligned, in order", "all"
    for run in runs_of(runs, US):
        if "writes" in run.notes:
            return Check(what, required, str(run.notes["writes"]), run.notes["writes wrong"] == 0)
    return Check(what, required, "not measured (strace, or a disk of our own)", None)
