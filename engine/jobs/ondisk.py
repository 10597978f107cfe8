"""What is on disk of a torrent: how much of it counts, what is missing, and removing it.

All of it blocks: run it in a thread (`engine.jobs.fetch.in_thread`). Bytes of files are read and
written by `engine.transfer` alone; here are names, sizes and folders.

Guarantees
    Nothing outside the folder that is given is ever touched: no symbolic link is followed on the
    way to a file. Removing finished files removes the torrent's own files and the folders they
    leave empty, never what somebody else put beside them.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from engine.jobs.errors import Hopeless
from engine.jobs.paths import unique
from engine.store.records import FileRecord
from engine.transfer.disk import ALIGNMENT, make_folder, translated
from engine.transfer.errors import DiskTrouble

MOST_NAMES = 1000
"""Names that are tried before we believe that something else is wrong."""

_BLOCK = 512
"""Bytes in one of `st_blocks`, whatever the file system's own blocks are (stat(2))."""


def aligned(offset: int) -> int:
    """Return the last aligned byte at or before `offset`: where a download can go on."""
    return offset // ALIGNMENT * ALIGNMENT


def trusted(folder: Path, file: FileRecord) -> int:
    """Return how long the durable prefix of a file really is, as far as its length tells.

    A file that is shorter than its stored prefix was cut behind our back; one that is longer than
    it may be has a wrong end.
    """
    length = _length(folder / file.path)
    if length < file.flushed:
        return aligned(length)
    if file.flushed == file.size and length > file.size:
        return aligned(max(file.size - 1, 0))
    return file.flushed


def missing(folder: Path, files: Iterable[FileRecord]) -> int:
    """Return the bytes that the disk must still find room for."""
    total = 0
    for file in files:
        try:
            status = (folder / file.path).lstat()
            there = max(file.flushed, status.st_blocks * _BLOCK)
        except FileNotFoundError:
            there = 0
        except OSError as problem:
            raise _translated("cannot look at", folder / file.path, problem) from problem
        total += max(file.size - there, 0)
    return total


def total_space(folder: Path) -> int:
    """Return the size of the file system of a folder, in bytes. Raises DiskTrouble."""
    try:
        status = os.statvfs(folder)
    except OSError as problem:
        raise _translated("cannot ask for the size of the disk of", folder, problem) from problem
    return status.f_blocks * status.f_frsize


def make_folders(folder: Path, files: Iterable[FileRecord]) -> None:
    """Make the folders that the files go into. Raises DiskFull, DiskTrouble."""
    for parent in dict.fromkeys((folder / file.path).parent for file in files):
        make_folder(parent)


def make_empty_files(folder: Path, files: Iterable[FileRecord]) -> None:
    """Make those of the files that have no bytes. Raises DiskFull, DiskTrouble."""
    empty = [file for file in files if not file.size]
    make_folders(folder, empty)
    for file in empty:
        path = folder / file.path
        with translated(f"cannot make the file {path}"):
            path.write_bytes(b"")


def adopt(folder: Path, root: str) -> Path | None:
    """Return the one entry of our folder under its name `root`, or None when there is none.

    An entry that is there alone under another name is given this one: a crash came between
    storing the new name and taking it. Raises DiskTrouble.
    """
    entry = folder / root
    if not root or not folder.is_dir():
        return None
    if os.path.lexists(entry):
        return entry
    try:
        others = list(folder.iterdir())
        if len(others) != 1:
            return None
        return others[0].rename(entry)
    except OSError as problem:
        raise _translated("cannot rename", entry, problem) from problem


def free_name(folder: Path, root: str, first: int = 2) -> str:
    """Return a name that nothing in a folder has: `root`, from its `first` variant on.

    Raises Hopeless.
    """
    for count in range(first, MOST_NAMES):
        name = unique([root] * count)[-1]
        if not os.path.lexists(folder / name):
            return name
    raise Hopeless(f"There is no free name for {root} in {folder}.")


def is_complete(folder: Path, files: Iterable[FileRecord]) -> bool:
    """Tell whether all files are there in their full length."""
    return all(_length(folder / file.path) == file.size for file in files)


def detach_shared(folder: Path, files: Sequence[FileRecord]) -> list[FileRecord]:
    """Let go of unfinished files that others hold by a hard link; return the files as they are now.

    Such a file belongs to a library by now: it is left as it is, and ours begins anew.
    """
    kept = []
    for file in files:
        path = folder / file.path
        here = file
        with contextlib.suppress(FileNotFoundError):
            if file.flushed < file.size and path.lstat().st_nlink > 1:
                path.unlink()
                here = msgspec.structs.replace(file, flushed=0)
        kept.append(here)
    return kept


def erase(folder: Path) -> None:
    """Remove a folder of ours and all in it, following no link. Raises DiskTrouble."""
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise _translated("cannot remove", folder, problem) from problem


def erase_files(save_path: Path, files: Sequence[FileRecord]) -> None:
    """Remove finished files below `save_path`, and the folders they leave empty.

    Raises DiskTrouble.
    """
    for file in files:
        path = save_path / file.path
        if not _reached_plainly(save_path, file.path):
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as problem:
            raise _translated("cannot remove", path, problem) from problem
    erase_folders(save_path, files)


def erase_folders(save_path: Path, files: Sequence[FileRecord]) -> None:
    """Remove the folders of files below `save_path` that are empty."""
    for folder in _folders_of(files):
        with contextlib.suppress(OSError):  # not empty, or gone: either way not ours to remove
            if _reached_plainly(save_path, folder):
                (save_path / folder).rmdir()


def _folders_of(files: Iterable[FileRecord]) -> Iterator[str]:
    """Return the relative folders of files, the innermost first."""
    folders = {
        "/".join(parts[:depth])
        for parts in (file.path.split("/") for file in files)
        for depth in range(1, len(parts))
    }
    return iter(sorted(folders, key=lambda folder: (-folder.count("/"), folder)))


def _reached_plainly(base: Path, relative: str) -> bool:
    """Tell whether the way from `base` leads through real folders only, and not out of it."""
    parts = relative.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return False
    here = base
    for part in parts[:-1]:
        here /= part
        if here.is_symlink():
            return False
    return True


def _length(path: Path) -> int:
    """Return a file's length; 0 when there is no such plain file. Raises DiskTrouble."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as problem:
        raise _translated("cannot look at", path, problem) from problem
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _translated(what: str, path: Path, problem: OSError) -> DiskTrouble:
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    return DiskTrouble(f"{what} {path}: {reason}")
