"""The further categories that torrents belong to, and where each has its own copy of the files.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

from collections.abc import Sequence

import apsw

from engine.store import rows
from engine.store.records import ShareRecord

_LOAD = rows.select(ShareRecord, "shares", "ORDER BY torrent, sequence")
_INSERT = rows.insert(ShareRecord, "shares")


def load_all(db: apsw.Connection) -> dict[str, list[ShareRecord]]:
    """Return the shares of all torrents by infohash, in the order in which they came."""
    shares: dict[str, list[ShareRecord]] = {}
    for record in rows.read(db, ShareRecord, _LOAD):
        shares.setdefault(record.torrent, []).append(record)
    return shares


def replace(db: apsw.Connection, infohash: str, records: Sequence[ShareRecord]) -> None:
    """Put `records` in the place of all shares of the torrent, which must be saved first."""
    db.execute("DELETE FROM shares WHERE torrent = ?", (infohash,))
    rows.write(db, _INSERT, records)
