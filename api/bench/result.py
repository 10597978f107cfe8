"""The figures of a service, and the table of them. Pure but for reading the meter."""

from collections.abc import Callable, Sequence

import msgspec

from api.bench.figures import Readings, percentile, ratio, rounded, steadiness
from api.bench.process import Meter
from api.bench.table import MB, MIB, UNKNOWN, number, percent, render


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. None: not known. Times are to within a poll of 0.2 s."""

    bytes: int
    """The torrent's size."""
    seconds: float
    """From adding the torrent to its files being verified and in their place."""
    first_byte_seconds: float | None
    """From adding it to the first byte: how long AllDebrid took, and the queue."""
    download_seconds: float | None
    """From there until every byte was written."""
    finish_seconds: float
    """From there to the end: what was left to verify, and the move."""
    mb_per_second: float | None
    """Mean speed: `bytes` by `download_seconds`, in 10^6 bytes."""
    mib_per_second: float | None
    """The same in 2^20 bytes."""
    peak_rss_bytes: int | None
    """Most resident memory of the service meanwhile, at least when it was looked at."""
    mean_rss_bytes: int | None
    cpu_seconds: float | None
    """Processor time of the service meanwhile, the system's work for it included."""
    process: str | None
    """Whose memory and time that is: process id and name."""
    speed_variation: float | None
    """Standard deviation of the speeds of the whole seconds by their mean; see `figures`."""
    slowest_second_bytes: int | None
    stalled_seconds: int
    """Whole seconds without a byte, between the first and the last."""
    longest_pause_seconds: float
    answer_p99_seconds: float | None
    """99 of 100 questions to the API were answered within this time."""
    other_downloads: int
    """Torrents that were downloading besides when this began; their bytes are counted too."""


def result_of(
    *,
    size: int,
    written_at: float,
    readings: Readings,
    answers: Sequence[float],
    meter: Meter,
    other: int,
) -> Result:
    """Return the figures; `written_at` is when the last byte was written, after the adding."""
    steady = steadiness(readings)
    took = None if steady.began is None else max(written_at - steady.began, 0.0)
    speed = ratio(size, took or 0.0)
    seconds = readings.times[-1]
    return Result(
        bytes=size,
        seconds=round(seconds, 3),
        first_byte_seconds=rounded(steady.first_byte, 3),
        download_seconds=rounded(took, 3),
        finish_seconds=round(seconds - written_at, 3),
        mb_per_second=None if speed is None else round(speed / MB, 3),
        mib_per_second=None if speed is None else round(speed / MIB, 3),
        peak_rss_bytes=meter.peak(),
        mean_rss_bytes=meter.mean(),
        cpu_seconds=rounded(meter.cpu_seconds(), 2),
        process=meter.name,
        speed_variation=rounded(steady.variation, 4),
        slowest_second_bytes=None if steady.slowest is None else round(steady.slowest),
        stalled_seconds=steady.stalled,
        longest_pause_seconds=round(steady.pause, 3),
        answer_p99_seconds=rounded(percentile(answers, 0.99), 4),
        other_downloads=other,
    )


ROWS: tuple[tuple[str, Callable[[Result], str]], ...] = (
    ("size, bytes", lambda result: number(result.bytes)),
    ("time in all, s", lambda result: number(result.seconds, 1)),
    ("until the first byte, s", lambda result: number(result.first_byte_seconds, 1)),
    ("downloading, s", lambda result: number(result.download_seconds, 1)),
    ("verifying and moving, s", lambda result: number(result.finish_seconds, 1)),
    ("mean speed, MB/s", lambda result: number(result.mb_per_second, 1)),
    ("mean speed, MiB/s", lambda result: number(result.mib_per_second, 1)),
    ("peak memory, MiB", lambda result: number(result.peak_rss_bytes, 1, by=MIB)),
    ("mean memory, MiB", lambda result: number(result.mean_rss_bytes, 1, by=MIB)),
    ("processor time, s", lambda result: number(result.cpu_seconds, 2)),
    ("of the process", lambda result: result.process or UNKNOWN),
    ("variation of the speed", lambda result: percent(result.speed_variation)),
    ("slowest second, MB", lambda result: number(result.slowest_second_bytes, 1, by=MB)),
    ("seconds without a byte", lambda result: number(result.stalled_seconds)),
    ("longest pause, s", lambda result: number(result.longest_pause_seconds, 1)),
    ("99 % of answers within, ms", lambda result: number(result.answer_p99_seconds, 1, by=0.001)),
    ("other downloads", lambda result: number(result.other_downloads)),
)
"""What the table shows."""


def report(result: Result) -> str:
    """Return the table."""
    return render([], [(label, [cell(result)]) for label, cell in ROWS])
