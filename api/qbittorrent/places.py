"""Which folders a client may name for finished files. Pure.

Rules
    * A relative path is below the folder of finished files and must stay there.
    * An absolute one may be anywhere, as with qBittorrent, but neither the root folder nor among
      the unfinished files, which come and go by themselves.
    * What no file system can hold is refused at once: hours later, with everything downloaded, is
      the wrong moment to find out.
"""

import posixpath
import re

LONGEST_PATH = 4095
"""Bytes: Linux's PATH_MAX without the NUL at its end."""

LONGEST_NAME = 255
"""Bytes between two slashes: NAME_MAX of the usual file systems."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class BadPlace(ValueError):
    """The folder is not acceptable; the message says why, in one sentence."""


def place(path: str, *, complete: str, unfinished: str = "") -> str:
    """Return a folder as an absolute path without `.` and `..`; raises BadPlace.

    `complete` and `unfinished` are the absolute folders of finished and of unfinished files; an
    empty `unfinished` is none.
    """
    if _CONTROLS.search(path):
        raise BadPlace(f"the folder {path[:80]!r} must not hold control characters")
    folder = _plain(posixpath.join(complete, path))
    if len(folder.encode("utf-8", "replace")) > LONGEST_PATH:
        raise BadPlace(f"the folder's path must not be longer than {LONGEST_PATH} bytes")
    if any(len(name.encode("utf-8", "replace")) > LONGEST_NAME for name in folder.split("/")):
        raise BadPlace(f"no part of the folder's path may be longer than {LONGEST_NAME} bytes")
    if not path.startswith("/") and not _within(folder, _plain(complete)):
        raise BadPlace(f"the folder {path!r} must not lead out of {complete}")
    if folder == "/":
        raise BadPlace("the root folder is no place for downloads")
    if unfinished and _within(folder, _plain(unfinished)):
        raise BadPlace(f"the folder {path!r} is among the unfinished files in {unfinished}")
    return folder


def _plain(path: str) -> str:
    # POSIX lets two slashes at the beginning mean something else; Linux does not.
    return posixpath.normpath("/" + path.lstrip("/"))


def _within(folder: str, other: str) -> bool:
    return folder == other or folder.startswith(other.rstrip("/") + "/")
