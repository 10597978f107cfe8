"""The file that attempts to push releases are logged to: one line each, masked, rotated.

It is the log that the scripts of a seedbox look into, so it has a place and a form of its own, and
does not depend on the level of the service's log.
"""

import contextlib
import logging
import logging.handlers
import os
from pathlib import Path

from api.logs import MessageFormatter
from arrpush import attempts

LARGEST = 5 * 1024 * 1024
"""Bytes of one file: some 20,000 lines."""

KEPT = 5
"""Older files that are kept beside it."""

logger = logging.getLogger("api.attempts_log")


class _Handler(logging.handlers.RotatingFileHandler):
    """Writes lines to the file; a disk that is full is no reason to stop delivering.

    Whoever rotates logs by himself may move it away: then it is begun anew.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if self.stream is not None and not self._is_there(self.stream.fileno()):
            lost, self.stream = self.stream, None  # it is opened for the next line
            with contextlib.suppress(OSError, ValueError):  # a full disk may have left some of it
                lost.close()
        super().emit(record)

    def _is_there(self, descriptor: int) -> bool:
        try:
            there, ours = Path(self.baseFilename).stat(), os.fstat(descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Drop the record: what logging would print here is the record without its mask."""


def begin(path: Path, instead: Path) -> Path | None:
    """Log attempts to `path`, or to `instead` where that cannot be written; return which.

    Where neither can, attempts go to the service's log, and None is returned.
    """
    end()
    for place in dict.fromkeys((path, instead)):
        handler = _opened(place)
        if handler is not None:
            handler.setFormatter(MessageFormatter())
            attempts.logger.addHandler(handler)
            attempts.logger.setLevel(logging.INFO)
            attempts.logger.propagate = False
            return place
    return None


def end() -> None:
    """Close the file."""
    for handler in attempts.logger.handlers[:]:
        attempts.logger.removeHandler(handler)
        handler.close()
    attempts.logger.propagate = True


def _opened(path: Path) -> logging.Handler | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Handler(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    except OSError as problem:
        logger.warning("log=unwritable path=%s reason=%r", path, problem.strerror)
        return None
