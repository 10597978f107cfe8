"""DOWNLOADING: a torrent's files one after the other through the engine, checked as they pass.

Theory
    Files of a higher priority are fetched before others, and those of one priority in torrent
    order. With the .torrent at hand their pieces are checked before their bytes are written
    (`engine.jobs.verify`).

    When priorities change, the download under way is interrupted if another file goes before it
    now, or if it is wanted no longer. What came of it stays on disk.

    A piece that is wrong takes back the durable prefix of every file it touches, in the store
    first, and the download goes on from there with a fresh link. The same piece wrong twice fails
    the torrent: AllDebrid's copy is damaged.

Guarantees
    A stored prefix is never longer than what is on disk and, but for pieces that are not whole yet,
    verified. What a torrent may do again is counted in its history (`allowance`).
"""

from collections.abc import Callable, Sequence

import msgspec

from engine.alldebrid.errors import ApiError
from engine.jobs.allowance import detail_of
from engine.jobs.errors import BadRelease, NoRoom
from engine.jobs.fetch import as_transfer_error, fetch, in_thread
from engine.jobs.job import Job
from engine.jobs.ondisk import adopt, aligned, make_empty_files, make_folders, missing, trusted
from engine.jobs.pieces import PieceMismatch
from engine.jobs.states import State
from engine.jobs.verify import Verifier
from engine.jobs.wanted import lacking, unfinished
from engine.metainfo import Metainfo
from engine.store.records import FileRecord
from engine.transfer.download import Checkpoint, Request
from engine.transfer.errors import FileChanged, Stopped

PAGES = (".html", ".htm", ".xhtml")
"""Ends of names of web pages; for other files a page is an error in disguise."""

RESERVE = 500_000_000
"""Bytes that stay free at most: a disk that is full to the last byte breaks more than this
download."""

RESERVED_SHARE = 20
"""On a small disk (a memory card, a tmpfs) the 20th part of it stays free instead: as much as ext4
sets aside for root."""


async def collect(job: Job) -> None:
    """Download all that is wanted and missing, and move on to MOVING.

    Raises TransferError, ApiError, NoRoom, BadRelease.
    """
    metainfo = await job.metainfo()
    await in_thread(adopt, job.folder, job.record.root)
    await _distrust(job)
    if not all(file.link for file in job.unfinished):
        await job.move(State.ADDED, detail="AllDebrid is asked for its links")
        return
    await room_for(job, job.files)
    await _fetch_all(job, metainfo)
    await in_thread(make_empty_files, job.folder, lacking(job.files))
    await job.move(State.MOVING)


async def room_for(job: Job, files: Sequence[FileRecord]) -> None:
    """Raise NoRoom unless the disk has room for what is missing of the files, and the reserve."""
    needed = await in_thread(missing, job.folder, unfinished(files))
    disk = job.tools.config.download_dir
    free = await in_thread(job.tools.free_space, disk)
    reserve = reserve_of(await in_thread(job.tools.total_space, disk))
    if needed and free < needed + reserve:
        raise NoRoom(
            f"The disk has no room: {needed} bytes are still to come and {reserve} stay free for "
            f"everything else, but only {free} are free."
        )


