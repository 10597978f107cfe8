"""How torrents ended, kept until whoever asked for them has been told.

An ending is void when its torrent goes on, and when the torrent is deleted before anybody may have
acted on it.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import EndingRecord

_LOAD = rows.select(EndingRecord, "endings", "ORDER BY at, torrent")
_SAVE = rows.upsert(EndingRecord, "endings", "torrent")
_DELETE = "DELETE FROM endings WHERE torrent = :torrent AND failed = :failed AND at = :at"


def load_all(db: apsw.Connection) -> list[EndingRecord]:
    """Return all of them, the oldest first."""
    return rows.read(db, EndingRecord, _LOAD)


def save(db: apsw.Connection, record: EndingRecord) -> None:
    """Remember how a torrent ended; how it ended before is of no interest any more."""
    rows.write(db, _SAVE, [record])


def begin(db: apsw.Connection, record: EndingRecord) -> bool:
    """Note that somebody acts on an ending now; False when it is void."""
    db.execute(
        "UPDATE endings SET tried = 1 WHERE torrent = ? AND failed = ? AND at = ?",
        (record.torrent, record.failed, record.at),
    )
    return db.changes() > 0


def told(db: apsw.Connection, record: EndingRecord) -> None:
    """Forget an ending, but not one that came after it."""
    rows.write(db, _DELETE, [record])


def forget(db: apsw.Connection, infohash: str) -> None:
    """Forget how a torrent ended: it goes on."""
    db.execute("DELETE FROM endings WHERE torrent = ?", (infohash,))


def deleted(db: apsw.Connection, infohash: str) -> None:
    """Forget how a deleted torrent ended, unless that is why it was deleted."""
    db.execute("DELETE FROM endings WHERE torrent = ? AND tried = 0", (infohash,))


def delete_all(db: apsw.Connection) -> None:
    """Forget about all of them."""
    db.execute("DELETE FROM endings")
