"""Situation 12: the API beside a real qbittorrent-nox, and by itself with 10,000 torrents."""

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import qbittorrentapi

from benchmarks import crowd
from benchmarks.asker import Asked
from benchmarks.polled import crowd as magnets
from benchmarks.polled import percentile
from benchmarks.processes import ROOT, cpu_seconds
from benchmarks.qbittorrent import NOX, qbittorrent
from benchmarks.situation import (
    US,
    Check,
    Context,
    Run,
    Situation,
    bound,
    runs_of,
)
from benchmarks.waiting import Answering, get, until_it_answers
from tests.fakes.alldebrid import FakeAllDebrid
from tests.whole.service import Service

FEW, MANY = 1000, 10_000
"""Torrents."""

MOVING = 3
"""Downloads under way among many torrents."""

SECONDS = 1.5
"""Of asking, for each figure."""

SETTLE = 3.0
"""Seconds for what a start leaves to be done: reading thousands of .torrent files, for example."""

LIST = "/api/v2/torrents/info"

VERSION = "app/version"
INFO = "torrents/info"
FULL = "sync/maindata, everything"
CHANGES = "sync/maindata, what changed"
START = "start"


class Question(msgspec.Struct, frozen=True):
    """What is asked."""

    path: str
    connections: int = 1
    follow: bool = False


QUESTIONS: Mapping[str, Question] = {
    VERSION: Question("app/version"),
    f"{VERSION}, 4 connections": Question("app/version", 4),
    INFO: Question("torrents/info"),
    f"{INFO}, 4 connections": Question("torrents/info", 4),
    FULL: Question("sync/maindata"),
    CHANGES: Question("sync/maindata", follow=True),
}

DOWNLOADING = f"{FEW:,} torrents, all downloading"
AT_REST = f"{FEW:,} torrents"
LARGE = f"{MANY:,} torrents, {MOVING} downloading"

RATE, MEDIAN, SLOWEST, SIZE = "answers a second", "ms, median", "ms, 99th", "bytes of an answer"


class MovingService(Service):
    """The service with downloads that are made up."""

    def launch(self) -> None:
        """Start the process; return at once."""
        command = [sys.executable, "-m", "benchmarks.moving", "serve"]
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stderr=log, cwd=ROOT)


def _run(context: Context) -> list[Run]:
    with contextlib.ExitStack() as stack:
        alldebrid = stack.enter_context(FakeAllDebrid())
        ours = stack.enter_context(_service(Service, context.work / "few", alldebrid))
        _add(ours.port)
        servers = {US: ours}
        if NOX in context.peers:
            folder = context.work / "nox"
            folder.mkdir()
            servers[NOX] = stack.enter_context(qbittorrent(folder))
            _add(servers[NOX].port)
        runs = _side_by_side(context, servers)
    with FakeAllDebrid() as alldebrid:
        for variant, count, unfinished, names in (
            (DOWNLOADING, FEW, FEW, (INFO, f"{INFO}, 4 connections", CHANGES)),
            (LARGE, MANY, MOVING, (INFO, FULL, CHANGES)),
        ):
            folder = context.work / f"{count}-{unfinished}"
            crowd.fill(
                folder / "config" / "alldebrid-client.db",
                folder / "downloads",
                count,
                unfinished=unfinished,
            )
            runs += _alone(context, folder, alldebrid, variant, names)
    return runs


def _side_by_side(context: Context, servers: Mapping[str, Answering]) -> list[Run]:
    """Ask one and the other, in turns."""
    runs = []
    for number in range(context.runs):
        labels = list(servers) if number % 2 == 0 else list(reversed(servers))
        for name in QUESTIONS:
            runs += [_asked(context, servers[label], label, name, AT_REST) for label in labels]
    return runs


def _alone(
    context: Context,
    folder: Path,
    alldebrid: FakeAllDebrid,
    variant: str,
    names: Sequence[str],
) -> list[Run]:
    runs = []
    for _ in range(context.runs):
        began = time.monotonic()
        with _service(MovingService, folder, alldebrid, LIST) as server:
            seconds = time.monotonic() - began
            runs.append(Run(label=US, variant=f"{START}, {variant}", seconds=seconds, bytes=0))
            context.say(f"  {START}, {variant}: {seconds:.2f} s")
            time.sleep(SETTLE)
            get(server.port, LIST)  # puts what was learnt since into words, once
            runs += [_asked(context, server, US, name, variant) for name in names]
    return runs


@contextlib.contextmanager
def _service(
    kind: Callable[..., Service], folder: Path, alldebrid: FakeAllDebrid, path: str = "/"
) -> Iterator[Answering]:
    """Run our service until it has answered a question for `path`, and longer."""
    folder.mkdir(parents=True, exist_ok=True)
    service = kind(folder, alldebrid, LOG_LEVEL="WARNING")
    service.launch()
    try:
        until_it_answers(
            service.port, service.process, path if path != "/" else "/api/v2/app/version"
        )
        yield Answering(service.port, service.process.pid)
    finally:
        service.stop()


