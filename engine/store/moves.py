"""What is being moved or renamed on disk: written before the disk is touched, gone with its end.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import MoveRecord

_LOAD = rows.select(MoveRecord, "moves", "ORDER BY torrent")
_SAVE = rows.upsert(MoveRecord, "moves", "torrent")


def load_all(db: apsw.Connection) -> list[MoveRecord]:
    """Return all of them, by infohash."""
    return rows.read(db, MoveRecord, _LOAD)


def save(db: apsw.Connection, record: MoveRecord) -> None:
    """Note what is about to be done, or how far it is. The torrent must be saved first."""
    rows.write(db, _SAVE, [record])


def delete(db: apsw.Connection, infohash: str) -> None:
    """Forget a torrent's move: it is over. Nothing happens if there is none."""
    db.execute("DELETE FROM moves WHERE torrent = ?", (infohash,))
