"""Releases on their way to other programs, and what became of them.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import PushRecord

_INSERT = rows.insert(PushRecord, "pushes")
_SAVE = rows.upsert(PushRecord, "pushes", "id")
_GET = rows.select(PushRecord, "pushes", "WHERE id = ?")
_FIRST = rows.select(
    PushRecord, "pushes", "WHERE state = ? AND target = ? ORDER BY sequence LIMIT 1"
)
_IN_STATE = rows.select(PushRecord, "pushes", "WHERE state = ? ORDER BY sequence")
_OVERDUE = rows.select(
    PushRecord, "pushes", "WHERE state = ? AND target = ? AND accepted_at < ? ORDER BY sequence"
)
_RECENT = rows.select(PushRecord, "pushes", "ORDER BY sequence DESC LIMIT ?")
_OF_TORRENT = rows.select(PushRecord, "pushes", "WHERE infohash = ? ORDER BY sequence")
_OF_WORDS = rows.select(
    PushRecord, "pushes", "WHERE words = ? AND target = ? ORDER BY sequence DESC"
)
_NAMELESS = rows.select(
    PushRecord,
    "pushes",
    "WHERE state IN ('waiting', 'approved', 'later') AND infohash = '' AND tried = 1"
    " ORDER BY sequence",
)


def add(db: apsw.Connection, record: PushRecord) -> None:
    """Keep a push behind all others; one with the same id moves there."""
    db.execute("DELETE FROM pushes WHERE id = ?", (record.id,))
    rows.write(db, _INSERT, [record])


def save(db: apsw.Connection, record: PushRecord) -> None:
    """Keep a push in its place."""
    rows.write(db, _SAVE, [record])


def to_the_end(db: apsw.Connection, push_id: str) -> None:
    """Have a push go out behind all others."""
    db.execute(
        "UPDATE pushes SET sequence = (SELECT max(sequence) + 1 FROM pushes) WHERE id = ?",
        (push_id,),
    )


def get(db: apsw.Connection, push_id: str) -> PushRecord | None:
    """Return the push with an id, or None."""
    found = rows.read(db, PushRecord, _GET, push_id)
    return found[0] if found else None


def first(db: apsw.Connection, state: str, target: str) -> PushRecord | None:
    """Return the first push to a program that is in a state, or None."""
    found = rows.read(db, PushRecord, _FIRST, state, target)
    return found[0] if found else None


def in_state(db: apsw.Connection, state: str) -> list[PushRecord]:
    """Return the pushes that are in a state, in their order."""
    return rows.read(db, PushRecord, _IN_STATE, state)


def recent(db: apsw.Connection, most: int) -> list[PushRecord]:
    """Return the last ones, the most recent first."""
    return rows.read(db, PushRecord, _RECENT, most)


def of_torrent(db: apsw.Connection, infohash: str) -> list[PushRecord]:
    """Return the pushes of a torrent, in their order."""
    return rows.read(db, PushRecord, _OF_TORRENT, infohash)


def overdue(db: apsw.Connection, state: str, target: str, before: int) -> list[PushRecord]:
    """Return those to a program, in a state, that were accepted before a time (Unix seconds)."""
    return rows.read(db, PushRecord, _OVERDUE, state, target, before)


def same(db: apsw.Connection, target: str, infohash: str, words: str) -> PushRecord | None:
    """Return the push to a program of the same release, or None.

    Two torrents of one name are two releases. Where one of both is not known, the name decides.
    """
    if infohash:
        found = [one for one in of_torrent(db, infohash) if one.target == target]
        if found:
            return found[-1]
    alike = rows.read(db, PushRecord, _OF_WORDS, words, target)
    return next((one for one in alike if not one.infohash or not infohash), None)


def nameless(db: apsw.Connection) -> list[PushRecord]:
    """Return those whose torrent is not known and may be added just now."""
    return rows.read(db, PushRecord, _NAMELESS)


def prune(db: apsw.Connection, older_than: int, most: int) -> None:
    """Forget what ended before `older_than` (Unix seconds), and all beyond the last `most`."""
    db.execute("DELETE FROM pushes WHERE ended_at > 0 AND ended_at < ?", (older_than,))
    db.execute(
        "DELETE FROM pushes WHERE ended_at > 0 AND sequence NOT IN"
        " (SELECT sequence FROM pushes ORDER BY sequence DESC LIMIT ?)",
        (most,),
    )
