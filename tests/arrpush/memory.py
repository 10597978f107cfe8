"""A database in memory, with all its tables."""

import contextlib

import apsw

from engine.store.schema import migrate


@contextlib.contextmanager
def memory():
    with contextlib.closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        yield db
