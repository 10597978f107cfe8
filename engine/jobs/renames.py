"""Other paths for a torrent's files: which are acceptable, and what becomes of the records. Pure.

Rules
    * A new path is relative, and every part of it is a safe name (`engine.jobs.paths`). Unlike the
      names that torrents bring, it is refused rather than mended: who typed it wants that one.
    * Everything of a torrent lies under one `root`. A path that would take a file out of it is
      refused, for `content_path` could not name such a torrent. Where all files come under another
      first part together (the top folder, the only file), that becomes the root.
    * No two files meet, not even on a disk that ignores letter case, and no file takes the name of
      a folder that others lie in.
"""

from collections.abc import Sequence

import msgspec

from engine.jobs.paths import MAX_PATH, folded, safe_part
from engine.jobs.views import Conflict
from engine.store.records import FileRecord, MoveRecord, TorrentRecord


def file_renamed(files: Sequence[FileRecord], old: str, new: str) -> list[FileRecord]:
    """Return the files with one of them at another path. Raises Conflict."""
    _check_known(files)
    if not any(file.path == old for file in files):
        raise Conflict(f"The torrent has no file {old!r}.")
    return _checked(moved(files, old, _checked_path(new)), new)


def folder_renamed(files: Sequence[FileRecord], old: str, new: str) -> list[FileRecord]:
    """Return the files with those of one folder in another. Raises Conflict."""
    _check_known(files)
    inner = [file for file in files if file.path.startswith(f"{old}/")]
    if not inner:
        raise Conflict(f"The torrent has no folder {old!r}.")
    path = folded(_checked_path(new))
    moving = {file.index for file in inner}
    others = [folded(file.path) for file in files if file.index not in moving]
    if any(other == path or other.startswith(f"{path}/") for other in others):
        raise Conflict(f"The torrent has {new!r} already.")
    there = moved(inner, old, new)
    if is_within(old, new) and any(is_within(file.path, old) for file in there):
        raise Conflict(f"The folder {old!r} holds one of the same name.")
    return _checked(moved(files, old, new), new)


def moved(files: Sequence[FileRecord], old: str, new: str) -> list[FileRecord]:
    """Return the files with `new` in the place of the file or folder `old`."""
    return [
        msgspec.structs.replace(file, path=new + file.path.removeprefix(old))
        if is_within(file.path, old)
        else file
        for file in files
    ]


def arrived(
    record: TorrentRecord, files: Sequence[FileRecord], move: MoveRecord
) -> tuple[TorrentRecord, list[FileRecord]]:
    """Return what is known of a torrent once its move is done."""
    there = moved(files, move.old, move.new)
    record = msgspec.structs.replace(
        record,
        save_path=move.target if record.save_path == move.source else record.save_path,
        root=root_of(there),
        auto_managed=move.auto_managed,
    )
    return record, there


def root_of(files: Sequence[FileRecord]) -> str:
    """Return the first part that the paths of all files have."""
    return files[0].path.partition("/")[0]


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path is that of a folder or of something in it."""
    return path == folder or path.startswith(f"{folder}/")


def _check_known(files: Sequence[FileRecord]) -> None:
    if not files:
        raise Conflict("The torrent's files are not known yet.")


def _checked_path(path: str) -> str:
    """Return a new path as it is. Raises Conflict."""
    if not path or path.startswith("/"):
        raise Conflict(f"The new path {path!r} must be relative, and not empty.")
    for part in path.split("/"):
        if safe_part(part) != part:
            raise Conflict(f"{part!r} is no name for every disk; {safe_part(part)!r} would be one.")
    if len(path.encode()) > MAX_PATH:
        raise Conflict(f"The new path is longer than {MAX_PATH} bytes.")
    return path


def _checked(files: list[FileRecord], new: str) -> list[FileRecord]:
    """Return files that may lie on disk like this. Raises Conflict."""
    if len({file.path.partition("/")[0] for file in files}) > 1:
        raise Conflict(f"{new!r} is outside the folder that holds the torrent's files.")
    paths = {folded(file.path) for file in files}
    folders = {path[:at] for path in paths for at, sign in enumerate(path) if sign == "/"}
    if len(paths) < len(files) or paths & folders:
        raise Conflict(f"The torrent has {new!r} already.")
    return files
