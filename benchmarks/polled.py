"""Situation 9: a download through the service while a client polls its API."""

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks import contestants
from benchmarks.contest import OneRun, alternate
from benchmarks.payload import difference
from benchmarks.processes import ROOT, cpu_seconds
from benchmarks.servers import NAME, Served, nginx
from benchmarks.situation import (
    US,
    Check,
    Context,
    Run,
    Situation,
    all_came,
    at_least,
    bound,
    median_speed,
    runs_of,
)
from tests.fakes.alldebrid import FakeAllDebrid
from tests.whole.service import Service

TORRENTS = 1000
RATE = 10
"""Polls a second."""

LIST = "/api/v2/torrents/info"
INFOHASH = "4b" * 20
ALONE, SERVED, POLLED = "get", "serve", f"serve, {TORRENTS} torrents polled"

ANSWERS = "answers in ms"

PATIENCE = 900.0
"""Seconds a download may take."""


class WatchedService(Service):
    """The service, with its downloads written down (`benchmarks.watched`)."""

    def launch(self) -> None:
        """Start the process; return at once."""
        self.series = self.folder / "series"
        command = [sys.executable, "-m", "benchmarks.watched", self.series, "0.1", "serve"]
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stderr=log, cwd=ROOT)


def _run(context: Context) -> list[Run]:
    with nginx(context.memory, context.size) as served:
        return alternate(
            context,
            {
                ALONE: _alone(context, served),
                SERVED: _through(context, served, polled=False),
                POLLED: _through(context, served, polled=True),
            },
        )


def _alone(context: Context, served: Served) -> OneRun:
    def run() -> Run:
        done = contestants.us(served, context.work, variant=ALONE)
        inside = float(done.notes.get("seconds in the engine", done.seconds))
        return msgspec.structs.replace(done, seconds=inside)

    return run


def _through(context: Context, served: Served, *, polled: bool) -> OneRun:
    def run() -> Run:
        with FakeAllDebrid() as alldebrid:
            alldebrid.hold(INFOHASH, NAME, {NAME: served.size}, file_host=lambda _: served.url)
            environment = {"SSL_CERT_FILE": str(served.ca_file), "LOG_LEVEL": "WARNING"}
            service = WatchedService(context.work, alldebrid, **environment)
            try:
                service.start()
                done = _download(service, served, polled=polled)
            finally:
                if service.process.poll() is None:
                    service.stop()
        _clean(context.work)
        return done

    return run


def _download(service: WatchedService, served: Served, *, polled: bool) -> Run:
    with service.client() as client:
        if polled:
            client.torrents_add(urls=crowd(TORRENTS), is_paused=True, is_stopped=True)
        cpu = cpu_seconds(service.process.pid)
        with _polling(service.port, polled=polled) as told:
            client.torrents_add(urls=f"magnet:?xt=urn:btih:{INFOHASH}&dn={NAME}")
            begin, end, _ = _span(service)
        cpu = cpu_seconds(service.process.pid) - cpu
    shown = service.wait_for(INFOHASH, "pausedUP", "stoppedUP", timeout=60)
    notes = {}
    if polled:
        inside = [each for each in told if begin <= each[0] <= end]
        notes = {
            "bytes of an answer": int(told[-1][2]) if told else 0,
            ANSWERS: " ".join(f"{1000 * each[1]:.1f}" for each in inside),
        }
    return Run(
        label=US,
        variant=POLLED if polled else SERVED,
        seconds=end - begin,
        bytes=served.size,
        cpu=cpu,
        peak_rss=service.memory(),
        series=contestants.read_series(service.series, begin),
        notes=notes,
        failed=difference(Path(shown.content_path), served.size),
    )


def _span(service: WatchedService) -> tuple[float, float, int]:
    """Wait until the download has ended; return its begin, end and size."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and service.process.poll() is None:
        if service.series.exists() and (found := contestants.spans(service.series)):
            return found[-1]
        time.sleep(0.1)
    raise RuntimeError(f"the download did not end: {service.output.read_text()[-500:]}")


@contextlib.contextmanager
def _polling(port: int, *, polled: bool) -> Iterator[list[list[float]]]:
    """Poll as long as the block lasts; the list is filled at its end."""
    told: list[list[float]] = []
    if not polled:
        yield told
        return
    command = [sys.executable, "-m", "benchmarks.poller", str(port), LIST, str(RATE)]
    poller = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        yield told
    finally:
        output, _ = poller.communicate()  # closes its stdin, which ends it
        told += json.loads(output) if output else []


def crowd(count: int) -> list[str]:
    """Return magnets that fill a list."""
    return [
        f"magnet:?xt=urn:btih:{number:040x}&dn=Some.Film.{number}.2160p.WEB-DL&xl={number << 24}"
        for number in range(1, count + 1)
    ]


def answers(runs: Sequence[Run]) -> list[float]:
    """Return the milliseconds that all polls of all runs took, shortest first."""
    return sorted(float(word) for run in runs for word in str(run.notes.get(ANSWERS, "")).split())


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the smallest value that `part` of the values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _verdict(runs: Sequence[Run]) -> list[Check]:
    ours = runs_of(runs, US, POLLED)
    times = answers(ours)
    return [
        all_came(runs),
        at_least(
            "throughput while polled, of `get` alone",
            0.9,
            median_speed(runs, US, POLLED),
            median_speed(runs, US, ALONE),
        ),
        bound(
            f"99th percentile of the API's {len(times)} answers",
            50,
            percentile(times, 0.99) if times else None,
            "ms",
        ),
    ]


def _clean(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


SITUATIONS = (
    Situation(
        number=9,
        name="polled",
        title=f"Situation 1 through the service, its API polled {RATE} times a second with"
        f" {TORRENTS:,} torrents listed",
        how="`get`, the service, and the service while another process reads"
        f" `{LIST}` (all torrents, nothing filtered) {RATE} times a second, in turns. Time is that"
        " in the engine, from the first connection to the synced file: what comes before in the"
        " service is AllDebrid's. The crowd are paused magnets. The 99th percentile is that of"
        " all polls that began during a download, seen from the client, to the last byte.",
        needs=frozenset({"nginx"}),
        run=_run,
        verdict=_verdict,
    ),
)
