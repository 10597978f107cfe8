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

Guarantee
    Nothing that is in the final folder is ever replaced.
"""

import enum
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.jobs.errors import Hopeless
from engine.jobs.fetch import in_thread
from engine.jobs.job import Job
from engine.jobs.ondisk import adopt, erase, is_complete
from engine.jobs.paths import unique
from engine.jobs.states import State
from engine.store.records import FileRecord, TorrentRecord
from engine.transfer import disk

MOST_NAMES = 1000
"""Names that are tried before we believe that something else is wrong."""


class Found(enum.Enum):
    """What is found on disk; see the module's theory."""

    FREE = "the entry is there and the final name is free"
    TAKEN = "the entry is there and the final name is somebody else's"
    DONE = "the torrent has its final name"
    LOST = "the torrent is in neither place"


async def publish(job: Job) -> None:
    """Move a downloaded torrent to its final name and complete it. State MOVING."""
    while not await _publish(job):
        await _rename_root(job)
    await in_thread(erase, job.folder)
    await job.move(
        State.COMPLETED,
        detail=job.record.root,
        completed_at=int(job.tools.timing.now()),
        position=0,
        forced=False,
    )


async def retract(job: Job) -> None:
    """Move a published torrent back into our folder, so that nobody takes it for complete."""
    await in_thread(_retract, _final(job), job.folder)


def is_published(folder: Path, record: TorrentRecord) -> bool:
    """Tell whether a torrent's files are in the final folder; `folder` is ours. Blocks."""
    if record.state == State.COMPLETED:
        return True
    may_be = bool(record.completed_at) or record.state == State.MOVING
    return may_be and adopt(folder, record.root) is None


def look(folder: Path, final: Path, files: Sequence[FileRecord]) -> Found:
    """Tell which of the cases it is; `folder` is ours, `final` the final name. Blocks."""
    source = adopt(folder, final.name)
    taken = os.path.lexists(final)
    if source is None:
        return Found.DONE if taken else Found.LOST
    if not taken:
        return Found.FREE
    # On one file system a rename leaves no source behind, so there the name is somebody's.
    copied = source.lstat().st_dev != final.lstat().st_dev and is_complete(final.parent, files)
    return Found.DONE if copied else Found.TAKEN


async def _publish(job: Job) -> bool:
    """Take the final name; False when it is taken by another. Raises Hopeless, TransferError."""
    final = _final(job)
    found = await in_thread(look, job.folder, final, list(job.files))
    if found is Found.LOST:
        raise Hopeless(f"The downloaded files are gone from {job.folder}.")
    if found is not Found.FREE or final in job.tools.publishing:
        return found is Found.DONE
    job.tools.publishing.add(final)
    try:
        await in_thread(disk.publish, job.folder / final.name, final)
    except FileExistsError:
        return False
    finally:
        job.tools.publishing.discard(final)
    return True


async def _rename_root(job: Job) -> None:
    """Store the next free name as the torrent's root, before it is taken."""
    final = _final(job)
    root = await in_thread(_free_name, final.parent, final.name)
    await job.change(
        note=("renamed", f"{final.name} is there already; the name is {root}"),
        records=_rooted(job.files, root),
        root=root,
    )


def _final(job: Job) -> Path:
    return Path(job.record.save_path) / job.record.root


def _free_name(folder: Path, root: str) -> str:
    for count in range(2, MOST_NAMES):
        name = unique([root] * count)[-1]
        if not os.path.lexists(folder / name):
            return name
    raise Hopeless(f"There is no free name for {root} in {folder}.")


def _rooted(files: Sequence[FileRecord], root: str) -> list[FileRecord]:
    """Return the files with another root."""
    return [
        msgspec.structs.replace(file, path="/".join((root, *file.path.split("/")[1:])))
        for file in files
    ]


def _retract(final: Path, folder: Path) -> None:
    if os.path.lexists(final):
        disk.publish(final, folder / final.name)
