"""One service per CONFIG_DIR: two would each believe that the database is theirs alone."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = "service.lock"


class AlreadyRunning(Exception):
    """Another service holds the folder; the message names it."""


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go when it ends, however it ends.

    Raises AlreadyRunning, and OSError when the folder cannot be written.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(f"another service already uses {folder} (CONFIG_DIR)") from None
        yield
    finally:
        os.close(descriptor)
