"""Reading a .torrent that lies on disk, at a path that came from outside.

Theory
    Only what is below certain folders may be read, whatever links lead out of them, and whoever
    changes these links meanwhile. So the path is resolved first, which tells where it leads now.
    Then the file is opened from its folder on, one name after the other, each without following
    a link: if one has become a link since, that is an error and not a way out.

Rules
    Regular files only. Opening one of the others must not block either: a pipe waits for a writer.
    Whoever asks does not learn what there is outside of the folders: all of that is refused in the
    same words. No message repeats the path.
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

LONGEST_PATH = 4096
"""Bytes, as for Linux (PATH_MAX)."""

CHUNK = 1 << 20
"""Bytes that are read at a time."""

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_WHY = {
    errno.ENOENT: "there is no such file",
    errno.EACCES: "the file may not be read",
    errno.EPERM: "the file may not be read",
}


class BadPath(ValueError):
    """There is nothing to read at a path; the sentence says why and does not repeat it."""


def read(path: str, folders: Sequence[Path], largest: int) -> bytes:
    """Return the bytes of a file below one of `folders`; blocks. Any thread may call.

    Raises BadPath, also for an empty file and for one of more than `largest` bytes.
    """
    folder, names = _place(path, folders)
    try:
        file = _open(folder, names)
        try:
            return _content(file, largest)
        finally:
            os.close(file)
    except OSError as problem:
        raise BadPath(_WHY.get(problem.errno or 0, "the file cannot be read")) from None


def _place(path: str, folders: Sequence[Path]) -> tuple[str, list[str]]:
    """Return the folder that a path leads into, and the names on the way from there."""
    if not folders:
        raise BadPath("no folder is set up in which a .torrent may lie")
    real = _resolved(path)
    for folder in map(os.path.realpath, folders):
        prefix = folder.rstrip("/") + "/"
        if real.startswith(prefix) and real != prefix:
            return folder, real.removeprefix(prefix).split("/")
    raise BadPath("the path leads out of the folders in which a .torrent may lie")


def _resolved(path: str) -> str:
    """Return an absolute path without links."""
    try:
        encoded = os.fsencode(path)
    except UnicodeError:
        raise BadPath("the path is no valid text") from None
    if not encoded.startswith(b"/") or b"\0" in encoded or len(encoded) > LONGEST_PATH:
        raise BadPath("the path must be absolute, such as /torrents/a.torrent")
    return os.path.realpath(path)


def _open(folder: str, names: Sequence[str]) -> int:
    """Open a file without following any link below the folder. Raises OSError."""
    inside = os.open(folder, _FOLDER)
    try:
        for name in names[:-1]:
            outside, inside = inside, os.open(name, _FOLDER, dir_fd=inside)
            os.close(outside)
        return os.open(names[-1], _FILE, dir_fd=inside)
    finally:
        os.close(inside)


def _content(file: int, largest: int) -> bytes:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise BadPath("that is no file")
    content = bytearray()
    # It may be growing: its size does not tell all.
    while found.st_size <= largest and len(content) <= largest:
        chunk = os.read(file, CHUNK)
        if not chunk:
            break
        content += chunk
    else:
        raise BadPath(f"the file has more than {largest} bytes, which is the most that is taken")
    if not content:
        raise BadPath("the file is empty")
    return bytes(content)
