"""One transaction: all of it or nothing."""

import contextlib
from collections.abc import Iterator

import apsw


@contextlib.contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """Commit what the block does, or roll it back when the block or the commit raises.

    The write lock is taken at once, so a block never fails half-way because another program took
    it meanwhile. Raises what the block raised, or an apsw.Error.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # SQLite itself rolls back when the disk is full or fails; a second ROLLBACK would only
        # hide why. apsw's own `with db:` has that flaw.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def synced(db: apsw.Connection, *, durable: bool) -> Iterator[None]:
    """Let the commits within survive a power cut, if `durable`; not within a transaction.

    With synchronous=FULL a commit syncs the WAL, and with it every commit before.
    """
    if not durable:
        yield
        return
    db.pragma("synchronous", "FULL")
    try:
        yield
    finally:
        db.pragma("synchronous", "NORMAL")
