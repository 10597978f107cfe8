"""Situations 3 and 4: a far server, and a line of one gigabit a second."""

from collections.abc import Sequence

import msgspec

from benchmarks.contest import OneRun, alternate, peers, us
from benchmarks.contestants import CONNECTIONS
from benchmarks.line import Shape
from benchmarks.servers import Served, line
from benchmarks.situation import (
    MB,
    US,
    Check,
    Context,
    Run,
    Situation,
    all_came,
    at_least,
    bound,
    median_speed,
    peak_rss,
    runs_of,
)

FAR = Shape(rate_each=60e6, first_byte=0.03)
GIGABIT = Shape(rate=125e6)
SMALL_RING = "ram-buffer 64M"

MOST_CONNECTIONS = 8
"""What a line of 125 MB/s without a limit per connection takes, at the very most: one connection
fills it on loopback, and probing upwards has to stop soon."""


def _far(context: Context) -> list[Run]:
    with line(context.memory, context.size, FAR) as served:
        ways = us(context, served)
        ways |= us(context, served, "--ram-buffer", "64M", variant=SMALL_RING)
        ways |= peers(context, served, ["aria2c", "axel", "curl"])
        return alternate(context, ways)


def _far_verdict(runs: Sequence[Run]) -> list[Check]:
    full = CONNECTIONS * FAR.rate_each
    ours = median_speed(runs, US, "")
    return [
        all_came(runs),
        at_least("throughput, of 16 times 60 MB/s", 0.9, ours, full),
        at_least(f"the same with {SMALL_RING}", 0.75, median_speed(runs, US, SMALL_RING), full),
        at_least("throughput, of aria2c's", 3, ours, median_speed(runs, "aria2c")),
    ]


def _gigabit(context: Context) -> list[Run]:
    with line(context.memory, context.size, GIGABIT) as served:
        ways = us(context, served) | peers(context, served, ["aria2c", "curl"])
        return alternate(context, {name: _counted(served, ways[name]) for name in ways})


def _counted(served: Served, way: OneRun) -> OneRun:
    """Add how many connections the server saw."""

    def run() -> Run:
        before = served.stats().connections
        done = way()
        seen = served.stats().connections - before - 1  # the question itself is one
        return msgspec.structs.replace(done, notes=done.notes | {"connections seen": seen})

    return run


def _gigabit_verdict(runs: Sequence[Run]) -> list[Check]:
    speed = median_speed(runs, US)
    ours = runs_of(runs, US)
    counts = [
        float(run.notes.get("connections_peak", run.notes.get("connections peak", 0)))
        for run in ours
    ]
    most = max(counts, default=None)
    return [
        all_came(runs),
        at_least("throughput, of 125 MB/s", 0.98, speed, GIGABIT.rate),
        bound("peak resident memory", 80, peak_rss(runs, US), "MB", MB),
        bound("connections at once", MOST_CONNECTIONS, most, "connections"),
    ]


SITUATIONS = (
    Situation(
        number=3,
        name="far-server",
        title="Far server: 30 ms to the first byte of every answer, 60 MB/s per connection,"
        " 16 connections",
        how="The line server (`benchmarks/line.py`), TLS. The rate of each connection is a real"
        " one, from its first byte on, which nginx's `limit_rate` is not. The file is long enough"
        " for a few seconds only, so starting up counts.",
        run=_far,
        verdict=_far_verdict,
    ),
    Situation(
        number=4,
        name="gigabit-line",
        title="A line of 1 Gbit/s (125 MB/s in all)",
        how="The line server, TLS, 125 MB/s over all connections, dealt out fairly. Not more"
        f" connections than it takes: at most {MOST_CONNECTIONS} at once are let pass here.",
        run=_gigabit,
        verdict=_gigabit_verdict,
    ),
)
