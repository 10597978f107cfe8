"""`alldebrid-client bench URL`: what one download costs, and how fast and steady it is.

Each run is a download of its own, with an engine that knows nothing from the one before, into a
file that is gone afterwards. Apart from the record to go on from, which nobody wants here, it is
what `get` does. A thread does the download; this one reads its progress ten times a second.
"""

import concurrent.futures
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from api import memory, streams
from api.attempt import caught
from api.bar import Bar, Shown
from api.bench.figures import Readings, median, ratio, rounded, steadiness
from api.bench.process import reset_peak
from api.bench.table import GIB, MB, MIB, number, percent, render
from api.bench.told import Complain, Interrupted, told
from api.get import PAGE
from api.settings import TransferSettings
from api.target import check_free, target_of
from engine.transfer import disk
from engine.transfer.download import Download, Engine, OneLink, Outcome, Request
from engine.transfer.errors import TransferError
from engine.transfer.urls import parse_url

LOOK = 0.1
"""Seconds between two readings of the progress."""

FIRST_LOOK = 0.01
"""The same until the first byte is here."""

COLUMNS = 5
"""Runs that the table shows one by one; of more it shows the medians only."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. The URL is a secret."""

    url: str
    output_dir: str = ""
    """Folder of the file; empty for the current one."""
    keep: bool = False
    """Keep the last run's file, under the name in the URL."""
    runs: int = 1
    transfer: TransferSettings
    limit: int = 0
    """Bytes per second; 0 for none."""
    json: bool = False

    def __repr__(self) -> str:
        return f"<Options output_dir={self.output_dir!r} runs={self.runs}>"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run, or their medians, as `--json` prints them. None: not known."""

    bytes: int
    """The file's size."""
    seconds: float
    """From the first connection to the last byte being safe on the disk."""
    mb_per_second: float | None
    """Mean speed: `bytes` by `seconds`, in 10^6 bytes."""
    mib_per_second: float | None
    """The same in 2^20 bytes."""
    cpu_seconds: float
    """Processor time of this process, the system's work for it included."""
    cpu_seconds_per_gib: float | None
    peak_rss_bytes: int
    """Most resident memory of this process during the run."""
    connections_peak: int
    ring_peak_bytes: int
    writes: int
    retries: int
    first_byte_seconds: float | None
    speed_variation: float | None
    """Standard deviation of the speeds of the whole seconds by their mean; see `figures`."""
    slowest_second_bytes: int | None
    stalled_seconds: int
    """Whole seconds without a byte."""
    longest_pause_seconds: float
    """To within a tenth of a second."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    runs: list[Run]
    median: Run
    """Of each figure by itself."""


def bench_url(options: Options, complain: Complain) -> int:
    """Download a URL, as often as asked for, report, and return the exit status.

    `complain` prints one line of error. Call it from the main thread: elsewhere signals are left
    alone. Raises OutputLost.
    """
    return told(lambda: _Bench(options).run(), complain)


class _Bench:
    """The runs of one command."""

    def __init__(self, options: Options) -> None:
        """Raises TransferError for no URL, Refused where the file cannot be put."""
        self._options = options
        url = parse_url(options.url)
        self._html_ok = PAGE.search(url.target) is not None
        # With a slash at its end a folder that is missing is told from a file's name.
        self._target = target_of(str(Path(options.output_dir)) + "/", url)
        if options.keep:
            check_free(self._target, overwrite=False)
        self._part = self._target.with_name(f"bench-{secrets.token_hex(4)}.part")
        self._bar = Bar(sys.stderr) if sys.stderr.isatty() else None
        self._signals: list[int] = []

    def __repr__(self) -> str:
        return f"<_Bench {self._target.name}>"

    def run(self) -> None:
        """Measure and report."""
        runs: list[Run] = []
        try:
            with caught(self._signals):
                while len(runs) < self._options.runs:
                    self._part.unlink(missing_ok=True)
                    runs.append(self._measure())
                    self._tell(runs)
            if self._options.keep:
                disk.publish(self._part, self._target)
        finally:
            self._part.unlink(missing_ok=True)
        result = Result(runs=runs, median=median(runs))
        streams.say(msgspec.json.encode(result).decode() if self._options.json else report(result))

    def _measure(self) -> Run:
        transfer = self._options.transfer
        engine = Engine(ca_file=str(transfer.ssl_cert_file) if transfer.ssl_cert_file else None)
        readings = Readings()
        reset_peak()
        worked = time.process_time()
        try:
            outcome = self._download(engine, readings)
        except TransferError:
            if self._signals:
                raise Interrupted(self._signals[0]) from None
            raise
        finally:
            engine.close()
        return figures_of(outcome, readings, time.process_time() - worked, memory.peak())

    def _download(self, engine: Engine, readings: Readings) -> Outcome:
        transfer = self._options.transfer
        request = Request(
            path=self._part,
            connections=transfer.connections,
            ring=transfer.ram_buffer_per_download,
            batch=transfer.write_batch_size,
            flush_interval=transfer.flush_interval,
            preallocate=transfer.file_allocation != "none",
            html_ok=self._html_ok,
        )
        download = engine.download(
            request,
            OneLink(self._options.url),
            save=lambda _checkpoint: None,
            limit=self._options.limit,
        )
        with concurrent.futures.ThreadPoolExecutor(1, "download") as pool:
            began = time.monotonic()
            readings.add(0.0, 0)
            future = pool.submit(download.run)
            try:
                self._watch(download, future, readings, began)
            except BaseException:
                download.stop()
                raise
            finally:
                if self._bar:
                    self._bar.clear()
        return future.result()

    def _watch(
        self,
        download: Download,
        future: concurrent.futures.Future[Outcome],
        readings: Readings,
        began: float,
    ) -> None:
        """Read the progress until the download has ended."""
        done = False
        while not done:
            pause = LOOK if readings.received[-1] else FIRST_LOOK
            done = bool(concurrent.futures.wait([future], pause).done)
            progress = download.progress()
            readings.add(time.monotonic() - began, progress.received)
            if self._signals and not done:
                download.stop()
                # Now, and not only when the download has ended: a second Ctrl-C ends us at once.
                self._part.unlink(missing_ok=True)
            if self._bar:
                self._bar.draw(
                    Shown(
                        received=progress.received,
                        size=progress.size or 0,
                        speed=progress.speed,
                        connections=progress.connections,
                        resident=memory.resident(),
                    )
                )

    def _tell(self, runs: Sequence[Run]) -> None:
        if self._options.runs > 1:
            run = runs[-1]
            speed = number(run.mb_per_second, 1)
            streams.tell(
                f"run {len(runs)} of {self._options.runs}: {run.seconds:.2f} s, {speed} MB/s"
            )


def figures_of(outcome: Outcome, readings: Readings, cpu: float, peak: int) -> Run:
    """Return the figures of a run from what it took; `cpu` in seconds, `peak` in bytes."""
    steady = steadiness(readings)
    speed = ratio(outcome.size, outcome.seconds)
    return Run(
        bytes=outcome.size,
        seconds=round(outcome.seconds, 6),
        mb_per_second=None if speed is None else round(speed / MB, 3),
        mib_per_second=None if speed is None else round(speed / MIB, 3),
        cpu_seconds=round(cpu, 3),
        cpu_seconds_per_gib=rounded(ratio(cpu, outcome.size / GIB), 3),
        peak_rss_bytes=peak,
        connections_peak=outcome.connections_peak,
        ring_peak_bytes=outcome.ring_peak,
        writes=outcome.writes,
        retries=outcome.retries,
        first_byte_seconds=rounded(steady.first_byte, 3),
        speed_variation=rounded(steady.variation, 4),
        slowest_second_bytes=None if steady.slowest is None else round(steady.slowest),
        stalled_seconds=steady.stalled,
        longest_pause_seconds=round(steady.pause, 3),
    )


ROWS: tuple[tuple[str, Callable[[Run], str]], ...] = (
    ("size, bytes", lambda run: number(run.bytes)),
    ("time, s", lambda run: number(run.seconds, 2)),
    ("mean speed, MB/s", lambda run: number(run.mb_per_second, 1)),
    ("mean speed, MiB/s", lambda run: number(run.mib_per_second, 1)),
    ("processor time, s", lambda run: number(run.cpu_seconds, 2)),
    ("processor time per GiB, s", lambda run: number(run.cpu_seconds_per_gib, 2)),
    ("peak memory, MiB", lambda run: number(run.peak_rss_bytes, 1, by=MIB)),
    ("peak ring, MiB", lambda run: number(run.ring_peak_bytes, 1, by=MIB)),
    ("most connections", lambda run: number(run.connections_peak)),
    ("writes", lambda run: number(run.writes)),
    ("retries", lambda run: number(run.retries)),
    ("first byte after, s", lambda run: number(run.first_byte_seconds, 3)),
    ("variation of the speed", lambda run: percent(run.speed_variation)),
    ("slowest second, MB", lambda run: number(run.slowest_second_bytes, 1, by=MB)),
    ("seconds without a byte", lambda run: number(run.stalled_seconds)),
    ("longest pause, s", lambda run: number(run.longest_pause_seconds, 1)),
)
"""What the table shows of a run."""


def report(result: Result) -> str:
    """Return the table: the runs one by one and their medians, or what of it has room."""
    columns = {f"run {place}": run for place, run in enumerate(result.runs, 1)}
    if len(columns) == 1:
        return render([], [(label, [cell(result.median)]) for label, cell in ROWS])
    if len(columns) > COLUMNS:
        columns = {}
    columns["median"] = result.median
    return render(
        list(columns), [(label, [cell(run) for run in columns.values()]) for label, cell in ROWS]
    )
