"""The last step: from our folder of unfinished files to the final name.

Theory
    `incomplete/<infohash>` is ours alone and holds one entry, the torrent's root. Publishing is one
    rename of that entry into the final folder. The name it gets is stored before it is taken, so
    after a crash there are only these cases:

        entry there, final name free         not moved yet: go on
        entry there, final name taken        by somebody else: choose another name, go on
        entry there, final name taken by a complete copy on another file system
                                             moved by copying, not tidied up: tidy up
        entry gone, final name there         moved, not recorded: record it
        entry gone, final name missing       somebody removed it: the torrent has failed

    The entry gets the name as soon as it is stored; where a crash came between the two, it is
    found because it is alone in our folder (`ondisk.adopt`).

    What is in the entry is wanted and whole: what came of files that were given up is removed
    first. A file of a published torrent that is wanted later is published by itself, below the root
    that is there, by the same cases; but if its name is taken, the torrent fails until it is free.

    Further categories get copies of their own before it is complete (see `engine.jobs.share`).

Guarantees
    Nothing that is in the final folder is ever replaced.

    `FileRecord.published` is stored after a file is moved, and taken back after it was moved back.
    So whatever is recorded, a file that lies in our folder is not published.
"""

import enum
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from engine.jobs.errors import Hopeless
from engine.jobs.fetch import in_thread
from engine.jobs.job import Job
from engine.jobs.ondisk import (
    adopt,
    erase,
    erase_files,
    erase_folders,
    free_name,
    is_complete,
    make_empty_files,
)
from engine.jobs.share import lacks_copies, share
from engine.jobs.states import State
from engine.jobs.wanted import is_wanted, is_whole, lacking
from engine.store.records import FileRecord, TorrentRecord
from engine.transfer import disk


class Found(enum.Enum):
    """What is found on disk; see the module's theory."""

    FREE = "the entry is there and the final name is free"
    TAKEN = "the entry is there and the final name is somebody else's"
    DONE = "the torrent has its final name"
    LOST = "the torrent is in neither place"


async def publish(job: Job) -> None:
    """Move a downloaded torrent to its final name and complete it. State MOVING."""
    await in_thread(adopt, job.folder, job.record.root)
    await _leave_out(job)
    going = _going(job.files)
    if any(file.published for file in job.files):
        for file in going:
            await _publish_beside(job, file)
    elif going:
        while not await _publish(job, going):
            await _rename_root(job)
    await in_thread(erase, job.folder)
    gone = await in_thread(_arrived, Path(job.record.save_path), going)
    await _share_all(job, gone)
    await job.move(
        State.COMPLETED,
        detail=job.record.root,
        records=_published(job.files, gone),
        completed_at=int(job.tools.timing.now()),
        position=0,
        forced=False,
    )


async def _share_all(job: Job, gone: set[int]) -> None:
    """Have all further categories get their copies, also one that comes while others are made.

    Between the last look for one and the order to complete the torrent nothing may be awaited:
    who adds a category later sees it complete, and has its copy made (`Sharing.go_on`).
    """
    files = [file for file in _published(job.files, gone) if file.published]
    # Where all comes anew, a copy that was made before is whole, or was imported.
    late = gone if any(file.published and file.index not in gone for file in job.files) else ()
    await share(job, files, late)
    while files and lacks_copies(job.entry):
        await share(job, files, ())


async def retract(job: Job) -> None:
    """Move what is published back into our folder, so that nobody takes it for complete."""
    await in_thread(_retract, job.folder, job.record, list(job.files))


def in_ours(folder: Path, files: Iterable[FileRecord]) -> set[int]:
    """Return the indexes of the files that lie in our folder, whatever is recorded. Blocks."""
    return {file.index for file in files if os.path.lexists(folder / file.path)}


def is_arrived(folder: Path, files: Sequence[FileRecord]) -> bool:
    """Tell whether no wanted file has to get to its final place still. Blocks."""
    return not lacking(files) and not in_ours(folder, files)


def in_final_place(
    folder: Path, record: TorrentRecord, files: Sequence[FileRecord]
) -> list[FileRecord]:
    """Return the files that are in the final folder, or were until somebody took them. Blocks.

    `folder` is ours. Raises DiskTrouble.
    """
    adopt(folder, record.root)
    ours = in_ours(folder, files)
    moving = record.state == State.MOVING  # it may have been moved and not been recorded
    return [
        file
        for file in files
        if file.index not in ours and (file.published or (moving and _goes(file)))
    ]


def look(folder: Path, final: Path, files: Sequence[FileRecord]) -> Found:
    """Tell which of the cases it is; `folder` is ours, `final` the final name. Blocks."""
    return _found(adopt(folder, final.name), final, final.parent, files)


