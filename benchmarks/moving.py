"""`alldebrid-client`, whose downloads are made up: their numbers move and no byte is fetched.

    python -m benchmarks.moving serve

Store, torrents and API are the real ones, and what is asked of a download is asked of these. So
the API can be measured while a thousand torrents download, which no line would bear.
"""

import sys
import time
from typing import Any

from api import cli
from engine.jobs.crew import Crew
from engine.jobs.live import Live
from engine.jobs.states import State
from engine.transfer.download import Progress

SPEED = 1_000_000.0
"""Bytes per second; it never stays the same."""

SIZE = 1 << 40
"""Bytes of a file that is never complete."""


class MadeUp:
    """A download that goes on for ever."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __repr__(self) -> str:
        return "<MadeUp>"

    def progress(self) -> Progress:
        """Return the numbers of this moment."""
        done = int(SPEED * (time.monotonic() - self._began))
        return Progress(
            received=done,
            flushed=done,
            size=SIZE,
            speed=SPEED + done % 1000,
            connections=1,
            ring=0,
            retries=0,
        )


def start(self: Crew, infohash: str, **_: Any) -> None:
    """Begin to work on a torrent that is to be downloaded, but for the work."""
    if self._tools.ledger.record(infohash).state != State.DOWNLOADING:
        return
    live = self._lives[infohash] = Live(self._traffic)
    live.begin(0, MadeUp())


def main() -> int:
    """Run the command that the arguments name."""
    Crew.start = start  # type: ignore[method-assign]
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
