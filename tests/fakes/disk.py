"""A disk that can be watched and broken: it stands between the engine and the system calls.

Theory
    All payload passes a dozen system calls. While a `Disk` is entered, each of them that touches
    something below its folder is recorded, shown to whoever watches, and refused where a fault
    says so; otherwise it is the real call on a real file system. What other code does elsewhere
    goes straight through.

    A fault at a byte does what a file system does whose last block that is: the write that would
    go beyond takes what fits, and the next one finds nothing. A fault at a call refuses that call
    as a whole.

Rules
    One disk at a time; calls may come from any thread. Watchers are called in the caller's thread,
    before and after the real call, and may end the process.
"""

import ctypes
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self
from unittest import mock

from engine.transfer import disk

KINDS = (
    "open",
    "write",
    "truncate",
    "fallocate",
    "write_out",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
)
"""Kinds of calls. `write_out` is sync_file_range(2), `rename` every way to rename."""

SYNCS = ("fdatasync", "fsync", "write_out")
"""Calls in which the kernel tells of what it could not write out earlier."""

SECTOR = 4096
"""Bytes: a direct write that finds no room takes whole ones of these."""


class Call(NamedTuple):
    """One system call. Paths are absolute; of a rename it is the old name."""

    kind: str
    path: Path
    offset: int = 0
    length: int = 0
    target: Path | None = None
    """The new name, of a rename."""
    fd: int = -1

    @property
    def end(self) -> int:
        return self.offset + self.length


