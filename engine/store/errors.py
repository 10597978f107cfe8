"""What can go wrong with the store.

    StoreError      the database cannot be opened, read or written; the message says which and why

One type is enough: nobody here can mend a database, all that a caller can do is say so and stop,
or wait and try again. apsw's exceptions become StoreErrors once, in `translated`; what a work
raises by itself passes untouched.

A message carries the path and SQLite's own words, which name tables and columns but never hold a
value, so no secret gets out.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

SENTENCES: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "there is no room left to write the database {path}"),
    (apsw.IOError, "the disk failed under the database {path}"),
    (apsw.CorruptError, "the database {path} is damaged"),
    (apsw.NotADBError, "{path} holds something else than a database"),
    (apsw.CantOpenError, "the database {path} cannot be opened: it must be a writable file"),
    (apsw.ReadOnlyError, "the database {path} may only be read: it must be writable"),
    (apsw.BusyError, "the database {path} is locked by another program"),
)
"""What to say of apsw's exceptions; all others get SQLite's words alone."""


class StoreError(Exception):
    """The database cannot be opened, read or written: one sentence for the user."""


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise a StoreError about `path` in place of any exception of apsw."""
    try:
        yield
    except apsw.Error as error:
        raise StoreError(sentence(error, path)) from error


def sentence(error: apsw.Error, path: Path) -> str:
    """Say in one sentence what happened to the database at `path`."""
    for kind, text in SENTENCES:
        if isinstance(error, kind):
            return f"{text.format(path=path)} ({error})"
    return f"the database {path} refused what was asked of it ({error})"
