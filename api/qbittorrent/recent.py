"""The last lines of the service's own log, for log/main.

`RECENT` is a handler for the root logger: there is one log, so there is one memory of it. It keeps
what its formatter makes of a record, and nothing as long as it has none: whoever sets it up has to
say how secrets are masked.
"""

import logging
from collections import deque

from api.qbittorrent.wire import LogEntry

KEPT = 1000
"""Lines; a qBittorrent keeps 20,000."""

LONGEST = 2000
"""Characters of a line that are kept, so that memory has a bound."""

NORMAL, INFORMATION, WARNING, CRITICAL = 1, 2, 4, 8
"""qBittorrent's kinds of lines."""


class Recent(logging.Handler):
    """Keeps the last lines. Any thread may log; reading is for the event loop's thread."""

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__()
        self._lines: deque[LogEntry] = deque(maxlen=kept)
        self._next = 0

    def __repr__(self) -> str:
        return f"<Recent {len(self._lines)} lines>"

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line. logging holds this handler's lock, so numbers are in order."""
        if self.formatter is None:
            return
        try:
            message = self.formatter.format(record)[:LONGEST]
        except Exception:  # noqa: BLE001 - logging must never raise, nor show what is not masked
            return
        self._lines.append(
            LogEntry(
                id=self._next,
                message=message,
                timestamp=int(record.created),
                type=kind(record.levelno),
            )
        )
        self._next += 1

    def after(self, known: int, kinds: int) -> list[LogEntry]:
        """Return the lines with larger numbers than `known`, of these kinds (a sum of them)."""
        self.acquire()
        try:
            lines = list(self._lines)
        finally:
            self.release()
        return [line for line in lines if line.id > known and line.type & kinds]


def kind(level: int) -> int:
    """Return what a qBittorrent calls a level; its information is what few want to know."""
    if level >= logging.ERROR:
        return CRITICAL
    if level >= logging.WARNING:
        return WARNING
    return NORMAL if level >= logging.INFO else INFORMATION


RECENT = Recent()
"""The process's own."""