class Fault:
    """What goes wrong; `struck` are the places in `Disk.calls` where it did, `lift` ends it."""

    def __init__(
        self,
        kind: str,
        code: int,
        *,
        at: int | None = None,
        nth: int = 1,
        times: int | None = None,
        where: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Refuse calls of `kind` with errno `code`, from the `nth` that `where` takes, `times`.

        With `at`, calls that go beyond that byte of a file. Without `times`, for ever.
        """
        assert kind in KINDS
        self.kind = kind
        self.code = code
        self.at = at
        self.struck: list[int] = []
        self._before = nth - 1
        self._left = times
        self._where = where

    def __repr__(self) -> str:
        return f"<Fault {self.kind} {errno.errorcode[self.code]} at={self.at} struck={self.struck}>"

    def lift(self) -> None:
        self._left = 0

    def room(self, call: Call) -> int | None:
        """Return how many bytes of a call are still taken, None if all: not ours to refuse."""
        if call.kind != self.kind or self._left == 0 or not self._where(call):
            return None
        if self.at is not None and call.end <= self.at:
            return None
        if self._before > 0:
            self._before -= 1
            return None
        if self.at is not None and call.offset < self.at:
            return self.at - call.offset
        return 0

    def strike(self, place: int) -> None:
        self.struck.append(place)
        if self._left is not None:
            self._left -= 1


class Disk:
    """System calls on what is below `folder`; see the module's theory. Use it in a `with`."""

    def __init__(
        self,
        folder: Path,
        *,
        before: Callable[[Call], None] = lambda _: None,
        after: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self.folder = folder.resolve()
        self.calls: list[Call] = []
        """What was asked for, refused or not, in order."""
        self.faults: list[Fault] = []
        self._before = before
        self._after = after
        self._lock = threading.Lock()
        self._patches: list[mock._patch] = []
        self._libc = disk._libc
        self._real = {name: getattr(os, name) for name in _WRAPPED}

    def __repr__(self) -> str:
        return f"<Disk {self.folder} {len(self.calls)} calls, {self.faults}>"

    def __enter__(self) -> Self:
        for name in _WRAPPED:
            self._patches.append(mock.patch.object(os, name, getattr(self, f"_{name}")))
        self._patches.append(mock.patch.object(disk, "_libc", _Libc(self)))
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for patch in reversed(self._patches):
            patch.stop()
        self._patches.clear()

    # What goes wrong.

    def fails(self, kind: str, code: int, **how) -> Fault:
        """Add a fault; see `Fault`."""
        fault = Fault(kind, code, **how)
        self.faults.append(fault)
        return fault

    def full_at(self, byte: int) -> Fault:
        """Have no room beyond a byte of the file: writes before it are cut short."""
        return self.fails("write", errno.ENOSPC, at=byte)

    def refuses_direct_at_open(self) -> Fault:
        """Be a file system that knows no O_DIRECT and says so."""
        return self.fails("open", errno.EINVAL, where=lambda call: bool(call.length & os.O_DIRECT))

    def refuses_direct_at_write(self, nth: int = 1) -> Fault:
        """Be one that says so only when it is written to, from the `nth` direct write on."""
        return self.fails("write", errno.EINVAL, nth=nth, where=_is_direct)

    def read_only(self) -> list[Fault]:
        """Turn read-only, as ext4 does after an error of the device."""
        kinds = ("write", "truncate", "fallocate", "rename", "unlink", "mkdir")
        faults = [self.fails(kind, errno.EROFS) for kind in kinds]
        return [*faults, self.fails("open", errno.EROFS, where=_for_writing)]

    def lift(self) -> None:
        """Be a good disk again."""
        for fault in self.faults:
            fault.lift()

    # What was seen.

    def of(self, *kinds: str) -> list[Call]:
        """Return the calls of these kinds."""
        return [call for call in self.calls if call.kind in kinds]

    # The calls themselves.

    def passes(self, call: Call, act: Callable[[int], object]) -> object:
        """Do a call by `act(length)`, unless a fault has it refused or cut short."""
        if not call.path.is_relative_to(self.folder):
            return act(call.length)
        with self._lock:
            self.calls.append(call)
            length = call.length
            for fault in self.faults:
                room = fault.room(call)
                if room is None:
                    continue
                room = room // SECTOR * SECTOR if _is_direct(call) else room
                if room == 0:
                    fault.strike(len(self.calls) - 1)
                    raise OSError(fault.code, os.strerror(fault.code))
                length = min(length, room)
        self._before(call)
        result = act(length)
        if result != -1:
            self._after(call)
        return result

    def _open(self, path, flags, mode=0o777, *, dir_fd=None):
        real = self._real["open"]
        if isinstance(path, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return real(path, flags, mode, dir_fd=dir_fd)
        call = Call("open", _absolute(path, dir_fd), length=flags)
        return self.passes(call, lambda _: real(path, flags, mode, dir_fd=dir_fd))

    def _pwritev(self, fd, buffers, offset, flags=0):
        total = sum(len(buffer) for buffer in buffers)
        call = Call("write", _of(fd), offset, total, fd=fd)

        def act(length):
            cut = buffers if length == total else disk._slice(buffers, 0, length)
            return self._real["pwritev"](fd, cut, offset, flags)

        return self.passes(call, act)

    def _ftruncate(self, fd, length):
        call = Call("truncate", _of(fd), length=length, fd=fd)
        return self.passes(call, lambda _: self._real["ftruncate"](fd, length))

    def _fdatasync(self, fd):
        return self._flush("fdatasync", fd)

    def _fsync(self, fd):
        return self._flush("fsync", fd)

    def _flush(self, kind, fd):
        descriptor = fd if isinstance(fd, int) else fd.fileno()
        if descriptor < 0:
            return self._real[kind](fd)
        call = Call(kind, _of(descriptor), fd=descriptor)
        return self.passes(call, lambda _: self._real[kind](fd))

    def _rename(self, source, target, **how):
        return self._renames("rename", source, target, how)

    def _replace(self, source, target, **how):
        return self._renames("replace", source, target, how)

    def _renames(self, name, source, target, how):
        call = Call("rename", _absolute(source), target=_absolute(target))
        return self.passes(call, lambda _: self._real[name](source, target, **how))

    def _unlink(self, path, *, dir_fd=None):
        call = Call("unlink", _absolute(path, dir_fd))
        return self.passes(call, lambda _: self._real["unlink"](path, dir_fd=dir_fd))

    def _rmdir(self, path, *, dir_fd=None):
        call = Call("rmdir", _absolute(path, dir_fd))
        return self.passes(call, lambda _: self._real["rmdir"](path, dir_fd=dir_fd))

    def _mkdir(self, path, mode=0o777, *, dir_fd=None):
        call = Call("mkdir", _absolute(path, dir_fd))
        return self.passes(call, lambda _: self._real["mkdir"](path, mode, dir_fd=dir_fd))


_WRAPPED = (
    "open",
    "pwritev",
    "ftruncate",
    "fdatasync",
    "fsync",
    "rename",
    "replace",
    "unlink",
    "rmdir",
    "mkdir",
)


class _Libc:
    """The calls that Python has no function for: they answer -1 and leave the reason in errno."""

    def __init__(self, owner: Disk) -> None:
        self._owner = owner
        self._real = owner._libc

    def fallocate(self, fd, mode, offset, length):
        call = Call("fallocate", _of(fd), offset.value, length.value, fd=fd)
        return self._passes(call, lambda _: self._real.fallocate(fd, mode, offset, length))

    def sync_file_range(self, fd, offset, length, flags):
        call = Call("write_out", _of(fd), offset.value, length.value, fd=fd)
        return self._passes(call, lambda _: self._real.sync_file_range(fd, offset, length, flags))

    def renameat2(self, old_folder, old, new_folder, new, flags):
        call = Call("rename", _absolute(old), target=_absolute(new))
        return self._passes(
            call, lambda _: self._real.renameat2(old_folder, old, new_folder, new, flags)
        )

    def _passes(self, call, act):
        try:
            code = None

            def kept(length):
                nonlocal code
                result = act(length)
                code = ctypes.get_errno()  # a watcher's own calls must not change it
                return result

            result = self._owner.passes(call, kept)
        except OSError as problem:
            ctypes.set_errno(problem.errno)
            return -1
        if result:
            ctypes.set_errno(code)
        return result


def _is_direct(call: Call) -> bool:
    """Tell whether it is a write that passes the cache by."""
    if call.kind != "write":
        return False
    lines = Path(f"/proc/self/fdinfo/{call.fd}").read_text().splitlines()
    flags = next(line.split()[1] for line in lines if line.startswith("flags:"))
    return bool(int(flags, 8) & os.O_DIRECT)


def _for_writing(call: Call) -> bool:
    return bool(call.length & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _of(fd: int) -> Path:
    """Return the path of an open file, also of one that was deleted."""
    return Path(str(Path(f"/proc/self/fd/{fd}").readlink()).removesuffix(" (deleted)"))


def _absolute(path: object, dir_fd: int | None = None) -> Path:
    base = Path.cwd() if dir_fd is None else _of(dir_fd)
    given = base / os.fsdecode(path)
    return given.parent.resolve() / given.name
