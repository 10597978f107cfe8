"""The store: one writer thread that owns the only connection.

Theory
    Works are functions of the connection. They are queued by any thread and run one after the
    other in the writer's thread, each in a transaction of its own; the functions of `torrents`,
    `files`, `events`, `links`, `categories` and `values` are what works are made of.

    Works are not committed in groups: a commit is one write into the WAL without an fsync (about
    10 microseconds), so a group would win nothing and tie the fates of works together.

Guarantees
    Works run in the order of `submit`. When a future has its result, its work survives the death
    of the process. A work that raises leaves no trace but its exception in the future. Nothing is
    written while nobody submits.

What breaks if you edit
    `run` shields its work: a task that is cancelled while it waits must not leave the caller in
    doubt about the order of what is stored.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from engine.store.connection import open_database
from engine.store.errors import StoreError, translated
from engine.store.transaction import synced, transaction

__all__ = ["Connection", "Store", "StoreError"]

T = TypeVar("T")

Connection = apsw.Connection
"""What works are given, for those who write them elsewhere."""


class Store:
    """What survives a restart, in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`; make its folder and file (mode 0600) where missing.

        Blocks while it opens and migrates. Raises StoreError, one sentence with the path, when
        the file is no database, comes from a newer version, or cannot be written.
        """
        self._path = path
        self._db = open_database(path)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._writer_ident = 0  # written and read by the writer; others only compare it
        self._closing = threading.Lock()
        self._closed = False  # set under _closing

    def __repr__(self) -> str:
        return f"<Store {self._path} {'closed' if self._closed else 'open'}>"

    def submit(self, work: Callable[[apsw.Connection], T], *, durable: bool = False) -> Future[T]:
        """Queue `work`; any thread may call. Raises StoreError once the store is closed.

        With `durable` the future's result means that this work and all before it survive a power
        cut as well; that costs an fsync.

        The future gets what `work` returns once it is committed, or what it raised, apsw's
        exceptions as StoreError. Rows must be read inside `work`: a cursor is worth nothing
        outside. Callbacks of the future run in the writer's thread and must not block.
        """
        try:
            return self._writer.submit(self._transact, work, durable=durable)
        except RuntimeError as error:
            raise StoreError(f"the database {self._path} is closed") from error

    def call(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` and return its result; blocks. Any thread but the event loop's may call."""
        if threading.get_ident() == self._writer_ident:
            # It would wait for itself, and everybody else with it.
            raise RuntimeError("a work must use the connection it was given, not the store")
        return self.submit(work).result()

    async def run(self, work: Callable[[apsw.Connection], T], *, durable: bool = False) -> T:
        """Run `work` and return its result, for the event loop; `durable` as for `submit`.

        Cancelling the wait does not cancel the work.
        """
        return await asyncio.shield(asyncio.wrap_future(self.submit(work, durable=durable)))

    def close(self) -> None:
        """Run what is queued, bring the WAL into the database and close it; blocks.

        Any thread may call, as often as it likes; every call returns with the store closed.
        """
        self._writer.shutdown()
        with self._closing, translated(self._path):
            self._closed = True
            self._db.close()  # makes the checkpoint; nothing happens the second time

    def _transact(self, work: Callable[[apsw.Connection], T], *, durable: bool) -> T:
        """Run in the writer's thread, and nowhere else."""
        self._writer_ident = threading.get_ident()
        with translated(self._path), synced(self._db, durable=durable), transaction(self._db):
            return work(self._db)
