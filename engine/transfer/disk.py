"""Every system call on payload files: the unfinished file, reading it back, publishing it.

Theory
    The unfinished file is written in one direction only. Where the file system takes O_DIRECT the
    bytes go from the ring to the device and no page cache is left behind; where it does not (tmpfs,
    some FUSE and network file systems) they go through the cache, written out window by window and
    dropped, so that a film does not push out what the machine had cached.

    Whether O_DIRECT works is found by doing it: some systems refuse it at open, others at the first
    write. Both lead to the cached path, for this file, with the write repeated.

    Room is reserved with fallocate(2) itself, keeping the size: glibc's posix_fallocate writes
    zeros where the file system has no fallocate, which for a film takes minutes. With the size
    kept, the file is as long as what was written.

    The kernel tells of a failed write-out once for each open file, to whichever call asks first.
    When bytes are written by one thread and synced by another, the writer's own waiting may be
    that call, and the sync under way beside it then looks fine. So the writer holds `_asking` from
    asking to having noted the answer, and a sync that went well looks at the note before it says
    so. That lock is never held over a sync: no write waits for one.

Guarantees
    `write` returns when the kernel has taken all bytes. `sync` returns when all bytes whose
    `write` had returned before it was called survive a power cut, and so does the file's name.
    An error from the device is raised as DiskTrouble and nothing is written again: what the cache
    holds after a failed sync is not to be trusted, the bytes have to be fetched anew.
    `finish` leaves a file of exactly the given size, synced.

OSError is translated here and nowhere else. All calls block. What belongs to one download is used
by the writer's thread, but for `PartFile.sync`, which may have a thread of its own.
"""

import contextlib
import ctypes
import errno
import fcntl
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from engine.transfer.errors import DiskFull, DiskTrouble

ALIGNMENT = 4096
"""Bytes: what O_DIRECT asks for in offset, length and address on every current device."""

CACHE_WINDOW = 16 << 20
"""Bytes written to the cache before their write-out starts, and dropped one window later: long
enough for the device to work in one go, short enough that the cache never matters."""

READ_STEP = 4 << 20
"""Bytes read back at a time."""

IOV_MAX = 1024
"""Buffers one pwritev(2) takes on Linux."""

_FALLOC_KEEP_SIZE = 1
_SYNC_WAIT_BEFORE, _SYNC_WRITE, _SYNC_WAIT_AFTER = 1, 2, 4
_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

logger = logging.getLogger("engine.transfer.disk")
_libc = ctypes.CDLL(None, use_errno=True)


