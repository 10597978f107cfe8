"""One file or folder of a torrent gets another name or folder, on disk.

Theory
    What is to become of a torrent's files is stored as a `MoveRecord` before the disk is touched,
    and goes, together with the new paths in the torrent's records, when the disk is done. So after
    a crash there is a record to go by, and the disk says how far it was:

        old name there, new one free      not begun, or copied in part: begin (again)
        old name gone, new one there      done
        both there, or the old one in the parking place: see below
        neither there                     somebody took the files: nothing is left to move

    On one file system a move is one rename(2), which is done or not done. Two things are not:

    * Another file system takes a copy. It is made under a name of our own beside the target and
      synced; then the record says `copied`, durably; then the copy gets its name, and the source
      goes. So with `copied` and no copy under our name, what has the target's name is the copy.
    * A folder that moves into itself or dissolves into the one above goes by way of the same name
      of our own, the parking place: what is found there is neither old nor new, but whole.

Guarantees
    Nothing that is there is ever replaced. The target's name stands for all of it or does not
    exist. No symbolic link is followed; of what was not copied nothing is removed. Folders that
    are left empty go, up to the one that the paths are relative to.

All of it blocks: run it in a thread. Raises DiskFull, DiskTrouble; FileExistsError when the new
name is somebody else's.
"""

import contextlib
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from engine.jobs.ondisk import erase
from engine.jobs.renames import is_within
from engine.store.records import MoveRecord
from engine.transfer import disk
from engine.transfer.errors import DiskTrouble, Stopped


class NothingThere(Exception):
    """The files are under neither name: somebody took them."""


def begin(move: MoveRecord) -> bool:
    """Do the move by renaming; False when that takes a copy. Raises NothingThere."""
    if _is_detour(move):
        _by_detour(move)
    elif os.path.lexists(_old(move)):
        if not disk.rename(_old(move), _new(move)):
            return False
    elif not os.path.lexists(_new(move)):
        raise NothingThere
    _tidy(move)
    return True


def copy(move: MoveRecord, stopping: threading.Event) -> None:
    """Make a whole copy under our own name, beside the target. Raises Stopped, NothingThere."""
    _drop_copy(move)
    if not os.path.lexists(_old(move)):
        raise NothingThere
    if os.path.lexists(_new(move)):
        raise FileExistsError(f"{_new(move)} is there already")
    with disk.translated(f"cannot copy {_old(move)}"):
        _copy(_old(move), _own(move), stopping)
        disk.sync_folder(_own(move).parent)


def take_over(move: MoveRecord) -> None:
    """Give the whole copy its name, and remove what it was made of. Raises NothingThere."""
    if os.path.lexists(_own(move)):
        disk.rename(_own(move), _new(move))
    elif not os.path.lexists(_new(move)):
        raise NothingThere
    with disk.translated(f"cannot remove {_old(move)}"):
        _remove_copied(_old(move), _new(move))
        _sync(Path(move.source))
    _tidy(move)


def is_done(move: MoveRecord) -> bool:
    """Tell whether the new name has been given, whatever is left to tidy up."""
    if os.path.lexists(_own(move)) or not os.path.lexists(_new(move)):
        return False
    into_itself = _is_detour(move) and is_within(move.new, move.old)
    return move.copied or into_itself or not os.path.lexists(_old(move))


def undo(move: MoveRecord) -> None:
    """Have all be as it was before; the new name must not have been given."""
    if not _is_detour(move):
        _drop_copy(move)
    _remove_empty(_new(move).parent, Path(move.target))
    if _is_detour(move) and os.path.lexists(_own(move)):
        disk.rename(_own(move), _old(move))


def is_plain(folder: Path, path: str) -> bool:
    """Tell whether no symbolic link lies on the way from a folder to a path below it."""
    above = Path(path).parent
    return Path(os.path.realpath(folder / above)) == Path(os.path.realpath(folder), above)


