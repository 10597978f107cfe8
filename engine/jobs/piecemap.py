"""Which pieces of a torrent are on disk, from how much of each file is. Pure."""

from collections.abc import Sequence

from engine.store.records import FileRecord

MISSING, DOWNLOADING, ON_DISK = 0, 1, 2
"""qBittorrent's numbers for the state of a piece."""


def piece_states(
    files: Sequence[FileRecord],
    offsets: Sequence[int],
    *,
    piece_length: int,
    pieces: int,
    downloading: int | None = None,
) -> list[int]:
    """Return the state of each piece.

    `offsets` says where each file begins in the stream of pieces, by its index; empty where they
    lie one behind the other. `downloading` is the index of the file that is being downloaded.
    """
    states = [ON_DISK] * pieces
    at = 0
    for file in files:
        begin = offsets[file.index] if offsets else at
        at = begin + file.size
        if file.flushed < file.size:
            first = (begin + file.flushed) // piece_length
            end = min(-(-at // piece_length), pieces)
            states[first:end] = [MISSING] * (end - first)
    at = 0
    for file in files:
        begin = offsets[file.index] if offsets else at
        at = begin + file.size
        if file.index == downloading and file.flushed < file.size:
            states[(begin + file.flushed) // piece_length] = DOWNLOADING
    return states
