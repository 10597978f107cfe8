"""What happened to the torrents.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import EventRecord

KEPT = 500
"""Events kept per torrent; months of a normal life, and a bound for one that fails and retries."""

_OF = rows.select(EventRecord, "events", "WHERE torrent = ? ORDER BY sequence")
_RECORD = (
    "INSERT INTO events (torrent, at, kind, detail)"
    " SELECT hash, :at, :kind, :detail FROM torrents WHERE hash = :torrent"
)
_PRUNE = (
    "DELETE FROM events WHERE torrent = :torrent AND sequence <="
    " (SELECT sequence FROM events WHERE torrent = :torrent"
    " ORDER BY sequence DESC LIMIT 1 OFFSET :kept)"
)


def record(db: apsw.Connection, event: EventRecord) -> None:
    """Add an event to its torrent's history; the oldest ones go when there are more than KEPT.

    Nothing happens when the torrent is gone: what worked on it may have something to say still.
    """
    rows.write(db, _RECORD, [event])
    db.execute(_PRUNE, {"torrent": event.torrent, "kept": KEPT})


def of(db: apsw.Connection, infohash: str) -> list[EventRecord]:
    """Return what happened to a torrent, oldest first: in the order it was recorded."""
    return rows.read(db, EventRecord, _OF, infohash)