def _add(port: int) -> None:
    """Add torrents through the API, all paused."""
    client = qbittorrentapi.Client(host=f"http://127.0.0.1:{port}")
    with client:
        client.torrents_add(urls=magnets(FEW), is_paused=True, is_stopped=True)
        end = time.monotonic() + 60
        while len(client.torrents_info()) < FEW and time.monotonic() < end:
            time.sleep(0.1)


def _asked(context: Context, server: Answering, label: str, name: str, variant: str) -> Run:
    question = QUESTIONS[name]
    command = [
        sys.executable,
        "-m",
        "benchmarks.asker",
        str(server.port),
        f"/api/v2/{question.path}",
        str(question.connections),
        str(SECONDS),
        *(["follow"] if question.follow else []),
    ]
    cpu = cpu_seconds(server.pid)
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    cpu = cpu_seconds(server.pid) - cpu
    if done.returncode:
        failed = done.stderr.decode().strip().rpartition("\n")[2]
        return Run(label=label, variant=f"{name}, {variant}", seconds=0, bytes=0, failed=failed)
    asked = msgspec.json.decode(done.stdout, type=Asked)
    run = Run(
        label=label,
        variant=f"{name}, {variant}",
        seconds=asked.seconds,
        bytes=asked.bytes,
        cpu=cpu,
        peak_rss=_peak(server.pid),
        notes=figures(asked),
    )
    context.say(f"  {label}, {run.variant}: {run.notes}")
    return run


def figures(asked: Asked) -> dict[str, float | int | str]:
    """Return what is told of a run."""
    times = asked.times or [0.0]
    return {
        RATE: round(asked.answers / asked.seconds, 2),
        MEDIAN: round(statistics.median(times), 3),
        SLOWEST: round(percentile(times, 0.99), 3),
        SIZE: asked.bytes // max(1, asked.answers),
    }


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _median(runs: Sequence[Run], label: str, variant: str, figure: str) -> float | None:
    found = [float(run.notes[figure]) for run in runs_of(runs, label, variant)]
    return statistics.median(found) if found else None


def _verdict(runs: Sequence[Run]) -> list[Check]:
    checks = [
        _times(runs, f"{VERSION}, {AT_REST}", f"{VERSION}, {AT_REST}", 2),
        _times(runs, *[f"{VERSION}, 4 connections, {AT_REST}"] * 2, 2),
        _times(runs, *[f"{INFO}, {AT_REST}"] * 2, 100),
        _times(runs, *[f"{INFO}, 4 connections, {AT_REST}"] * 2, 100),
        _times(runs, f"{INFO}, {DOWNLOADING}", f"{INFO}, {AT_REST}", 100),
        _times(
            runs,
            f"{INFO}, 4 connections, {DOWNLOADING}",
            f"{INFO}, 4 connections, {AT_REST}",
            100,
        ),
        bound(
            f"{INFO} with {LARGE}, 99th percentile",
            50,
            _median(runs, US, f"{INFO}, {LARGE}", SLOWEST),
            "ms",
        ),
        bound(
            f"{CHANGES}, with {LARGE}, median",
            1,
            _median(runs, US, f"{CHANGES}, {LARGE}", MEDIAN),
            "ms",
        ),
    ]
    starts = [run.seconds for run in runs_of(runs, US, f"{START}, {LARGE}")]
    checks.append(bound(f"start until {INFO} answers, {LARGE}", 2, max(starts, default=None), "s"))
    return checks


def _times(runs: Sequence[Run], variant: str, theirs: str, factor: float) -> Check:
    ours, other = _median(runs, US, variant, RATE), _median(runs, NOX, theirs, RATE)
    what = f"{variant}: answers a second, of {NOX}'s"
    if not ours or not other:
        return Check(what, f"≥ {factor:g} times", "not measured", None)
    return Check(what, f"≥ {factor:g} times", f"{ours / other:.3g} times", ours / other >= factor)


SITUATIONS = (
    Situation(
        number=12,
        name="api",
        title=f"The API beside {NOX}, and with {MANY:,} torrents",
        how=f"{FEW:,} paused magnets are added to both through their APIs. One process asks over"
        f" kept connections, one question under way on each, {SECONDS:g} s for each figure, in"
        " turns. `what changed` asks with the `rid` of the answer before. Downloads that move are"
        f" made up, because no line bears {FEW:,}: store, torrents and API are the real ones, and"
        " their numbers are read again twice a second (a qBittorrent reads its own every 1.5 s)."
        f" Those rates are compared with that of {NOX} whose torrents are paused. The start is"
        " from the new process to the first whole list of torrents;"
        f" {SETTLE:g} s later, and after another whole list, the questions begin.",
        run=_run,
        verdict=_verdict,
    ),
)
