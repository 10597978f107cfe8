r"""Turn any text into names that are safe on every disk.

Rules
    * A part holds no separator, control character or lone surrogate, nothing that Windows refuses
      (`<>:"|?*`, `NUL.txt`, trailing dots and spaces), is not `.` or `..`, is never empty, and has
      at most 255 bytes of UTF-8. What is not allowed becomes `_`.
    * Names that keep these rules come out as they went in; safe names stay as they are.
    * Two files never meet at one path, not even on a disk that ignores letter case or stores
      accents in another form (Samba, NTFS, APFS).

Windows counts although we run on Linux: the folder is often a share.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_PART = 255
"""Bytes of UTF-8 in a name: NAME_MAX of ext4, XFS, Btrfs, ZFS."""

MAX_PATH = 3072
"""Bytes of UTF-8 in a relative path: PATH_MAX is 4096, and the folders above need some."""

MAX_FOLDERS = 100
"""Folders inside one another. Much deeper than any torrent goes, and far from where programs that
call themselves for each folder give up (Python's own at a thousand)."""

_REPLACEMENT = "_"
_HOSTILE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\ud800-\udfff]')
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
_EXTENSION = re.compile(r"\.[^\s.]{1,16}\Z")
_LONGEST_EXTENSION = 17
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
"""What str.strip() takes off; U+3000 is the last of them in Unicode."""


def safe_part(name: str) -> str:
    """Return `name` as one safe part of a path."""
    part = _HOSTILE.sub(_REPLACEMENT, name.strip())
    part = _cut(part.rstrip(_SPACES + "."))
    if _DEVICE.match(part):
        part = _cut(_REPLACEMENT + part)
    return part or _REPLACEMENT


def safe_path(parts: Sequence[str]) -> str:
    """Return the safe parts joined by `/`; empty parts are left out.

    A path over MAX_PATH bytes, or over MAX_FOLDERS, loses its innermost folders; the first part
    and the name stay.
    """
    *folders, name = [safe_part(part) for part in parts if part] or [_REPLACEMENT]
    room = MAX_PATH - _bytes(name)
    kept: list[str] = []
    for folder in folders[:MAX_FOLDERS]:
        room -= _bytes(folder) + 1
        if room < 0:
            break
        kept.append(folder)
    return "/".join([*kept, name])


def unique(paths: list[str]) -> list[str]:
    """Return safe paths in the same order, changed where two would be the same file.

    The first of them keeps its name, the others get ` (2)`, ` (3)`, ... before the extension. A
    file that has the name of a folder gives way as well.

    Of what is taken only hashes are kept: the paths of a hundred folders inside one another would
    take fifty times the room of the last. Two that are equal by chance cost a number in a name.
    """
    folders = {hash(folder) for path in paths for folder in _folders_of(folded(path))}
    taken = folders | {_key(path) for path in paths}
    claimed = set(folders)
    numbers: dict[int, int] = {}
    result = []
    for path in paths:
        key = _key(path)
        if key in claimed:
            path, numbers[key] = _next_free(path, numbers.get(key, 2), taken)  # noqa: PLW2901 - the name it gets
            taken.add(_key(path))
        claimed.add(key)
        result.append(path)
    return result


def folded(path: str) -> str:
    """Return the key under which a disk that ignores case and accent forms files `path`."""
    once = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFD", once)


def _key(path: str) -> int:
    return hash(folded(path))


def _next_free(path: str, number: int, taken: set[int]) -> tuple[str, int]:
    """Return `path` with the first number from `number` on that is free, and the one after it."""
    while _key(candidate := _numbered(path, number)) in taken:
        number += 1
    return candidate, number + 1


def _numbered(path: str, number: int) -> str:
    folder, slash, name = path.rpartition("/")
    stem, extension = _split(name)
    tail = f" ({number}){extension}"
    return folder + slash + _shorten(stem, MAX_PART - _bytes(tail)) + tail


def _folders_of(path: str) -> Iterator[str]:
    """Yield the folders above `path`, outermost first."""
    return (path[:at] for at, character in enumerate(path) if character == "/")


def _cut(name: str) -> str:
    """Shorten a name to MAX_PART bytes, keeping its extension."""
    if _bytes(name) <= MAX_PART:
        return name
    stem, extension = _split(name)
    return (_shorten(stem, MAX_PART - _bytes(extension)) + extension).rstrip(_SPACES + ".")


def _split(name: str) -> tuple[str, str]:
    """Return stem and extension; a dot at the start or before a space makes no extension."""
    found = _EXTENSION.search(name, max(1, len(name) - _LONGEST_EXTENSION))
    at = found.start() if found else len(name)
    return name[:at], name[at:]


def _shorten(text: str, room: int) -> str:
    """Return as much of `text` as fits into `room` bytes, whole characters only."""
    return text.encode()[:room].decode(errors="ignore")


def _bytes(text: str) -> int:
    return len(text.encode())
