"""Where `get` puts a file: its name, its folder, and the lock on the unfinished file beside it."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from engine.transfer.urls import Url

SUFFIX = ".part"
"""Of the unfinished file."""

LONGEST_NAME = 255 - len(".part.resume.new")
"""Bytes of a file's name: what stands beside it must have a name as well."""

LONGEST_EXTENSION = 16
"""Bytes, with its dot: what is longer is no extension, but a name with a dot in it."""

NAMELESS = "download"
"""The name of a file whose URL has none."""

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})


class Refused(Exception):
    """The file cannot be put where it should go; the message says why."""


def target_of(output: str, url: Url) -> Path:
    """Return where the finished file goes; `output` is a file, a folder or empty.

    Raises Refused when there is no such folder, or when the name is too long.
    """
    if output == "-":
        raise Refused("-o - is not possible: a download that can be resumed needs a file")
    path = Path(output)
    try:
        if path.is_dir():
            return path / name_from(url)
        _check_name(path.name)
        if output.endswith("/") or not path.parent.is_dir():
            folder = path if output.endswith("/") else path.parent
            raise Refused(f"cannot write {output}: there is no folder {folder}")
    except OSError as error:
        _check_name(path.name)
        raise Refused(f"cannot write {output}: {error.strerror}") from None
    return path


def name_from(url: Url) -> str:
    """Return the last part of the URL's path as a safe file name."""
    # Here and not above: its tables take a while to build, and -o makes them superfluous.
    from engine.jobs.paths import safe_part  # noqa: PLC0415

    last = unquote(url.target.partition("?")[0].rpartition("/")[2], errors="replace")
    if not last.strip(". "):
        return NAMELESS
    path = Path(safe_part(last))
    extension = path.suffix if len(path.suffix.encode()) <= LONGEST_EXTENSION else ""
    stem = path.name.removesuffix(extension) if extension else path.name
    return (
        stem.encode()[: LONGEST_NAME - len(extension.encode())].decode(errors="ignore") + extension
    )


def check_free(target: Path, *, overwrite: bool) -> None:
    """Raise Refused when a file is there that must stay, or something that is no file."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Refused(f"cannot write {target}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        raise Refused(f"{target} is there already and is no file")
    if not overwrite:
        raise Refused(f"{target} is there already; --overwrite replaces it")


def _check_name(name: str) -> None:
    length = len(os.fsencode(name))
    if length > LONGEST_NAME:
        raise Refused(
            f"the file name {name[:40]}... has {length} bytes and may have {LONGEST_NAME}:"
            " what stands beside the unfinished file must have a name as well"
        )


@contextlib.contextmanager
def locked(part: Path) -> Iterator[int]:
    """Hold the lock on the unfinished file, made if it is missing; yields its descriptor.

    Raises Refused when another process has it, or when the file cannot be opened.
    """
    try:
        descriptor = _lock(part)
    except OSError as error:
        raise Refused(f"cannot write {part}: {error.strerror}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(part: Path) -> int:
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(part, flags, 0o666)
        try:
            _take(descriptor, part)
            # Whoever had it may have renamed or removed the file while we were opening it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), part.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take(descriptor: int, part: Path) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise Refused(f"{part} is there already and is no file")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(f"{part} is being written by another process") from None
    except OSError as error:
        # Some network file systems know no locks; that is no reason not to download.
        if error.errno not in _NO_LOCKS:
            raise
