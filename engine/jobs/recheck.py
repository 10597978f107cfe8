"""Verifying what is on disk: against the piece hashes, or the sizes where there are none.

    check    CHECKING    reads the files back, and moves on to COMPLETED, MOVING or the queue

What is found wrong falls back to the last byte before it and is downloaded again, if it is wanted.
Where it is wrong in its final place, all of the torrent is moved back into our folder first: under
its final name Sonarr and Radarr take it for complete and import it half mended. A file that a
library holds by a hard link is not written to at all; ours begins anew.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from engine.jobs.fetch import in_thread
from engine.jobs.job import Job
from engine.jobs.ondisk import adopt, aligned, detach_shared, trusted
from engine.jobs.pieces import PieceChecker, PieceMismatch
from engine.jobs.publish import in_ours, retract
from engine.jobs.share import lacks_copies
from engine.jobs.states import State
from engine.jobs.wanted import is_wanted, is_whole, lacking
from engine.metainfo import Metainfo
from engine.store.records import FileRecord
from engine.transfer.disk import read_range
from engine.transfer.errors import DiskTrouble, Stopped

Read = Callable[[FileRecord, int, int], Iterator[memoryview]]
"""Yields the bytes `[start, end)` of a file. Raises DiskTrouble."""


async def check(job: Job) -> None:
    """Verify the torrent and go on from what is right. State CHECKING."""
    await in_thread(adopt, job.folder, job.record.root)
    ours = await in_thread(in_ours, job.folder, job.files)
    metainfo = await job.metainfo()
    async with job.tools.checking:
        good = await _verify(job, ours, metainfo)
    records = [_as_found(file, good[file.index], file.index in ours) for file in job.files]
    wrong = [file for file in records if is_wanted(file) and not is_whole(file)]
    if not wrong:
        if job.record.pausing and not any(map(is_wanted, records)):
            await job.move(State.PAUSED, detail="none of its files is wanted", records=records)
            return
        done = job.record.completed_at and not lacking(records) and not lacks_copies(job.entry)
        target = State.COMPLETED if done else State.MOVING
        await job.move(target, detail="all is right", records=records)
        return
    if any(file.published for file in wrong):
        await retract(job)
        records = [msgspec.structs.replace(file, published=False) for file in records]
    await _go_on(job, await in_thread(detach_shared, job.folder, records), len(wrong))


def _as_found(file: FileRecord, good: int, ours: bool) -> FileRecord:
    """Return a file of which `good` bytes are right, and which lies in our folder if `ours`."""
    if ours or not file.published:
        return msgspec.structs.replace(file, flushed=good, published=False)
    if good >= file.size or is_wanted(file):
        return msgspec.structs.replace(file, flushed=good)
    # Whoever wants it again some day has it fetched anew.
    return msgspec.structs.replace(file, flushed=0, published=False)


async def _go_on(job: Job, records: list[FileRecord], wrong: int) -> None:
    """Get the torrent back into the queue, or let it rest if it was paused."""
    missing = next(file.path for file in records if is_wanted(file) and not is_whole(file))
    first = f"{wrong} of {len(records)} files are not complete, first {missing}"
    await job.move(
        State.PAUSED if job.record.pausing else State.ADDED,
        detail=first,
        records=records,
        completed_at=0,
        position=job.record.position or job.tools.ledger.next_position(),
    )


async def _verify(job: Job, ours: set[int], metainfo: Metainfo | None) -> dict[int, int]:
    """Return how many bytes of each file are right; `ours` are those that lie in our folder."""
    stopping = threading.Event()
    files = list(job.files)

    def base(file: FileRecord) -> Path:
        there = file.published and file.index not in ours
        return Path(job.record.save_path) if there else job.folder

    def read(file: FileRecord, start: int, end: int) -> Iterator[memoryview]:
        for view in read_range(base(file) / file.path, start, end):
            if stopping.is_set():
                raise Stopped("the check was stopped")
            yield view

    def work() -> dict[int, int]:
        there = {file.index: trusted(base(file), file) for file in files}
        return there if metainfo is None else verified(metainfo, files, there, read)

    return await in_thread(work, stop=stopping.set)


def verified(
    meta: Metainfo, files: Sequence[FileRecord], there: dict[int, int], read: Read
) -> dict[int, int]:
    """Return how many bytes of each file are right, from its beginning; blocks.

    `there` holds how many bytes of each file can be read. A piece that reaches into bytes which
    cannot be read is left unverified: it is verified when those bytes arrive. But where the first
    piece that can be verified is wrong, what comes before it in its file is not believed either.
    """
    good = dict(there)
    checker: PieceChecker | None = None
    for file in files:
        if not file.size:
            continue
        if not there[file.index]:
            checker = None
            continue
        start = 0 if checker is not None else _first_piece(meta, file)
        if start >= there[file.index]:
            continue
        checker = checker or PieceChecker(meta)
        try:
            _feed(checker, file, start, good[file.index], read)
        except PieceMismatch as mismatch:
            for index, offset in mismatch.rewinds:
                doubtful = index == file.index and offset == start
                good[index] = 0 if doubtful else min(good[index], aligned(offset))
        except DiskTrouble:
            good[file.index] = 0
        if good[file.index] < file.size:
            checker = None
    return good


def _feed(checker: PieceChecker, file: FileRecord, start: int, end: int, read: Read) -> None:
    at = start
    for view in read(file, start, end):
        checker.feed(file.index, at, [view])
        at += len(view)


def _first_piece(meta: Metainfo, file: FileRecord) -> int:
    """Return where the first piece begins that lies in the file from its start."""
    offset = meta.files[file.index].offset
    return -offset % meta.piece_length
