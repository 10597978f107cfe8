"""A torrent's finished files once more, for a further category that wants them.

Theory
    Two programs (Sonarr and its sibling for 4K, say) may ask for one torrent, each in a category of
    its own, and each takes the files away when it imports them. So each gets its own: hard links to
    the same bytes, or copies where the file system has none, under a name of its own. The torrent
    is not complete before all have theirs.

    A copy is made under a name of ours and synced; then the name it will have is stored, durably;
    then it gets that name. So after a crash there are only these cases:

        our name there, final name stored      whole: go on
        our name gone, final name stored       it has its name, unless somebody took it away
        no final name stored                   not begun, or in part: begin anew

Guarantees
    Nothing that is there is ever replaced. One category's trouble is told to that one alone.

What is called blocking here runs in a thread.
"""

import contextlib
import enum
import errno
import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.jobs.errors import Hopeless
from engine.jobs.fetch import in_thread
from engine.jobs.job import Job
from engine.jobs.ledger import Entry
from engine.jobs.ondisk import erase, free_name, is_complete, make_folders
from engine.jobs.relocate import copy_file
from engine.jobs.renames import moved, root_of
from engine.jobs.wanted import is_wanted
from engine.store.records import FileRecord, ShareRecord
from engine.transfer import disk
from engine.transfer.errors import TransferError

_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
"""What link(2) says where a hard link is not possible: another file system, one without links,
or too many of them."""

logger = logging.getLogger("engine.jobs.share")


class Found(enum.Enum):
    """What is found on disk; see the module's theory."""

    NOTHING = "not begun, or in part"
    WHOLE = "whole, under our own name"
    DONE = "it has its name"


async def share(job: Job, files: Sequence[FileRecord], late: Collection[int]) -> None:
    """Give each further category its copy of the published files.

    `late` are the indexes of files that have just been published, perhaps after the others.
    """
    for one in job.entry.shares if files else ():
        try:
            if one.done:
                new = [file for file in files if file.index in late]
                await in_thread(_add, one, Path(job.record.save_path), new)
            else:
                await _share(job, one, files)
        except (TransferError, FileExistsError, Hopeless) as problem:
            why = str(problem).rstrip(".")
            reason = f"There is no copy for the category {one.category!r}: {why}."
            logger.warning("torrent=%s reason=%r", job.infohash, reason)
            if not one.done:
                await _keep(job, replace(one, reason=reason))


async def _share(job: Job, one: ShareRecord, files: Sequence[FileRecord]) -> None:
    found = await in_thread(_look, one)
    if found is Found.DONE:  # a crash came before this was stored
        await _keep(job, replace(one, done=True, reason=""))
        return
    if found is Found.NOTHING:
        source = await in_thread(source_of, job.entry, files)
        stopping = threading.Event()
        await in_thread(make, source, own_name(one), files, stopping, stop=stopping.set)
    while True:
        root = await in_thread(free_name, Path(one.save_path), root_of(files), 1)
        one = replace(one, root=root)
        await _keep(job, one)
        with contextlib.suppress(FileExistsError):
            await in_thread(disk.rename, own_name(one), final_name(one))
            break
    note = ("shared", f"{one.category} has its own files: {final_name(one)}")
    await _keep(job, replace(one, done=True, reason=""), note)


async def _keep(job: Job, one: ShareRecord, note: tuple[str, str] | None = None) -> None:
    await job.tools.ledger.share(job.infohash, changed(one.category, lambda _: one), note=note)


def changed(
    category: str, change: Callable[[ShareRecord], ShareRecord]
) -> Callable[[Sequence[ShareRecord]], list[ShareRecord]]:
    """Return what changes the share of one category, for `Ledger.share`."""
    return lambda shares: [change(one) if one.category == category else one for one in shares]


def _look(one: ShareRecord) -> Found:
    """Tell which of the cases it is. Blocks."""
    if not one.root:
        return Found.NOTHING
    if os.path.lexists(own_name(one)):
        return Found.WHOLE
    return Found.DONE if os.path.lexists(final_name(one)) else Found.NOTHING


def own_name(one: ShareRecord) -> Path:
    """Return the name of our own for a copy that is being made: hidden, and no torrent's."""
    return Path(one.save_path, f".{one.torrent}.sharing")


def final_name(one: ShareRecord) -> Path:
    """Return what the copy is called."""
    return Path(one.save_path, one.root)


def files_of(one: ShareRecord, files: Sequence[FileRecord]) -> list[FileRecord]:
    """Return a torrent's files as a further category has them in its copy.

    They may be taken back for the torrent itself, and the copy has them still.
    """
    had = [file for file in files if file.published or is_wanted(file)]
    return moved(had, root_of(had), one.root) if had else []


def lacks_copies(entry: Entry) -> bool:
    """Tell whether there are categories without a copy, of which none has been tried in vain."""
    return any(not one.done and not one.reason for one in entry.shares)


def has_files(one: ShareRecord, files: Sequence[FileRecord]) -> bool:
    """Tell whether a copy is there, and nobody took anything of it. Blocks. Raises DiskTrouble."""
    return is_complete(Path(one.save_path), files_of(one, files))


def source_of(entry: Entry, files: Sequence[FileRecord]) -> Path:
    """Return the file or folder that has all files: the torrent's or a copy. Blocks.

    Raises Hopeless, DiskTrouble.
    """
    base = Path(entry.record.save_path)
    if is_complete(base, files):
        return base / root_of(files)
    for one in entry.shares:
        if one.done and has_files(one, files):
            return final_name(one)
    raise Hopeless("the files are not all there any more")


def make(
    source: Path, target: Path, files: Sequence[FileRecord], stopping: threading.Event
) -> None:
    """Make the copy under a name of our own, in the place of one begun before. Blocks.

    `source` is the file or folder that is the files' root. Raises TransferError.
    """
    erase(target)
    disk.make_folder(target.parent)
    there = moved(files, root_of(files), target.name)
    make_folders(target.parent, there)
    for file, copy in zip(files, there, strict=True):
        inner = file.path.partition("/")[2]
        _link_or_copy(source / inner, target.parent / copy.path, stopping)
    with disk.translated(f"cannot make {target}"):
        for folder in {(target.parent / copy.path).parent for copy in there}:
            disk.sync_folder(folder)


def _add(one: ShareRecord, save_path: Path, files: Sequence[FileRecord]) -> None:
    """Put files into a copy that was made before them, unless that was taken away. Blocks."""
    base = Path(one.save_path)
    copies = moved(files, root_of(files), one.root) if files else []
    for file, copy in zip(files, copies, strict=True):
        there = base / copy.path
        if final_name(one).is_dir() and not os.path.lexists(there):
            disk.make_folder(there.parent)
            _link_or_copy(save_path / file.path, there, threading.Event())


def _link_or_copy(source: Path, target: Path, stopping: threading.Event) -> None:
    with disk.translated(f"cannot link {target} to {source}"):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in _NO_LINKS:
                raise
            copy_file(source, target, stopping)
