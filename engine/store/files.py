"""The files of the torrents and how much of each is durable on disk.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

from collections.abc import Sequence

import apsw

from engine.store import rows
from engine.store.records import FileRecord

_LOAD = rows.select(FileRecord, "files", 'ORDER BY torrent, "index"')
_OF = rows.select(FileRecord, "files", 'WHERE torrent = ? ORDER BY "index"')
_INSERT = rows.insert(FileRecord, "files")


def load_all(db: apsw.Connection) -> dict[str, list[FileRecord]]:
    """Return the files of all torrents by infohash, in torrent order.

    A torrent whose files are not known is not in it.
    """
    files: dict[str, list[FileRecord]] = {}
    for record in rows.read(db, FileRecord, _LOAD):
        files.setdefault(record.torrent, []).append(record)
    return files


def of(db: apsw.Connection, infohash: str) -> list[FileRecord]:
    """Return the files of one torrent, in torrent order; empty while they are not known."""
    return rows.read(db, FileRecord, _OF, infohash)


def replace(db: apsw.Connection, infohash: str, records: Sequence[FileRecord]) -> None:
    """Put `records` in the place of all files of the torrent, their checkpoints included.

    Raises ValueError when a record is another torrent's, StoreError when the torrent is not saved.
    """
    for record in records:
        if record.torrent != infohash:
            raise ValueError(f"file {record.index} is of torrent {record.torrent}, not {infohash}")
    db.execute("DELETE FROM files WHERE torrent = ?", (infohash,))
    rows.write(db, _INSERT, records)


def set_priority(db: apsw.Connection, infohash: str, indexes: Sequence[int], priority: int) -> None:
    """Note how much files of a torrent are wanted; nothing happens to those that are gone."""
    db.executemany(
        'UPDATE files SET priority = ? WHERE torrent = ? AND "index" = ?',
        ((priority, infohash, index) for index in indexes),
    )


def checkpoint(
    db: apsw.Connection, infohash: str, index: int, flushed: int, etag: str, last_modified: str
) -> None:
    """Note that the first `flushed` bytes are durable, and the validators they came with.

    Nothing happens when the file is gone: a download may outlive its torrent for a moment.
    """
    db.execute(
        "UPDATE files SET flushed = ?, etag = ?, last_modified = ?"
        ' WHERE torrent = ? AND "index" = ?',
        (flushed, etag, last_modified, infohash, index),
    )