def look_for(folder: Path, save_path: Path, file: FileRecord) -> Found:
    """Tell which of the cases it is for a file that is published by itself. Blocks."""
    source = folder / file.path
    there = source if os.path.lexists(source) else None
    return _found(there, save_path / file.path, save_path, [file])


def _found(source: Path | None, final: Path, save_path: Path, files: Sequence[FileRecord]) -> Found:
    taken = os.path.lexists(final)
    if source is None:
        return Found.DONE if taken else Found.LOST
    if not taken:
        return Found.FREE
    # On one file system a rename leaves no source behind, so there the name is somebody's.
    copied = source.lstat().st_dev != final.lstat().st_dev and is_complete(save_path, files)
    return Found.DONE if copied else Found.TAKEN


def _goes(file: FileRecord) -> bool:
    """Tell whether a file that is not published is to be."""
    return not file.published and is_whole(file) and (is_wanted(file) or file.size > 0)


def _going(files: Iterable[FileRecord]) -> list[FileRecord]:
    return [file for file in files if _goes(file)]


def _arrived(save_path: Path, going: Iterable[FileRecord]) -> set[int]:
    """Return the indexes of the files that were published. Blocks.

    An empty file that is wanted since the others came has not been made yet.
    """
    return {file.index for file in going if file.size or os.path.lexists(save_path / file.path)}


async def _leave_out(job: Job) -> None:
    """Remove from our folder what must not be published: files that are not whole."""
    out = [file for file in job.files if not file.published and not _goes(file)]
    if any(file.flushed for file in out):
        begun = {file.index for file in out}
        await job.change(
            note=("left_out", f"{len(out)} files are not complete and not wanted"),
            records=[_from_nothing(file) if file.index in begun else file for file in job.files],
        )
    await in_thread(erase_files, job.folder, out)


def _from_nothing(file: FileRecord) -> FileRecord:
    return msgspec.structs.replace(file, flushed=0, etag="", last_modified="")


async def _publish(job: Job, going: Sequence[FileRecord]) -> bool:
    """Take the final name; False when it is taken by another. Raises Hopeless, TransferError."""
    final = _final(job.record)
    found = await in_thread(look, job.folder, final, going)
    if found is Found.LOST:
        raise Hopeless(f"The downloaded files are gone from {job.folder}.")
    if found is not Found.FREE or final in job.tools.publishing:
        return found is Found.DONE
    return await _take(job, job.folder / final.name, final)


async def _publish_beside(job: Job, file: FileRecord) -> None:
    """Move a file to where the others of its torrent are. Raises Hopeless, TransferError."""
    save_path = Path(job.record.save_path)
    found = await in_thread(look_for, job.folder, save_path, file)
    if found is Found.LOST and file.size:
        raise Hopeless(f"The downloaded file {file.path} is gone from {job.folder}.")
    if found is Found.LOST:
        await in_thread(make_empty_files, job.folder, [file])
        found = Found.FREE
    free = found is Found.FREE and await _take(job, job.folder / file.path, save_path / file.path)
    if not free and found is not Found.DONE:
        raise Hopeless(f"There is another file {file.path} in {save_path} already.")
    await job.change(records=_published(job.files, {file.index}))


async def _take(job: Job, source: Path, final: Path) -> bool:
    """Move to a final name; False when somebody has just taken it. Raises TransferError."""
    job.tools.publishing.add(final)
    try:
        await in_thread(disk.publish, source, final)
    except FileExistsError:
        return False
    finally:
        job.tools.publishing.discard(final)
    return True


async def _rename_root(job: Job) -> None:
    """Store the next free name as the torrent's root, before it is taken."""
    final = _final(job.record)
    root = await in_thread(free_name, final.parent, final.name)
    await job.change(
        note=("renamed", f"{final.name} is there already; the name is {root}"),
        records=_rooted(job.files, root),
        root=root,
    )


def _published(files: Iterable[FileRecord], indexes: set[int]) -> list[FileRecord]:
    return [
        msgspec.structs.replace(file, published=True) if file.index in indexes else file
        for file in files
    ]


def _final(record: TorrentRecord) -> Path:
    return Path(record.save_path) / record.root


def _rooted(files: Sequence[FileRecord], root: str) -> list[FileRecord]:
    """Return the files with another root."""
    return [
        msgspec.structs.replace(file, path="/".join((root, *file.path.split("/")[1:])))
        for file in files
    ]


def _retract(folder: Path, record: TorrentRecord, files: Sequence[FileRecord]) -> None:
    """Move the root back, or file by file where our folder has one already."""
    final, ours = _final(record), folder / record.root
    if not os.path.lexists(ours):
        if os.path.lexists(final):
            disk.publish(final, ours)
        return
    back = [file for file in files if file.published]
    for file in back:
        source, target = Path(record.save_path) / file.path, folder / file.path
        if os.path.lexists(source) and not os.path.lexists(target):
            disk.publish(source, target)
    erase_folders(Path(record.save_path), back)
