"""The engine's front door: one URL to one exact file.

`Engine` keeps what all downloads share (TLS, idle connections, what hosts bear, the global speed
limit). `Download.run` is the writer: it blocks its thread, watches the connections between two
writes, and returns when every byte is on the disk and synced. Nothing is renamed here.

`stop` and `progress` may be called from any thread; everything else belongs to the thread of `run`.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.transfer.board import Board
from engine.transfer.crew import Crew
from engine.transfer.disk import ALIGNMENT, PartFile
from engine.transfer.errors import (
    ConnectionTrouble,
    DiskFull,
    DiskTrouble,
    FileChanged,
    TransferError,
)
from engine.transfer.fetcher import Fetcher, Network
from engine.transfer.hosts import Hosts
from engine.transfer.pace import Pace
from engine.transfer.parallelism import Parallelism
from engine.transfer.ranges import Expected
from engine.transfer.retry import Patience
from engine.transfer.ring import BLOCK, Ring
from engine.transfer.ringsize import RingSize
from engine.transfer.route import Link, Links, OneLink, Route
from engine.transfer.turns import Disks, Turn
from engine.transfer.wire import Dialler, Pool
from engine.transfer.writer import CHECKPOINT_BYTES, Checkpoint, Observe, Save, Writer

__all__ = [
    "Checkpoint",
    "Download",
    "Engine",
    "Link",
    "Links",
    "OneLink",
    "Outcome",
    "Progress",
    "Request",
]

SMALLEST_RING = 4 * BLOCK
"""Bytes: two blocks for the writer, two for the connections; below that they wait in turns."""

TICK = 0.1
"""Seconds between two looks at the file while there is nothing to write."""

logger = logging.getLogger("engine.transfer.download")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch and how much may be spent on it."""

    path: Path
    """The unfinished file, made if it is missing; its folder must exist."""
    size: int | None = None
    """Bytes, when known beforehand; a server that says otherwise is not believed."""
    resume: Checkpoint | None = None
    """Where to go on; None begins anew."""
    connections: int = 16
    """The most connections at once."""
    ring: int = 512 << 20
    """The most bytes of memory between line and disk."""
    batch: int = 64 << 20
    """The most bytes written at once."""
    flush_interval: float = 5.0
    """Seconds after which a byte that arrived in order is written, however few they are."""
    patience: float = 60.0
    """Seconds without a byte, trying all the while, after which trouble is passed on; before the
    first answer a few tries are enough (`retry`)."""
    preallocate: bool = True
    html_ok: bool = False
    """True when the file may be a web page; otherwise HTML is taken for an expired link."""


class Progress(msgspec.Struct, frozen=True):
    """How far a download is. Speeds in bytes per second."""

    received: int
    """Bytes received by this run, also those that were fetched twice."""
    flushed: int
    """Bytes of the file that are written."""
    size: int | None
    speed: float
    connections: int
    ring: int
    """Bytes of the ring now in use."""
    retries: int


class Outcome(msgspec.Struct, frozen=True):
    """What a finished download took."""

    size: int
    received: int
    seconds: float
    writes: int
    retries: int
    connections_peak: int
    ring_peak: int
    resumed_from: int
    """Bytes that were on the disk before this run."""
    etag: str
    last_modified: str


