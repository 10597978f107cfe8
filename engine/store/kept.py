"""The .torrent files that came with announcements: their trackers hold passkeys.

They are kept for programs that fetch them here, and for AllDebrid, which is given the original.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

_NEEDED = "SELECT infohash FROM pushes WHERE state IN ('waiting', 'approved', 'later')"


def put(db: apsw.Connection, infohash: str, data: bytes, now: int) -> None:
    """Keep a .torrent in the place of an earlier one: its passkey is the one that holds."""
    db.execute(
        "INSERT INTO kept_torrents (infohash, data, kept_at) VALUES (?, ?, ?)"
        " ON CONFLICT (infohash) DO UPDATE SET data = excluded.data, kept_at = excluded.kept_at",
        (infohash, data, now),
    )


def get(db: apsw.Connection, infohash: str) -> bytes | None:
    """Return the bytes of a .torrent, or None."""
    row = db.execute("SELECT data FROM kept_torrents WHERE infohash = ?", (infohash,)).fetchone()
    return None if row is None else bytes(row[0])


def has(db: apsw.Connection, infohash: str) -> bool:
    """Return whether a .torrent is kept."""
    row = db.execute("SELECT 1 FROM kept_torrents WHERE infohash = ?", (infohash,)).fetchone()
    return row is not None


def prune(db: apsw.Connection, older_than: int, unneeded_since: int) -> None:
    """Forget what was kept before `older_than`, sooner what nobody is going to fetch any more.

    Both are Unix seconds. What goes out yet, or may be grabbed yet, is needed.
    """
    db.execute(
        "DELETE FROM kept_torrents WHERE kept_at < ? AND infohash NOT IN"
        " (SELECT infohash FROM pushes WHERE state IN ('waiting', 'approved'))",
        (older_than,),
    )
    db.execute(
        f"DELETE FROM kept_torrents WHERE kept_at < ? AND infohash NOT IN ({_NEEDED})",  # noqa: S608 - a constant
        (unneeded_since,),
    )