class PartFile:
    """The unfinished file of one download; see the module's theory.

    The writer's thread alone may call all methods but two: `sync` may be called by one other thread
    while the writer goes on, and `close` by any. `close` waits for a sync that is under way.
    """

    def __init__(self, path: Path, *, direct: bool = True) -> None:
        """Open `path`, made if it is missing; its folder must exist. Raises DiskTrouble."""
        self.path = path
        self.writes = 0
        """Write calls that the kernel took."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        with translated(f"cannot open {path}"):
            self._fd, self.direct = _open(path, flags, direct=direct)
        self.trusted = True
        """False once the system could not write out what it had taken: no later sync may say so."""
        self._written_out = 0
        self._cached_to: int | None = None
        """Up to where write-out was begun; None before the first cached write."""
        self._named = False
        """True when the file's name survives a power cut as well."""
        self._syncing = threading.Lock()
        """Held by whoever needs the descriptor to stay open while the writer may close it."""
        self._asking = threading.Lock()
        """Held by the writer from asking how its write-out went to having noted the answer."""

    def __repr__(self) -> str:
        way = "direct" if self.direct else "cached"
        return f"<PartFile {self.path.name} {way}, {self.writes} writes>"

    def reserve(self, size: int) -> None:
        """Reserve room for `size` bytes, if the file system can; raises DiskFull if it has none."""
        while _libc.fallocate(self._fd, _FALLOC_KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)):
            code = ctypes.get_errno()
            if code == errno.EINTR:
                continue
            if code in _FULL:
                # Some file systems keep what they had found up to there: all the room there is.
                with translated(f"cannot give back room in {self.path.parent}"):
                    os.ftruncate(self._fd, os.fstat(self._fd).st_size)
                raise DiskFull(f"no room for {size} bytes in {self.path.parent}")
            if code == errno.EFBIG:
                raise DiskTrouble(f"files of {size} bytes are too large for {self.path.parent}")
            logger.debug("reserve=skipped errno=%s", errno.errorcode.get(code, code))
            return

    def check(self, written: int) -> None:
        """Raise DiskTrouble if the file was deleted, moved, replaced or cut behind our back."""
        with translated(f"cannot stat {self.path}"):
            status = os.fstat(self._fd)
            try:
                there = self.path.stat()
            except FileNotFoundError:
                raise DiskTrouble(f"{self.path} was deleted while it was being written") from None
        if not _is_same(status, there):
            raise DiskTrouble(f"{self.path} was replaced while it was being written")
        if status.st_size < written:
            raise DiskTrouble(
                f"{self.path} has {status.st_size} bytes where {written} had been written"
            )

    def cut(self, length: int) -> None:
        """Drop what lies behind a prefix of `length` bytes: it was never said to be there."""
        with translated(f"cannot cut {self.path}"):
            if os.fstat(self._fd).st_size > length:
                os.ftruncate(self._fd, length)

    def write(self, offset: int, views: Sequence[memoryview]) -> None:
        """Write buffers one after the other from `offset`.

        Offset, address and all lengths but the last buffer's are multiples of ALIGNMENT. An
        unaligned end is written through the cache: it is the end of the file. All before `offset`
        must have been written. Raises DiskFull, DiskTrouble.
        """
        self.check(offset)  # or a file that was cut would get a hole here
        with translated(f"cannot write {self.path}"):
            total = sum(len(view) for view in views)
            aligned = total // ALIGNMENT * ALIGNMENT
            if self.direct and aligned:
                done = self._write_direct(offset, _slice(views, 0, aligned))
                if done < aligned:  # refused, or cut short on an odd byte: the cache takes the rest
                    self._leave_direct()
                views, offset = _slice(views, done, total), offset + done
            if views:
                self._write_cached(offset, views)

    def sync(self) -> None:
        """Make everything written survive a power cut, and the file's name. Raises DiskTrouble.

        Blocks for as long as the device takes; a thread other than the writer's may call.
        """
        with self._syncing, translated(f"cannot sync {self.path}"):
            self._settle(os.fdatasync)
            if not self.direct:
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def finish(self, size: int) -> None:
        """Give the file its exact size and make all of it survive a power cut.

        All of it must have been written. Raises DiskFull, DiskTrouble.
        """
        self.check(size)  # or a file that was cut would be filled up with zeros
        with self._syncing, translated(f"cannot finish {self.path}"):
            os.ftruncate(self._fd, size)
            self._settle(os.fsync)
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file, after a sync that is under way; calling it again does nothing."""
        with self._syncing:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _settle(self, flush: Callable[[int], None]) -> None:
        """Flush, and return only if nothing that was written before is lost. Holds `_syncing`."""
        if self._fd < 0:
            raise DiskTrouble(f"cannot sync {self.path}: it is closed")
        self._check_trusted()
        try:
            flush(self._fd)
            if not self._named:  # fsync(2) of a new file need not make its name last
                sync_folder(self.path.parent)
                self._named = True
        except OSError:
            self.trusted = False
            raise
        with self._asking:  # the writer may have been told instead of us
            self._check_trusted()

    def _check_trusted(self) -> None:
        if not self.trusted:
            raise DiskTrouble(f"cannot sync {self.path}: bytes written before were lost")

    def _write_direct(self, offset: int, views: Sequence[memoryview]) -> int:
        """Write as much as the device takes directly; return how many bytes that was."""
        total = sum(len(view) for view in views)
        done = 0
        while done < total:
            try:
                count = os.pwritev(self._fd, _slice(views, done, total)[:IOV_MAX], offset + done)
            except OSError as problem:
                if problem.errno in {errno.EINVAL, errno.ENOTSUP}:
                    return done
                raise
            done += self._taken(count)
            if done % ALIGNMENT:
                return done
        return done

    def _taken(self, count: int) -> int:
        """Count a write call and return its bytes; raises OSError when there were none.

        No file system of the kernel's own answers so, and the next call would take no more.
        """
        self.writes += 1
        if not count:
            status = os.fstatvfs(self._fd)
            full = status.f_bavail * status.f_frsize < ALIGNMENT
            raise OSError(errno.ENOSPC if full else errno.EIO, "not a byte was taken")
        return count

    def _leave_direct(self) -> None:
        logger.info("write=cached reason=direct-write-refused file=%s", self.path.name)
        _set_direct(self._fd, on=False)
        self.direct = False

    def _write_cached(self, offset: int, views: Sequence[memoryview]) -> None:
        if self.direct:  # only the unaligned end of the file comes here with O_DIRECT on
            _set_direct(self._fd, on=False)
        try:
            total = sum(len(view) for view in views)
            done = 0
            while done < total:
                rest = _slice(views, done, total)[:IOV_MAX]
                done += self._taken(os.pwritev(self._fd, rest, offset + done))
        finally:
            if self.direct:
                _set_direct(self._fd, on=True)
        self._keep_cache_clean(offset, offset + total)

    def _keep_cache_clean(self, start: int, end: int) -> None:
        """Start writing out the newest window; wait for the one before and drop it."""
        if self._cached_to is None:
            self._cached_to = self._written_out = start
        if end - self._cached_to < CACHE_WINDOW:
            return
        wait = _SYNC_WAIT_BEFORE | _SYNC_WRITE | _SYNC_WAIT_AFTER
        with self._asking:
            try:
                _sync_range(self._fd, self._cached_to, end, _SYNC_WRITE)
                _sync_range(self._fd, self._written_out, self._cached_to, wait)
            except OSError:
                self.trusted = False
                raise
        os.posix_fadvise(
            self._fd,
            self._written_out,
            self._cached_to - self._written_out,
            os.POSIX_FADV_DONTNEED,
        )
        self._written_out, self._cached_to = self._cached_to, end


def read_range(path: Path, start: int, end: int) -> Iterator[memoryview]:
    """Yield the bytes `[start, end)` of a file, in steps, leaving no page cache behind.

    Each view is valid until the next is asked for. Raises DiskTrouble, also when the file ends
    early.
    """
    with translated(f"cannot read {path}"):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    buffer = memoryview(bytearray(min(READ_STEP, max(end - start, 1))))
    try:
        while start < end:
            with translated(f"cannot read {path}"):
                count = os.preadv(fd, [buffer[: min(len(buffer), end - start)]], start)
                os.posix_fadvise(fd, start, count, os.POSIX_FADV_DONTNEED)
            if count == 0:
                raise DiskTrouble(f"{path} ends at byte {start}, {end} were expected")
            yield buffer[:count]
            start += count
    finally:
        os.close(fd)


def publish(source: Path, target: Path) -> None:
    """Move a finished file or folder to its final name, so that it survives a power cut.

    Atomic on one file system; across two the copy is made complete beside the target first.
    Raises FileExistsError when the target is there already, DiskFull, DiskTrouble.
    """
    if rename(source, target):
        return
    with translated(f"cannot move {source.name} to {target}"):
        _copy_over(source, target)
        sync_folder(target.parent)
        if source.parent.exists():
            sync_folder(source.parent)


def rename(source: Path, target: Path) -> bool:
    """Give a finished file or folder another name or folder, so that it survives a power cut.

    False when `target` is on another file system: nothing but its folder was made then. Raises
    FileExistsError when the target is there already, DiskFull, DiskTrouble.
    """
    with translated(f"cannot move {source.name} to {target}"):
        make_folder(target.parent)
        for folder in _folders(source):
            sync_folder(folder)
        try:
            _rename(source, target)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            return False
        sync_folder(target.parent)
        if source.parent.exists():
            sync_folder(source.parent)
        return True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they survive a power cut.

    Raises DiskFull, DiskTrouble.
    """
    what = f"cannot make the folder {folder}"
    try:
        with translated(what):
            missing = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for each in missing:
                sync_folder(each.parent)
    except FileExistsError:
        raise DiskTrouble(f"{what}: a file is in its way") from None


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut; some file systems have no fsync of folders.

    Raises OSError: it belongs within `translated`.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as problem:
        if problem.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn OSError into DiskFull or DiskTrouble; FileExistsError stays what it is."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as problem:
        reason = os.strerror(problem.errno) if problem.errno else str(problem)
        kind = DiskFull if problem.errno in _FULL else DiskTrouble
        raise kind(f"{what}: {reason}") from problem