class Engine:
    """What all downloads of a process share. Any thread."""

    def __init__(
        self, *, ca_file: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises Unusable when `ca_file` is no file of certificates."""
        self.pace = Pace(clock=clock)
        """The speed limit over all downloads."""
        self._clock = clock
        self._network = Network(Dialler(ca_file), Pool(clock), Hosts(clock))
        self._disks = Disks(clock)

    def __repr__(self) -> str:
        return f"<Engine {self._network!r}>"

    def download(
        self,
        request: Request,
        links: Links,
        *,
        save: Save,
        observe: Observe | None = None,
        limit: float | Pace = 0,
    ) -> "Download":
        """Prepare a download; `limit` is its own speed limit in bytes per second, 0 for none.

        A Pace for a limit may be shared by several downloads, at the same time or in turn.

        `save` and `observe` are called in the thread of `run`. `observe(offset, views)` gets every
        byte once, in file order, before it is written; what it raises ends the download.
        """
        return Download(
            request,
            links,
            self._network,
            self._disks,
            self.pace,
            save,
            observe,
            limit,
            self._clock,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._network.pool.close()


class Download:
    """One download; see the module's text."""

    def __init__(
        self,
        request: Request,
        links: Links,
        network: Network,
        disks: Disks,
        pace: Pace,
        save: Save,
        observe: Observe | None,
        limit: float | Pace,
        clock: Callable[[], float],
    ) -> None:
        self.pace = limit if isinstance(limit, Pace) else Pace(limit, clock)
        """This download's own speed limit."""
        self._request = request
        self._route = Route(links)
        self._network = network
        self._disks = disks
        self._paces = (pace, self.pace)
        self._save = save
        self._observe = observe
        self._clock = clock
        self._start, expected = _start(request)
        cap = max(SMALLEST_RING, request.ring // BLOCK * BLOCK)
        self._ring = Ring(cap)
        now = clock()
        self._ring_size = RingSize(cap, BLOCK, now)
        self._board = Board(
            start=self._start,
            expected=expected,
            ring=self._ring,
            capacity=self._ring_size.capacity,
            reach=cap,
            cap=request.connections,
            patience=Patience(request.patience),
            clock=clock,
        )
        self._crew = Crew(
            self._board,
            self._fetcher,
            parallelism=Parallelism(request.connections, now),
            ring_size=self._ring_size,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"<Download {self._request.path.name} {self._board!r}>"

    def run(self) -> Outcome:
        """Fetch what is missing; blocks. Only once per object.

        Raises a TransferError (Stopped after `stop`), or what `save` or `observe` raised. However
        it ends, what had arrived in order is written and saved, unless the disk, `save` or
        `observe` is what failed.
        """
        began = self._clock()
        try:
            with PartFile(self._request.path) as part:
                self._check_prefix(part)
                with (
                    self._disks.join(part.path) as turn,
                    contextlib.closing(self._writer(part, turn)) as writer,
                ):
                    try:
                        self._transfer(part, writer)
                    finally:
                        self._crew.end()
                    size = self._board.size
                    if size is None:
                        raise ConnectionTrouble("the file ended without a size")
                    writer.finish(size)
                return self._outcome(part, size, self._clock() - began)
        finally:
            self._ring.close()

    def stop(self) -> None:
        """End the download; `run` saves what there is and raises Stopped. Any thread."""
        self._board.stop()
        self._crew.abort()

    def progress(self) -> Progress:
        """Return how far it is. Any thread."""
        board = self._board
        return Progress(
            received=self._crew.received,
            flushed=board.ready()[0],
            size=board.size,
            speed=self._crew.speed,
            connections=board.counts.connections,
            ring=self._ring.used,
            retries=board.counts.retries,
        )

    def _transfer(self, part: PartFile, writer: Writer) -> None:
        board = self._board
        if board.done:
            return
        self._crew.start()
        reserved = not self._request.preallocate
        try:
            while not board.done:
                if not reserved and board.size is not None:
                    part.reserve(board.size)
                    reserved = True
                capacity = self._ring_size.capacity
                writer.wait(capacity, TICK)
                board.raise_failure()
                part.check(writer.written)
                while writer.step(capacity) and not board.stopping.is_set():
                    capacity = self._ring_size.capacity
        except DiskTrouble:
            board.stop()  # what the cache holds now is not to be trusted: nothing more is synced
            raise
        except DiskFull:
            board.stop()
            if part.trusted:
                with contextlib.suppress(Exception):  # the record may find no room either
                    writer.checkpoint()
            raise
        except TransferError:
            board.stop()
            writer.drain()
            raise
        except BaseException:
            board.stop()
            raise

    def _fetcher(self, number: int) -> Fetcher:
        paces, clock = self._paces, self._clock
        return Fetcher(number, self._board, self._route, self._network, paces, clock)

    def _check_prefix(self, part: PartFile) -> None:
        resume, size = self._request.resume, self._request.size
        if resume is not None and size is not None and size != resume.size:
            raise FileChanged(f"the file has {size} bytes now, it had {resume.size}")
        part.check(self._start)
        part.cut(self._start)

    def _writer(self, part: PartFile, turn: Turn) -> Writer:
        request = self._request
        return Writer(
            part,
            self._board,
            turn,
            start=self._start,
            batch=request.batch,
            flush_interval=request.flush_interval,
            checkpoint_bytes=CHECKPOINT_BYTES,
            most_unsaved=request.ring // 2,
            save=self._save,
            observe=self._observe,
            clock=self._clock,
        )

    def _outcome(self, part: PartFile, size: int, seconds: float) -> Outcome:
        counts = self._board.counts
        return Outcome(
            size=size,
            received=self._crew.received,
            seconds=seconds,
            writes=part.writes,
            retries=counts.retries,
            connections_peak=counts.connections_peak,
            ring_peak=self._ring.peak,
            resumed_from=self._start,
            etag=self._board.expected.etag,
            last_modified=self._board.expected.last_modified,
        )


def _start(request: Request) -> tuple[int, Expected]:
    """Return where to begin, on an aligned byte, and what is known of the file."""
    resume = request.resume
    if request.connections < 1:
        raise ValueError(f"a download needs a connection, not {request.connections}")
    if resume is not None and not 0 <= resume.flushed <= resume.size:
        raise ValueError(f"{resume.flushed} bytes of {resume.size} cannot be there")
    if resume is None:
        return 0, Expected(size=request.size, html_ok=request.html_ok)
    whole = resume.flushed == resume.size
    start = resume.flushed if whole else resume.flushed // ALIGNMENT * ALIGNMENT
    expected = Expected(
        size=resume.size,
        etag=resume.etag,
        last_modified=resume.last_modified,
        html_ok=request.html_ok,
    )
    return start, expected
