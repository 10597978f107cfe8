"""The .torrent files that came with announcements: their trackers hold passkeys.

They are kept for programs that fetch them here, and for AllDebrid, which is given the original.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

_PRUNE_OLD = """
    DELETE FROM kept_torrents WHERE kept_at < ? AND infohash NOT IN
    (SELECT infohash FROM pushes WHERE state IN ('waiting', 'approved'))
"""
_PRUNE_UNNEEDED = """
    DELETE FROM kept_torrents WHERE kept_at < ? AND infohash NOT IN
    (SELECT infohash FROM pushes WHERE state IN ('waiting', 'approved', 'later'))
"""
_PRUNE_BYTES = """
    DELETE FROM kept_torrents WHERE infohash IN (
        SELECT infohash FROM (
            SELECT infohash, sum(length(data)) OVER (ORDER BY kept_at DESC, infohash) AS total
            FROM kept_torrents
        ) WHERE total > ?
    ) AND infohash NOT IN (SELECT infohash FROM pushes WHERE state IN ('waiting', 'approved'))
"""


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


def touch(db: apsw.Connection, infohash: str, now: int) -> None:
    """Keep a .torrent from now on as long as one that came just now."""
    db.execute("UPDATE kept_torrents SET kept_at = ? WHERE infohash = ?", (now, infohash))


def prune(db: apsw.Connection, older_than: int, unneeded_since: int, most_bytes: int) -> None:
    """Forget what was kept before `older_than`, and the oldest beyond `most_bytes` together.

    What nobody is going to fetch any more goes sooner, when it was kept before `unneeded_since`.
    Times are Unix seconds. What is still to be pushed or grabbed stays, however old.
    """
    db.execute(_PRUNE_OLD, (older_than,))
    db.execute(_PRUNE_UNNEEDED, (unneeded_since,))
    db.execute(_PRUNE_BYTES, (most_bytes,))
