"""Situations 1 and 2: no limits but the machine's, over HTTPS and HTTP, to the disk."""

import statistics
from collections.abc import Sequence

from benchmarks.contest import alternate, ceilings, peers, us
from benchmarks.contestants import DISK, SINK
from benchmarks.servers import nginx
from benchmarks.situation import (
    US,
    Check,
    Context,
    Run,
    Situation,
    all_came,
    at_least,
    at_most,
    median_cpu,
    median_speed,
    runs_of,
)

SENDFILE = {"on": "sendfile on; tcp_nopush on;", "off": "sendfile off; tcp_nopush off;"}


def _https(context: Context) -> list[Run]:
    with nginx(context.memory, context.size) as served:
        return alternate(
            context,
            us(context, served)
            | peers(context, served, ["aria2c", "axel", "curl"])
            | ceilings(context, served),
        )


def _https_verdict(runs: Sequence[Run]) -> list[Check]:
    ours = median_speed(runs, US)
    return [
        all_came(runs),
        at_least("throughput, of aria2c's", 3.3, ours, median_speed(runs, "aria2c")),
        at_most("CPU seconds, of aria2c's", 0.4, median_cpu(runs, US), median_cpu(runs, "aria2c")),
        at_least("throughput, of 16 curl into /dev/null", 0.92, ours, median_speed(runs, "curl")),
        *_ceilings(runs, ""),
    ]


def _ceilings(runs: Sequence[Run], variant: str) -> list[Check]:
    """Return how near we come to the disk, and the engine without one to line and server."""
    ours, sink = median_speed(runs, US, variant), median_speed(runs, SINK, variant)
    curl, disk = median_speed(runs, "curl", variant), median_speed(runs, DISK, variant)
    slower = min(curl, disk) if curl and disk else None
    named = f", {variant}" if variant else ""
    return [
        at_least(
            f"throughput, of the slower of the disk alone and 16 curl{named}", 0.8, ours, slower
        ),
        at_least(f"throughput into a sink, of 16 curl{named}", 0.8, sink, curl),
    ]


def _http(context: Context) -> list[Run]:
    runs = []
    for name, extra in SENDFILE.items():
        variant = f"sendfile {name}"
        with nginx(context.memory, context.size, tls=False, extra=extra) as served:
            runs += alternate(
                context,
                us(context, served, variant=variant)
                | peers(context, served, ["aria2c", "axel", "curl"], variant)
                | ceilings(context, served, variant),
            )
    return runs


def _http_verdict(runs: Sequence[Run]) -> list[Check]:
    checks = [all_came(runs)]
    for name in SENDFILE:
        variant = f"sendfile {name}"
        ours = [run.speed for run in runs_of(runs, US, variant)]
        middle = statistics.median(ours) if ours else None
        checks += [
            at_least(
                f"throughput, of aria2c's, {variant}",
                5,
                middle,
                median_speed(runs, "aria2c", variant),
            ),
            at_least(
                f"slowest run, of the median, {variant}", 0.5, min(ours, default=None), middle
            ),
            *_ceilings(runs, variant),
        ]
    return checks


SITUATIONS = (
    Situation(
        number=1,
        name="https-no-limits",
        title="HTTPS, no limits, to disk",
        how="nginx (2 workers) serves the file over TLS from memory. aria2c with"
        " `-x16 -s16 -k1M --file-allocation=falloc`, axel with `-n 16`. The clock stops when the"
        " program ends: our file is synced to the disk by then, aria2c's and axel's are in the"
        " page cache. 16 curl processes fetch a sixteenth each into /dev/null: what server and TLS"
        " give on this machine. The disk alone: the same bytes from memory, written as the engine"
        " writes them. Into a sink: our engine, and nothing written.",
        needs=frozenset({"nginx"}),
        run=_https,
        verdict=_https_verdict,
    ),
    Situation(
        number=2,
        name="http-no-limits",
        title="HTTP, no limits, to disk, nginx with `sendfile on; tcp_nopush on` and with both off",
        how="As situation 1, without TLS.",
        needs=frozenset({"nginx"}),
        run=_http,
        verdict=_http_verdict,
    ),
)
