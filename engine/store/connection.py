"""Opening the database file: made when missing, private, set up, migrated."""

import contextlib
import logging
from pathlib import Path

import apsw

from engine.store.errors import StoreError, translated
from engine.store.schema import migrate

logger = logging.getLogger("engine.store.connection")

OWNER_ONLY = 0o600
"""The file holds unlocked links and may hold an API key. SQLite gives -wal and -shm the same."""

BUSY_TIMEOUT_MS = 5_000
"""How long to wait for another program, such as a backup or a sqlite3 shell, to let go."""

CHECKPOINT_PAGES = 1_000
"""Pages of 4 KiB in the WAL that start a checkpoint; about 4 MB, SQLite's own default."""

WAL_BYTES = 8 * 1024 * 1024
"""A WAL that one large transaction made longer is cut back to this after its checkpoint."""


def open_database(path: Path) -> apsw.Connection:
    """Open the database at `path` with the newest schema. Raises StoreError.

    Any thread may call; the connection then belongs to whoever it was opened for, one thread at a
    time.
    """
    _make_file(path)
    with contextlib.ExitStack() as undo, translated(path):
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        undo.callback(db.close)
        configure(db)
        migrate(db)
        undo.pop_all()
        return db


def configure(db: apsw.Connection) -> None:
    """Set up a fresh connection. Raises StoreError and apsw.Error.

    With the WAL and synchronous=NORMAL a commit is one write and no fsync: it survives the death
    of the process at any moment. A power cut may take the newest commits back, never damage the
    file, and never keep a commit without those before it.
    """
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    if db.readonly("main"):
        raise StoreError(f"the database {db.filename} may only be read: it must be writable")
    if db.pragma("journal_mode", "wal") != "wal":
        raise StoreError(
            f"the database {db.filename} is on a file system without shared memory, "
            "which SQLite's write-ahead log needs; it must be on a local disk"
        )
    db.pragma("synchronous", "NORMAL")
    db.pragma("journal_size_limit", WAL_BYTES)
    db.wal_autocheckpoint(CHECKPOINT_PAGES)
    # "text" in double quotes is a name and never silently a string.
    db.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    db.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)


def _make_file(path: Path) -> None:
    """Make the folder and an empty file where they are missing; close the file to others."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=OWNER_ONLY)
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be made: its folder must be writable ({error.strerror})"
        ) from error
    if path.is_file():
        _make_private(path)


def _make_private(path: Path) -> None:
    """Close the file to everybody else, where the file system knows owners."""
    try:
        path.chmod(OWNER_ONLY)
    except OSError as error:
        logger.warning("database_not_private path=%s error=%s", path, error.strerror)
