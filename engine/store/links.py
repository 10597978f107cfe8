"""Unlocked links, so that a restart does not unlock them again. Their URLs are secrets.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import UnlockedLink

_GET = rows.select(UnlockedLink, "links", "WHERE link = ?")
_PUT = rows.upsert(UnlockedLink, "links", "link")


def get(db: apsw.Connection, link: str) -> UnlockedLink | None:
    """Return what `link` was last unlocked to, however old, or None."""
    found = rows.read(db, UnlockedLink, _GET, link)
    return found[0] if found else None


def put(db: apsw.Connection, unlocked: UnlockedLink) -> None:
    """Keep an unlocked link in the place of an earlier one."""
    rows.write(db, _PUT, [unlocked])


def forget(db: apsw.Connection, link: str) -> None:
    """Drop what `link` was unlocked to; nothing happens if there is nothing."""
    db.execute("DELETE FROM links WHERE link = ?", (link,))


def forget_of(db: apsw.Connection, infohash: str) -> None:
    """Drop what the links of a torrent's files were unlocked to."""
    db.execute(
        "DELETE FROM links WHERE link IN (SELECT link FROM files WHERE torrent = ?)", (infohash,)
    )


def forget_all(db: apsw.Connection) -> None:
    """Drop all unlocked links."""
    db.execute("DELETE FROM links")


def prune(db: apsw.Connection, older_than: int) -> None:
    """Drop all links that were unlocked before `older_than` (Unix seconds)."""
    db.execute("DELETE FROM links WHERE unlocked_at < ?", (older_than,))
