"""`alldebrid-client get`: one URL to one file, with the engine and nothing else.

Theory
    The bytes go to `FILE.part`; `FILE.part.resume` says what of it survives a crash (`api.resume`).
    When all is there, the part gets its final name and the record is removed. Whatever ends us
    before that, the same command goes on where the record says.

    A disk that is full has room for neither the bytes nor the record of those before. Then the
    file's last bytes give way to the record: they are fetched again, and the others are not lost.

    The download runs in a thread of its own (`api.attempt`). The main thread draws, and is where
    signals arrive: the first Ctrl-C or SIGTERM stops the download and keeps what is there, the
    second ends the process at once, which loses no more than a crash does.

What breaks if you edit
    Before an unfinished file is begun anew its record must be gone for good, also the one that
    found no room: it would speak of bytes that are being replaced.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from api import memory, resume, streams
from api.attempt import Attempt, caught
from api.bar import Bar, duration
from api.logs import one_line
from api.settings import TransferSettings
from api.sizes import human_size
from api.target import SUFFIX, Refused, check_free, locked, target_of
from engine.transfer import disk
from engine.transfer.download import Checkpoint, Engine, Outcome, Request
from engine.transfer.errors import DiskFull, FileChanged, Stopped, TransferError
from engine.transfer.urls import Url, parse_url

PAGE = re.compile(r"(/|\.x?html?)(\?|$)", re.IGNORECASE)
"""Ends of URLs that name web pages. Behind any other URL a page is an error in disguise."""

RECORD_ROOM = 1 << 20
"""Bytes that a file gives up for its record. A file system may want more than one block for a new
small file (XFS: 64 KiB of inodes at once), and this much is fetched again in no time."""

Complain = Callable[[str], None]

logger = logging.getLogger("api.get")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. The URL is a secret."""

    url: str
    output: str = ""
    """File or folder; empty for the name in the URL."""
    overwrite: bool = False
    transfer: TransferSettings
    limit: int = 0
    """Bytes per second; 0 for none."""
    sha256: bool = False
    json: bool = False
    quiet: bool = False

    def __repr__(self) -> str:
        return f"<Options output={self.output!r}>"


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `--json` prints."""

    bytes: int
    """The file's size."""
    seconds: float
    bytes_per_second: float
    """What this run brought, which is all but `resumed_from`, by its seconds."""
    peak_rss_bytes: int
    connections_peak: int
    ring_peak_bytes: int
    writes: int
    retries: int
    resumed_from: int
    sha256: str = ""
    """Of the whole file; left out without `--sha256`."""


def get(options: Options, complain: Complain) -> int:
    """Download a URL to a file and return the exit status.

    `complain` prints one line of error. Call it from the main thread: elsewhere signals are left
    alone. Raises OutputLost, with the file in its place.
    """
    try:
        url = parse_url(options.url)
        target = target_of(options.output, url)
        check_free(target, overwrite=options.overwrite)
        part = target.with_name(target.name + SUFFIX)
        with locked(part) as descriptor:
            # Again: whoever had the lock before may have finished the file.
            check_free(target, overwrite=options.overwrite)
            return _Get(options, url, target, part, descriptor, complain).run()
    except streams.OutputLost:
        raise  # the download is complete: no failure of ours
    except (TransferError, Refused) as error:
        complain(str(error))
    except OSError as error:
        complain(": ".join(str(part) for part in (error.filename, error.strerror) if part))
    except Exception as error:
        # A bug of ours: the user gets a line, who sets LOG_LEVEL gets the traceback.
        logger.exception("get=failed")
        complain(f"unexpected {type(error).__name__}: {error}")
    return 1


