"""The magnets that AllDebrid has still to be told to remove, though no torrent has them any more.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import RemovalRecord

_LOAD = rows.select(RemovalRecord, "removals", "ORDER BY magnet_id")
_SAVE = rows.upsert(RemovalRecord, "removals", "magnet_id")


def load_all(db: apsw.Connection) -> list[RemovalRecord]:
    """Return all of them, the oldest magnet first."""
    return rows.read(db, RemovalRecord, _LOAD)


def save(db: apsw.Connection, record: RemovalRecord) -> None:
    """Remember that a magnet is to be removed."""
    rows.write(db, _SAVE, [record])


def delete(db: apsw.Connection, magnet_id: int) -> None:
    """Forget about a magnet: it is removed, or wanted again. Nothing happens if it is unknown."""
    db.execute("DELETE FROM removals WHERE magnet_id = ?", (magnet_id,))


def delete_all(db: apsw.Connection) -> None:
    """Forget about all of them."""
    db.execute("DELETE FROM removals")