def reserve_of(total: int) -> int:
    """Return the bytes that stay free on a file system of `total` bytes."""
    return min(RESERVE, total // RESERVED_SHARE)


async def _distrust(job: Job) -> None:
    """Take back stored prefixes that the files on disk do not bear out."""
    files, folder = [file for file in job.files if not file.published], job.folder
    lengths = await in_thread(lambda: [trusted(folder, file) for file in files])
    lost = {
        file.index: length
        for file, length in zip(files, lengths, strict=True)
        if length != file.flushed
    }
    if lost:
        index, length = next(iter(lost.items()))
        told = f"{len(lost)} files on disk are not as they were left"
        first = f"{job.entry.file(index).path} goes on from byte {length}"
        await _fall_back(job, lost, ("file_lost", f"{told}; {first}"))


async def _fetch_all(job: Job, metainfo: Metainfo | None) -> None:
    """Fetch the files one after the other; which is next is asked after each."""
    verifier = None if metainfo is None else Verifier(job.folder, job.entry, metainfo)
    while files := job.unfinished:
        file, job.live.interrupted = files[0], False
        try:
            await _fetch(job, file, verifier)
            continue
        except PieceMismatch as mismatch:
            await _refetch(job, mismatch)
        except FileChanged as problem:
            await _start_over(job, file, problem, verified=verifier is not None)
        except Stopped:
            if not job.live.interrupted:
                raise
        if verifier is not None:
            verifier.begin_anew()


async def _fetch(job: Job, file: FileRecord, verifier: Verifier | None) -> None:
    """Fetch what is missing of a file, unless another one goes before it meanwhile."""
    config = job.tools.config
    await room_for(job, [file])
    await in_thread(make_folders, job.folder, [file])
    request = Request(
        path=job.folder / file.path,
        size=file.size,
        resume=_resume(file),
        connections=config.connections,
        ring=config.ring,
        batch=config.batch,
        flush_interval=config.flush_interval,
        html_ok=file.path.lower().endswith(PAGES),
        patience=config.patience,
        preallocate=config.preallocate,
    )
    observe = None if verifier is None else await verifier.before(file)
    if job.live.interrupted:
        return
    job.live.pace.rate = job.record.download_limit
    try:
        await fetch(
            job.tools.engine,
            job.tools.unlocker,
            request,
            file.link,
            save=_saver(job, file),
            observe=observe,
            live=job.live,
            index=file.index,
        )
    finally:
        if job.entry.file(file.index).flushed > file.flushed:
            job.received()
    if verifier is not None:
        await verifier.after()


def _resume(file: FileRecord) -> Checkpoint | None:
    if not file.flushed:
        return None
    return Checkpoint(
        flushed=file.flushed, size=file.size, etag=file.etag, last_modified=file.last_modified
    )


def _saver(job: Job, file: FileRecord) -> Callable[[Checkpoint], None]:
    """Return what stores a checkpoint; it runs in the writer's thread."""
    ledger = job.tools.ledger

    def save(checkpoint: Checkpoint) -> None:
        ledger.checkpoint(
            msgspec.structs.replace(
                file,
                flushed=checkpoint.flushed,
                etag=checkpoint.etag,
                last_modified=checkpoint.last_modified,
            )
        )

    return save


async def _refetch(job: Job, mismatch: PieceMismatch) -> None:
    """Take back what a wrong piece touches and have it come again by a fresh link, once."""
    touched = {index: aligned(offset) for index, offset in mismatch.rewinds}
    names = ", ".join(job.entry.file(index).path for index in touched)
    about = f"piece {mismatch.piece}"
    if not job.allowance.spend("piece_refetched", about):
        await _fall_back(job, touched, ("piece_failed", detail_of(f"wrong again ({names})", about)))
        raise BadRelease(
            f"Piece {mismatch.piece} is not what the torrent says, also when fetched again: "
            f"AllDebrid's copy of {names} is damaged."
        )
    detail = detail_of(f"not what the torrent says, fetched again ({names})", about)
    await _fall_back(job, touched, ("piece_refetched", detail))
    for file in job.unfinished:
        if file.index in touched:
            await _renew(job, file)


async def _renew(job: Job, file: FileRecord) -> None:
    """Replace a link whose bytes were wrong: the next host may have better ones."""
    try:
        stale = await job.tools.unlocker.get(file.link)
        await job.tools.unlocker.renew(file.link, stale.url)
    except ApiError as problem:
        raise as_transfer_error(problem) from problem


async def _start_over(job: Job, file: FileRecord, problem: FileChanged, *, verified: bool) -> None:
    """Go on, once, with a file that is another one at the host than before.

    It begins anew, unless the piece hashes tell whether it is the same one after all: another
    host's validators may differ where the bytes do not.
    """
    if not job.allowance.spend("file_restarted", file.path):
        raise BadRelease(f"{file.path} keeps changing at the file host: {problem}.")
    detail = detail_of(str(problem), file.path)
    here = job.entry.file(file.index).flushed if verified else 0
    await _fall_back(job, {file.index: here}, ("file_restarted", detail))


async def _fall_back(job: Job, lengths: dict[int, int], note: tuple[str, str]) -> None:
    """Shorten the durable prefixes of files, by index, and forget their validators."""
    records = [
        msgspec.structs.replace(
            file, flushed=min(lengths[file.index], file.flushed), etag="", last_modified=""
        )
        if file.index in lengths
        else file
        for file in job.files
    ]
    await job.change(note=note, records=records)