class _Get:
    """One run of the command, holding the lock on its unfinished file."""

    def __init__(
        self,
        options: Options,
        url: Url,
        target: Path,
        part: Path,
        descriptor: int,
        complain: Complain,
    ) -> None:
        self._options = options
        self._source = resume.source_of(url)
        self._target = target
        self._part = part
        self._descriptor = descriptor
        self._complain = complain
        self._bar = Bar(sys.stderr) if sys.stderr.isatty() and not options.quiet else None
        self._signals: list[int] = []
        self._unsaved: resume.Record | None = None
        """The newest record, when it found no room."""

    def __repr__(self) -> str:
        return f"<_Get {self._target.name}>"

    def run(self) -> int:
        """Download, publish, report; return the exit status."""
        certificates = self._options.transfer.ssl_cert_file
        engine = Engine(ca_file=str(certificates) if certificates else None)
        try:
            with caught(self._signals):
                outcome, digest = self._download(engine)
        except TransferError as error:
            return self._give_up(error)
        finally:
            engine.close()
        self._publish()
        self._report(outcome, digest)
        return 0

    def _download(self, engine: Engine) -> tuple[Outcome, str]:
        checkpoint = self._resumable()
        try:
            return self._try(engine, checkpoint)
        except FileChanged as error:
            if checkpoint is None:
                raise
            self._start_over(str(error))
        return self._try(engine, None)

    def _try(self, engine: Engine, checkpoint: Checkpoint | None) -> tuple[Outcome, str]:
        options = self._options
        request = _request(options, self._part, checkpoint)
        attempt = Attempt(
            engine,
            request,
            options.url,
            self._save,
            limit=options.limit,
            sha256=options.sha256,
        )
        try:
            return attempt.run(self._bar, self._signals)
        finally:
            if self._bar:
                self._bar.clear()

    def _resumable(self) -> Checkpoint | None:
        try:
            record = resume.load(self._part, self._source)
        except resume.BadRecord as error:
            self._start_over(str(error))
            return None
        if record is None:
            return None
        return Checkpoint(record.flushed, record.size, record.etag, record.last_modified)

    def _start_over(self, reason: str) -> None:
        if not self._options.quiet:
            self._complain(f"{self._part} is begun anew: {reason}")
        resume.forget(self._part)
        self._unsaved = None
        os.ftruncate(self._descriptor, 0)

    def _save(self, checkpoint: Checkpoint) -> None:
        record = resume.Record(
            source=self._source,
            size=checkpoint.size,
            flushed=checkpoint.flushed,
            etag=checkpoint.etag,
            last_modified=checkpoint.last_modified,
        )
        try:
            resume.save(self._part, record)
        except DiskFull as error:
            # The file may have its room already. If it has not, the engine fails at it very soon,
            # and that is what the user has to read about.
            logger.warning("record=unsaved reason=%s", error)
            self._unsaved = record
        else:
            self._unsaved = None

    def _give_up(self, error: TransferError) -> int:
        """Say what happened and what is kept; return the exit status."""
        stopped = isinstance(error, Stopped) and self._signals
        self._complain(f"{'stopped' if stopped else error}{self._kept()}")
        return 128 + self._signals[0] if stopped else 1

    def _kept(self) -> str:
        """Return what there is to go on with; a part that is good for nothing is removed."""
        try:
            record = resume.load(self._part, self._source)
        except resume.BadRecord:
            record = None
        except TransferError:
            return ""
        if self._unsaved is not None:
            record = self._make_room(self._unsaved, record)
            if record is None:
                return f"; {self._part} stays, but nothing could be noted about it"
        if record is None or not record.flushed:
            with contextlib.suppress(OSError):
                self._part.unlink()
                resume.record_path(self._part).unlink(missing_ok=True)
            return ""
        return (
            f"; {human_size(record.flushed)} of {human_size(record.size)} are kept,"
            " the same command goes on from there"
        )

    def _make_room(
        self, unsaved: resume.Record, saved: resume.Record | None
    ) -> resume.Record | None:
        """Save a record that found no room where the file's last bytes were, if that is worth it.

        Returns what is saved then.
        """
        flushed = unsaved.flushed - min(RECORD_ROOM, unsaved.flushed // 2)
        if saved is not None and saved.flushed >= flushed:
            return saved
        record = msgspec.structs.replace(unsaved, flushed=flushed)
        try:
            os.ftruncate(self._descriptor, flushed)
            resume.save(self._part, record)
        except (OSError, TransferError) as error:
            logger.warning("record=unsaved reason=%s", error)
            return saved
        return record

    def _publish(self) -> None:
        if self._options.overwrite:
            self._target.unlink(missing_ok=True)
        try:
            disk.publish(self._part, self._target)
        except FileExistsError:
            raise Refused(
                f"{self._target} appeared meanwhile; the download is complete in {self._part}"
            ) from None
        resume.forget(self._part)

    def _report(self, outcome: Outcome, digest: str) -> None:
        brought = outcome.size - outcome.resumed_from
        speed = brought / outcome.seconds if outcome.seconds > 0 else 0.0
        report = Report(
            bytes=outcome.size,
            seconds=round(outcome.seconds, 6),
            bytes_per_second=round(speed, 1),
            peak_rss_bytes=memory.peak(),
            connections_peak=outcome.connections_peak,
            ring_peak_bytes=outcome.ring_peak,
            writes=outcome.writes,
            retries=outcome.retries,
            resumed_from=outcome.resumed_from,
            sha256=digest,
        )
        if not self._options.quiet:
            streams.tell(_summary(self._target, outcome, report))
        if self._options.json:
            streams.say(msgspec.json.encode(report).decode())
        elif digest:
            streams.say(f"{digest}  {one_line(str(self._target))}")  # as sha256sum does


def _request(options: Options, part: Path, checkpoint: Checkpoint | None) -> Request:
    transfer = options.transfer
    return Request(
        path=part,
        resume=checkpoint,
        connections=transfer.connections,
        ring=transfer.ram_buffer_per_download,
        batch=transfer.write_batch_size,
        flush_interval=transfer.flush_interval,
        preallocate=transfer.file_allocation != "none",
        html_ok=PAGE.search(parse_url(options.url).target) is not None,
    )


def _summary(target: Path, outcome: Outcome, report: Report) -> str:
    brief = outcome.seconds < 60
    taken = f"{outcome.seconds:.1f} s" if brief else duration(outcome.seconds)
    parts = [
        f"{human_size(outcome.size)} in {taken}",
        f"resumed at {human_size(outcome.resumed_from)}" if outcome.resumed_from else "",
        f"{human_size(report.bytes_per_second)}/s",
        f"connections {outcome.connections_peak}",
        f"retries {outcome.retries}",
        f"peak memory {human_size(report.peak_rss_bytes)}",
    ]
    return f"{one_line(str(target))}: {', '.join(filter(None, parts))}"
