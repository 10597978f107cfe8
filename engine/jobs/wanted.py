"""Which files of a torrent are wanted, which are missing, and which comes next. Pure.

Theory
    A file of priority 0 is not downloaded, and counts for nothing but the torrent's full size. It
    may be on disk all the same: wholly or in part, when it was given up on the way.

    A file is in one of two places, our folder of unfinished files or below `save_path`, where it is
    `published`. So a torrent lacks a file that is wanted and not published, and has arrived when it
    lacks none. Whether a published file is still there is not asked: Sonarr takes files away.
"""

from collections.abc import Iterable, Sequence

from engine.jobs.states import RESTING, State
from engine.store.records import FileRecord

SKIPPED = 0
"""The priority of files that are not downloaded."""

PRIORITIES = frozenset({SKIPPED, 1, 6, 7})
"""qBittorrent's: not downloaded, normal, high, highest."""


def is_wanted(file: FileRecord) -> bool:
    """Tell whether a file is to be downloaded, or was."""
    return file.priority != SKIPPED


def is_whole(file: FileRecord) -> bool:
    """Tell whether all bytes of a file came. Of an empty file they always did."""
    return file.flushed >= file.size


def lacking(files: Iterable[FileRecord]) -> list[FileRecord]:
    """Return the files that have to get to their final place still, in torrent order."""
    return [file for file in files if is_wanted(file) and not file.published]


def unfinished(files: Iterable[FileRecord]) -> list[FileRecord]:
    """Return the files that have to be downloaded still, the first to come first."""
    missing = [file for file in lacking(files) if not is_whole(file)]
    return sorted(missing, key=lambda file: (-file.priority, file.index))


def rests(state: State, files: Sequence[FileRecord]) -> bool:
    """Tell whether nothing is to be done for a torrent until somebody asks for it."""
    return state in RESTING and not (state is State.COMPLETED and lacking(files))
