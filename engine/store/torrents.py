"""The torrents, and the .torrent files they were added with.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import TorrentRecord

_LOAD = rows.select(
    TorrentRecord,
    "(SELECT *, EXISTS (SELECT 1 FROM metainfo WHERE torrent = hash) AS has_metainfo"
    " FROM torrents)",
    "ORDER BY sequence",
)
_SAVE = rows.upsert(TorrentRecord, "torrents", "hash", but=("has_metainfo",))


def load_all(db: apsw.Connection) -> list[TorrentRecord]:
    """Return all torrents, in the order they were first saved."""
    return rows.read(db, TorrentRecord, _LOAD)


def save(db: apsw.Connection, record: TorrentRecord) -> None:
    """Insert the torrent or update it; its files, events and .torrent stay as they are.

    `has_metainfo` is not stored: it says whether `save_metainfo` was called.
    """
    rows.write(db, _SAVE, [record])


def exists(db: apsw.Connection, infohash: str) -> bool:
    """Tell whether there is such a torrent."""
    sql = "SELECT 1 FROM torrents WHERE hash = ?"
    return db.execute(sql, (infohash,)).fetchone() is not None


def delete(db: apsw.Connection, infohash: str) -> None:
    """Forget the torrent with its files, events and .torrent; nothing happens if there is none."""
    db.execute("DELETE FROM torrents WHERE hash = ?", (infohash,))


def metainfo(db: apsw.Connection, infohash: str) -> bytes | None:
    """Return the torrent's .torrent file as it was added, or None."""
    row = db.execute("SELECT data FROM metainfo WHERE torrent = ?", (infohash,)).fetchone()
    return None if row is None else bytes(row[0])


def save_metainfo(db: apsw.Connection, infohash: str, data: bytes) -> None:
    """Keep the torrent's .torrent file. The torrent must be saved first, else StoreError."""
    db.execute(
        "INSERT INTO metainfo (torrent, data) VALUES (?, ?)"
        " ON CONFLICT (torrent) DO UPDATE SET data = excluded.data",
        (infohash, data),
    )
