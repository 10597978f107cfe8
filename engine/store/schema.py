"""The tables, and how an older database becomes a newer one.

Rules
    A migration is numbered by its place, from 1. Once released it is never edited: a change to the
    tables is a new script at the end. `user_version` in the file is the number of the last one
    that was applied.

Guarantees
    Each migration is one transaction, its number included: a process killed between any two
    statements leaves the version before or the one after, and the next start goes on from there.

    Foreign keys are not enforced while migrating, because rebuilding a table means dropping the
    old one, which must not delete the rows that refer to it. They are checked before each commit.

What breaks if you edit
    A column has the name of its record's field (`rows` relies on it; the tests compare the two).
    `torrents.has_metainfo` is no column: it is read from the table `metainfo`, so it cannot lie.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import apsw

from engine.store.errors import StoreError
from engine.store.transaction import transaction

logger = logging.getLogger("engine.store.schema")

MIGRATIONS: tuple[str, ...] = (
    # 1: the first tables. `sequence` keeps the order in which torrents were added. The .torrent
    # files have a table of their own: a blob in `torrents` would be paged in with every list.
    """
    CREATE TABLE torrents (
        sequence INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        category TEXT NOT NULL,
        tags TEXT NOT NULL,
        save_path TEXT NOT NULL,
        root TEXT NOT NULL,
        size INTEGER NOT NULL,
        added_at INTEGER NOT NULL,
        completed_at INTEGER NOT NULL,
        last_activity INTEGER NOT NULL,
        magnet TEXT NOT NULL,
        magnet_id INTEGER NOT NULL,
        owned INTEGER NOT NULL,
        position INTEGER NOT NULL,
        forced INTEGER NOT NULL,
        ratio_limit REAL NOT NULL,
        seeding_time_limit INTEGER NOT NULL,
        inactive_seeding_time_limit INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE metainfo (
        torrent TEXT NOT NULL PRIMARY KEY REFERENCES torrents (hash) ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT;

    CREATE TABLE files (
        torrent TEXT NOT NULL REFERENCES torrents (hash) ON DELETE CASCADE,
        "index" INTEGER NOT NULL,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        link TEXT NOT NULL,
        flushed INTEGER NOT NULL,
        etag TEXT NOT NULL,
        last_modified TEXT NOT NULL,
        PRIMARY KEY (torrent, "index")
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        torrent TEXT NOT NULL REFERENCES torrents (hash) ON DELETE CASCADE,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_torrent ON events (torrent, sequence);

    CREATE TABLE links (
        link TEXT NOT NULL PRIMARY KEY,
        url TEXT NOT NULL,
        unlocked_at INTEGER NOT NULL,
        max_connections INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX links_by_age ON links (unlocked_at);

    CREATE TABLE categories (
        name TEXT NOT NULL PRIMARY KEY,
        save_path TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE named_values (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    # 2: magnets to be taken off the AllDebrid account. They outlive their torrents, so they refer
    # to none.
    """
    CREATE TABLE removals (
        magnet_id INTEGER PRIMARY KEY,
        torrent TEXT NOT NULL
    ) STRICT;
    """,
    # 3: a torrent's own speed limits, bytes per second.
    """
    ALTER TABLE torrents ADD COLUMN download_limit INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE torrents ADD COLUMN upload_limit INTEGER NOT NULL DEFAULT 0;
    """,
    # 4: what clients may ask of a torrent, its files and its tags. Torrents in a folder that has
    # the name or the path of their category are taken to be managed by it: only those followed it
    # before. A torrent that was complete once has all its files in its final folder.
    """
    ALTER TABLE torrents ADD COLUMN auto_managed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE torrents ADD COLUMN sequential INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE torrents ADD COLUMN first_last INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE files ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE files ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
    UPDATE torrents SET auto_managed = 1 WHERE category != '' AND EXISTS (
        SELECT 1 FROM (
            SELECT coalesce(
                (SELECT nullif(trim(save_path), '') FROM categories WHERE name = category),
                category
            ) AS folder
        )
        WHERE torrents.save_path = folder
            OR substr(torrents.save_path, -length(folder) - 1) = '/' || folder
    );
    UPDATE files SET published = 1
    WHERE torrent IN (SELECT hash FROM torrents WHERE completed_at > 0 OR state = 'completed');

    CREATE TABLE tags (
        name TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO tags SELECT value FROM torrents, json_each(torrents.tags);
    """,
    # 5: how torrents ended, while who asked for them has not been told. They may outlive their
    # torrents, so they refer to none.
    """
    CREATE TABLE endings (
        torrent TEXT NOT NULL PRIMARY KEY,
        failed INTEGER NOT NULL,
        at INTEGER NOT NULL,
        tried INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    # 6: what is being moved or renamed on disk.
    """
    CREATE TABLE moves (
        torrent TEXT NOT NULL PRIMARY KEY REFERENCES torrents (hash) ON DELETE CASCADE,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        auto_managed INTEGER NOT NULL,
        copied INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    # 7: further categories of torrents. `sequence` keeps the order in which they came.
    """
    CREATE TABLE shares (
        sequence INTEGER PRIMARY KEY,
        torrent TEXT NOT NULL REFERENCES torrents (hash) ON DELETE CASCADE,
        category TEXT NOT NULL,
        save_path TEXT NOT NULL,
        root TEXT NOT NULL,
        done INTEGER NOT NULL,
        reason TEXT NOT NULL,
        UNIQUE (torrent, category)
    ) STRICT;
    """,
    # 8: that a torrent which is checked was paused.
    """
    ALTER TABLE torrents ADD COLUMN pausing INTEGER NOT NULL DEFAULT 0;
    """,
    # 9: releases on their way to other programs, and what is known of releases. `sequence` is the
    # order in which they go out. None of them refers to a torrent: releases come before it, and
    # stay when it is gone.
    """
    CREATE TABLE pushes (
        sequence INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        target TEXT NOT NULL,
        title TEXT NOT NULL,
        words TEXT NOT NULL,
        infohash TEXT NOT NULL,
        guessed INTEGER NOT NULL,
        payload TEXT NOT NULL,
        base TEXT NOT NULL,
        state TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        since INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        tried INTEGER NOT NULL,
        attempted_at INTEGER NOT NULL,
        code INTEGER NOT NULL,
        said TEXT NOT NULL,
        answer TEXT NOT NULL,
        grabbed_at INTEGER NOT NULL,
        ended_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX pushes_by_infohash ON pushes (infohash, target);
    CREATE INDEX pushes_by_words ON pushes (words, target);
    CREATE INDEX pushes_by_state ON pushes (state, target, sequence);

    CREATE TABLE releases (
        name TEXT NOT NULL,
        infohash TEXT NOT NULL,
        start TEXT NOT NULL,
        size INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (name, infohash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX releases_by_start ON releases (start, seen_at);
    CREATE INDEX releases_by_age ON releases (seen_at);

    CREATE TABLE kept_torrents (
        infohash TEXT NOT NULL PRIMARY KEY,
        data BLOB NOT NULL,
        kept_at INTEGER NOT NULL
    ) STRICT;
    """,
)


def migrate(db: apsw.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the database up to the last of `migrations`; leave foreign keys enforced.

    Raises StoreError when the database is newer than that or a migration leaves broken
    references, and apsw.Error when it cannot be read or written.
    """
    version: int = db.pragma("user_version")
    if version > len(migrations):
        raise StoreError(
            f"the database {db.filename} was written by a newer version of this program "
            f"(its schema is {version}, the newest known here is {len(migrations)})"
        )
    db.pragma("foreign_keys", 0)
    for number, script in enumerate(migrations[version:], version + 1):
        _apply(db, number, script)
    db.pragma("foreign_keys", 1)
    if version < len(migrations):
        name = Path(db.filename).name
        logger.info("migrated database=%s from=%d to=%d", name, version, len(migrations))


def _apply(db: apsw.Connection, number: int, script: str) -> None:
    with transaction(db):
        db.execute(script)
        broken = db.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise StoreError(
                f"migration {number} of the database {db.filename} leaves rows of the table "
                f"{broken[0]} that refer to nothing; the database was left as it was"
            )
        db.pragma("user_version", number)