def free_space(path: Path) -> int:
    """Return the bytes an ordinary user may still write on the file system of `path`."""
    with translated(f"cannot ask for the free space of {path}"):
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize


def is_rotational(path: Path) -> bool | None:
    """Tell whether `path` lies on spinning disks; None when the kernel does not say."""
    try:
        device = path.stat().st_dev
    except OSError:
        return None
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for flag in (block / "queue/rotational", block / "../queue/rotational"):  # disk, partition
        with contextlib.suppress(OSError):
            return flag.read_text().strip() == "1"
    return None


def _open(path: Path, flags: int, *, direct: bool) -> tuple[int, bool]:
    """Open with O_DIRECT where it is wanted and taken; return the descriptor and whether it is."""
    if direct:
        try:
            return os.open(path, flags | os.O_DIRECT, 0o666), True
        except OSError as problem:
            if problem.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise
            logger.info("write=cached reason=direct-open-refused file=%s", path.name)
    return os.open(path, flags, 0o666), False


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Tell whether two stats are of one file; some file systems number it anew for each look."""
    if os.path.samestat(one, other):
        return True
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _slice(views: Sequence[memoryview], start: int, end: int) -> list[memoryview]:
    """Return the bytes `[start, end)` of buffers laid end to end, as views."""
    result, at = [], 0
    for view in views:
        low, high = max(start - at, 0), min(end - at, len(view))
        if low < high:
            result.append(view[low:high])
        at += len(view)
    return result


def _set_direct(fd: int, *, on: bool) -> None:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    flags = flags | os.O_DIRECT if on else flags & ~os.O_DIRECT
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def _sync_range(fd: int, start: int, end: int, flags: int) -> None:
    """sync_file_range(2). A failed write-out is told once, to whoever asks first: never drop it."""
    if end > start and _libc.sync_file_range(
        fd, ctypes.c_int64(start), ctypes.c_int64(end - start), flags
    ):
        code = ctypes.get_errno()
        if code not in {errno.ENOSYS, errno.EINVAL, errno.ESPIPE, errno.ENOTSUP}:
            raise OSError(code, os.strerror(code))


def _folders(source: Path) -> Iterator[Path]:
    """Yield the folders of a tree: the names of the files in them are to survive too."""
    if source.is_dir():
        yield from (Path(folder) for folder, _, _ in os.walk(source))


def _rename(source: Path, target: Path) -> None:
    """Rename, but never over something that is there."""
    old, new = os.fsencode(source), os.fsencode(target)
    if _libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code not in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        raise OSError(code, os.strerror(code))
    # The file system cannot promise it (some FUSE): looking first is the best there is.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    source.rename(target)


def _copy_over(source: Path, target: Path) -> None:
    """Copy to another file system, synced, under a name of our own first; then remove the source.

    The name is the target's with `.moving`, so that what a crash leaves behind is found and
    replaced by the next try.
    """
    beside = target.with_name(f"{target.name}.moving")
    if beside.is_dir() and not beside.is_symlink():
        shutil.rmtree(beside)
    else:
        beside.unlink(missing_ok=True)
    if source.is_dir():
        beside.mkdir()
        for folder, folders, files in os.walk(source):
            there = beside / Path(folder).relative_to(source)
            for name in folders:
                (there / name).mkdir()
            for name in files:
                _copy_file(Path(folder) / name, there / name)
            sync_folder(there)
    else:
        _copy_file(source, beside)
    _rename(beside, target)
    sync_folder(target.parent)
    if source.is_dir():
        shutil.rmtree(source)
    else:
        source.unlink()


def _copy_file(source: Path, target: Path) -> None:
    size = source.stat().st_size
    with PartFile(target, direct=False) as part:
        part.reserve(size)
        offset = 0
        for view in read_range(source, 0, size):
            part.write(offset, [view])
            offset += len(view)
        part.finish(size)
