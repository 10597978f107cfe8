"""Releases on their way to other programs, and what became of them.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

from collections.abc import Collection

import apsw
import msgspec

from engine.store import rows
from engine.store.records import PushRecord

MOST_UNSURE = 500
"""Releases whose torrent is not known that a torrent is compared with, the most recent first."""

_INSERT = rows.insert(PushRecord, "pushes")
_SAVE = rows.upsert(PushRecord, "pushes", "id")
_GET = rows.select(PushRecord, "pushes", "WHERE id = ?")
_FIRST = rows.select(
    PushRecord,
    "pushes",
    "WHERE state = ? AND target = ? AND id NOT IN (SELECT value FROM json_each(?))"
    " ORDER BY sequence LIMIT 1",
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
_UNSURE = rows.select(
    PushRecord,
    "pushes",
    "WHERE state IN ('waiting', 'approved', 'later', 'ungrabbed') AND tried = 1"
    " AND (infohash = '' OR guessed = 1) AND attempted_at >= ?"
    f" ORDER BY sequence DESC LIMIT {MOST_UNSURE}",
)


def add(db: apsw.Connection, record: PushRecord) -> None:
    """Keep a push behind all others; one with the same id moves there."""
    db.execute("DELETE FROM pushes WHERE id = ?", (record.id,))
    rows.write(db, _INSERT, [record])


def save(db: apsw.Connection, record: PushRecord) -> None:
    """Keep a push in its place."""
    rows.write(db, _SAVE, [record])


def get(db: apsw.Connection, push_id: str) -> PushRecord | None:
    """Return the push with an id, or None."""
    found = rows.read(db, PushRecord, _GET, push_id)
    return found[0] if found else None


def first(
    db: apsw.Connection, state: str, target: str, but: Collection[str] = ()
) -> PushRecord | None:
    """Return the first push to a program that is in a state, or None; not one of the ids `but`."""
    ids = msgspec.json.encode(list(but)).decode()
    found = rows.read(db, PushRecord, _FIRST, state, target, ids)
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


def same(
    db: apsw.Connection, target: str, infohash: str, words: str, *, guessed: bool = False
) -> PushRecord | None:
    """Return the push to a program of the same release, or None.

    Two torrents of one name are two releases. Where one of both is not known, or was `guessed` and
    is no other's, the name decides.
    """
    found = of_torrent(db, infohash) if infohash else []
    if told := [one for one in found if one.target == target]:
        return told[-1]
    unknown = guessed or not infohash
    alike = rows.read(db, PushRecord, _OF_WORDS, words, target)
    return next((one for one in alike if unknown or one.guessed or not one.infohash), None)


def unsure(db: apsw.Connection, since: int) -> list[PushRecord]:
    """Return those tried since a time (Unix seconds) whose torrent nobody told, the last first."""
    return rows.read(db, PushRecord, _UNSURE, since)


def prune(db: apsw.Connection, older_than: int, most: int) -> None:
    """Forget what ended before `older_than` (Unix seconds), and all beyond the last `most`."""
    db.execute("DELETE FROM pushes WHERE ended_at > 0 AND ended_at < ?", (older_than,))
    db.execute(
        "DELETE FROM pushes WHERE ended_at > 0 AND sequence NOT IN"
        " (SELECT sequence FROM pushes ORDER BY sequence DESC LIMIT ?)",
        (most,),
    )
