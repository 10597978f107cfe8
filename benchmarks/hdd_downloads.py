"""Several downloads in one process, with the engine and nothing else; tells how they went.

    python -m benchmarks.hdd_downloads '{"jobs": [{"url": "...", "path": "a.bin"}]}'

`alldebrid-client get` has one download, and the service brings AllDebrid's polls into the time.
Downloads take turns on a disk within one process, so here they are together. The answer is JSON on
standard output: an `Answer`.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

import engine.transfer.download
from engine.transfer.disk import PartFile
from engine.transfer.download import Download, Engine, OneLink, Request
from engine.transfer.errors import TransferError

PERIOD = 0.25
"""Seconds between two samples."""

SLACK = 0.02
"""Seconds that a slow disk may have been idle and still makes good: between two writes."""

SWITCH = 0.0005
"""Seconds after which a thread has to let others run: what the command sets as well."""


class Job(msgspec.Struct, frozen=True):
    """A download to make."""

    url: str
    path: str
    after: float = 0
    """Seconds after the start when it begins."""
    ring: int = 512 << 20
    """Bytes: the most that its ring may take."""


class Order(msgspec.Struct, frozen=True):
    """What to do."""

    jobs: tuple[Job, ...]
    disk_rate: float = 0
    """Bytes per second that the disk takes at most, where no device can be limited; 0: no limit."""


class Done(msgspec.Struct, frozen=True):
    """How one download went. Times in seconds since the start."""

    began: float
    ended: float
    size: int
    writes: int
    ring_peak: int
    error: str = ""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One moment. Bytes are sums over the downloads that run."""

    t: float
    """Seconds on the clock of time.monotonic()."""
    received: int
    flushed: int
    ring: int
    """Bytes in use."""
    connections: int
    rss: int


class Resized(msgspec.Struct, frozen=True, array_like=True):
    """A ring's capacity changed."""

    t: float
    """Seconds on the clock of time.monotonic()."""
    capacity: int
    reason: str


class Answer(msgspec.Struct, frozen=True):
    """What is printed."""

    start: float
    """Seconds on the clock of time.monotonic()."""
    done: tuple[Done, ...]
    samples: tuple[Sample, ...]
    resized: tuple[Resized, ...]
    peak_rss: int


def main() -> int:
    """Do what the first argument orders."""
    sys.setswitchinterval(SWITCH)
    order = msgspec.json.decode(sys.argv[1], type=Order)
    if order.disk_rate:
        limit_disk(order.disk_rate)
    answer = work(order)
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    return 1 if any(done.error for done in answer.done) else 0


def work(order: Order) -> Answer:
    """Make all downloads at once and wait for them."""
    shared = Engine()
    start = time.monotonic()
    rings = _Rings()
    logger = logging.getLogger("engine.transfer.download")
    logger.setLevel(logging.INFO)
    logger.addHandler(rings)
    ended = threading.Event()
    running = [_Running(shared, job, start) for job in order.jobs]
    samples: list[Sample] = []
    sampler = threading.Thread(target=_sample, args=(running, samples, ended))
    threads = [threading.Thread(target=each.run) for each in running]
    for thread in (sampler, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    sampler.join()
    logger.removeHandler(rings)
    shared.close()
    return Answer(
        start,
        tuple(each.done for each in running if each.done),
        tuple(samples),
        tuple(rings.found),
        memory("VmHWM"),
    )


def limit_disk(rate: float) -> None:
    """Let all files of this process together take no more than `rate` bytes per second."""
    lock = threading.Lock()
    free_at = time.monotonic()

    class SlowFile(PartFile):
        """A file on a disk that takes its time."""

        def write(self, offset: int, views: Sequence[memoryview]) -> None:
            """Write, and come back when the disk would have."""
            nonlocal free_at
            super().write(offset, views)
            with lock:
                now = time.monotonic()
                free_at = max(free_at, now - SLACK) + sum(len(view) for view in views) / rate
                wait = free_at - now
            time.sleep(max(0.0, wait))

    vars(engine.transfer.download)["PartFile"] = SlowFile


def memory(field: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return 0


class _Running:
    """One download in its thread."""

    def __init__(self, shared: Engine, job: Job, start: float) -> None:
        self._engine = shared
        self._job = job
        self._start = start
        self.download: Download | None = None
        self.done: Done | None = None

    def run(self) -> None:
        """Wait for the time, download, say how it went."""
        time.sleep(max(0.0, self._start + self._job.after - time.monotonic()))
        began = time.monotonic() - self._start
        path = Path(self._job.path)
        request = Request(path=path, ring=self._job.ring)
        links = OneLink(self._job.url)
        self.download = self._engine.download(request, links, save=_forget)
        try:
            outcome = self.download.run()
        except TransferError as problem:
            self.done = Done(began, time.monotonic() - self._start, 0, 0, 0, str(problem))
            return
        ended = time.monotonic() - self._start
        self.done = Done(began, ended, outcome.size, outcome.writes, outcome.ring_peak)


class _Rings(logging.Handler):
    """Takes the lines that tell of a ring's size: the decisions as they are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Resized] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line if it is one of those."""
        if str(record.msg).startswith("ring=") and isinstance(record.args, tuple):
            capacity, reason = record.args
            if isinstance(capacity, int):
                self.found.append(Resized(time.monotonic(), capacity, str(reason)))


def _sample(running: list[_Running], samples: list[Sample], ended: threading.Event) -> None:
    while not ended.wait(PERIOD):
        seen = [each.download.progress() for each in running if each.download and not each.done]
        sums: Callable[[str], int] = lambda name: sum(getattr(one, name) for one in seen)  # noqa: B023, E731
        finished = sum(each.done.size for each in running if each.done)
        samples.append(
            Sample(
                time.monotonic(),
                sums("received") + finished,
                sums("flushed") + finished,
                sums("ring"),
                sums("connections"),
                memory("VmRSS"),
            )
        )


def _forget(_: object) -> None:
    """Nobody will go on with these downloads."""


if __name__ == "__main__":
    sys.exit(main())
