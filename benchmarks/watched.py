"""`alldebrid-client`, and a thread beside it that writes down how far its downloads are.

    python -m benchmarks.watched FILE SECONDS get URL ...

A line of JSON every so many seconds while a download runs: the monotonic clock, bytes received,
resident bytes, bytes of the ring in use, bytes of the file written, connections. When a download
ends: its begin and end. It adds some 0.1 ms of work to each line; everything else is the command as
it is installed, with nothing imported that it would not import itself.
"""

import json
import sys
import threading
import time
from typing import Any, TextIO

from api import cli, memory
from engine.transfer.download import Download, Outcome


def main() -> int:
    """Run the command that the arguments behind the first two name."""
    name, interval, *arguments = sys.argv[1:]
    with open(name, "w", buffering=1) as file:  # noqa: PTH123 - no more imports than the command
        watch(file, float(interval))
        return cli.main(arguments)


def watch(file: TextIO, interval: float) -> None:
    """Have every download write to `file` from now on."""
    run = Download.run

    def watched(self: Download) -> Outcome:
        over = threading.Event()
        thread = threading.Thread(target=_note, args=(self, file, interval, over), daemon=True)
        began = time.monotonic()
        thread.start()
        try:
            outcome = run(self)
        finally:
            ended = time.monotonic()
            over.set()
            thread.join()
        _write(file, {"began": began, "ended": ended, "size": outcome.size})
        return outcome

    Download.run = watched  # type: ignore[method-assign]


def _note(download: Download, file: TextIO, interval: float, over: threading.Event) -> None:
    while True:
        ended = over.is_set()
        now, progress = time.monotonic(), download.progress()
        _write(
            file,
            [
                round(now, 4),
                progress.received,
                memory.resident(),
                progress.ring,
                progress.flushed,
                progress.connections,
            ],
        )
        if ended:
            return
        over.wait(interval)


def _write(file: TextIO, value: Any) -> None:
    file.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    sys.exit(main())
