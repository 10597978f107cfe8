"""Which torrent a release of some name is: what was seen of both together.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import ReleaseRecord

MOST_CANDIDATES = 500
"""Releases with the same `start` that are looked at: those are torrents of nearly one name."""

_SAVE = (
    f"{rows.insert(ReleaseRecord, 'releases')} ON CONFLICT (name, infohash) DO UPDATE SET"
    " start = excluded.start,"
    " size = max(size, excluded.size), seen_at = max(seen_at, excluded.seen_at)"
)
_CANDIDATES = rows.select(
    ReleaseRecord,
    "releases",
    f"WHERE start = ? ORDER BY seen_at DESC, infohash LIMIT {MOST_CANDIDATES}",
)
_ALL = rows.select(ReleaseRecord, "releases", "ORDER BY seen_at DESC, name, infohash")


def save(db: apsw.Connection, record: ReleaseRecord) -> None:
    """Remember a release; one that was known was seen again."""
    rows.write(db, _SAVE, [record])


def candidates(db: apsw.Connection, start: str) -> list[ReleaseRecord]:
    """Return the releases that have these `start`, the most recent first."""
    return rows.read(db, ReleaseRecord, _CANDIDATES, start)


def load_all(db: apsw.Connection) -> list[ReleaseRecord]:
    """Return all of them, the most recent first."""
    return rows.read(db, ReleaseRecord, _ALL)


def prune(db: apsw.Connection, older_than: int, most: int) -> None:
    """Forget what was last seen before `older_than` (Unix seconds), and all but the last `most`."""
    db.execute("DELETE FROM releases WHERE seen_at < ?", (older_than,))
    db.execute(
        "DELETE FROM releases WHERE (name, infohash) IN (SELECT name, infohash FROM releases"
        " ORDER BY seen_at DESC, name, infohash LIMIT -1 OFFSET ?)",
        (most,),
    )