def is_only_link(path: Path) -> bool:
    """Tell whether a file is there and has no other name; True where nobody can look."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def bytes_of(path: Path) -> int:
    """Return how much room a copy of a file or folder takes. Raises DiskTrouble."""
    with disk.translated(f"cannot look at {path}"):
        return sum(each.lstat().st_size for each in _tree(path))


def same_disk(path: Path, folder: Path) -> bool:
    """Tell whether both lie on one file system, as far as the kernel says. Raises DiskTrouble."""
    with disk.translated(f"cannot look at {folder}"):
        return path.lstat().st_dev == folder.stat().st_dev


def _old(move: MoveRecord) -> Path:
    return Path(move.source, move.old)


def _new(move: MoveRecord) -> Path:
    return Path(move.target, move.new)


def _own(move: MoveRecord) -> Path:
    """Return the name of our own: hidden, and no torrent's."""
    return Path(move.target, f".{move.torrent}.moving")


def _is_detour(move: MoveRecord) -> bool:
    """Tell whether one of the two paths lies within the other."""
    if move.source != move.target or move.old == move.new:
        return False
    return is_within(move.new, move.old) or is_within(move.old, move.new)


def _by_detour(move: MoveRecord) -> None:
    if is_done(move):
        return
    if not os.path.lexists(_own(move)):
        if not os.path.lexists(_old(move)):
            raise NothingThere
        disk.rename(_old(move), _own(move))
    _tidy(move)  # the new name may be that of a folder that is empty now
    disk.rename(_own(move), _new(move))


def _drop_copy(move: MoveRecord) -> None:
    if os.path.lexists(_own(move)):
        erase(_own(move))
        with disk.translated(f"cannot remove {_own(move)}"):
            _sync(_own(move).parent)


def _sync(folder: Path) -> None:
    """Make what is gone from a folder be gone after a power cut, too. Raises OSError."""
    if folder.is_dir():
        disk.sync_folder(folder)


def _copy(source: Path, target: Path, stopping: threading.Event) -> None:
    """Copy a tree, synced but for the name of its top. Raises OSError, TransferError."""
    folders = []
    for path in _tree(source):
        there = target / path.relative_to(source)
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            there.symlink_to(path.readlink())
        elif stat.S_ISDIR(mode):
            there.mkdir()
            folders.append(there)
        elif stat.S_ISREG(mode):
            copy_file(path, there, stopping)
        else:
            raise DiskTrouble(f"{path} is neither a file nor a folder")
    for folder in folders:
        disk.sync_folder(folder)


def copy_file(source: Path, target: Path, stopping: threading.Event) -> None:
    """Copy a file, synced but for its name. Blocks. Raises Stopped when told to stop."""
    size = source.stat().st_size
    with disk.PartFile(target, direct=False) as part:
        part.reserve(size)
        offset = 0
        for view in disk.read_range(source, 0, size):
            if stopping.is_set():
                raise Stopped("the copy was stopped")
            part.write(offset, [view])
            offset += len(view)
        part.finish(size)
    with contextlib.suppress(OSError):  # its times and rights are nice to have
        shutil.copystat(source, target)


def _remove_copied(source: Path, copy: Path) -> None:
    """Remove those files of a tree that its copy has too, and folders that this leaves empty."""
    for path in reversed(list(_tree(source))):
        there = copy / path.relative_to(source)
        if not path.is_dir() or path.is_symlink():
            if os.path.lexists(there):
                path.unlink()
        else:
            with contextlib.suppress(OSError):  # not empty: somebody put something there
                path.rmdir()


def _tree(top: Path) -> Iterator[Path]:
    """Yield a file, or a folder and all in it, folders before what they hold; follow no link."""
    waiting = [top] if os.path.lexists(top) else []
    while waiting:
        path = waiting.pop()
        yield path
        if path.is_dir() and not path.is_symlink():
            waiting.extend(sorted(path.iterdir(), reverse=True))


def _tidy(move: MoveRecord) -> None:
    """Remove the folders that a path of several parts leaves empty."""
    _remove_empty(_old(move).parent, Path(move.source))


def _remove_empty(folder: Path, base: Path) -> None:
    """Remove a folder and those above it as long as they are empty, below `base`."""
    with contextlib.suppress(OSError):  # not empty, or gone
        while folder != base and folder.is_relative_to(base):
            folder.rmdir()
            folder = folder.parent
