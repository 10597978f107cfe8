"""The engine with a sink in the disk's place, in a process of its own.

    python -m benchmarks.sink FILE FOLDER CA URL SIZE DOWNLOADS

Everything is as in a download, but that writes and syncs only count. What is written has to begin
where the write before ended, and the first bytes of each write have to be the right ones. Once a
second, or at the end of each of several downloads, a line of JSON says how far it is and what the
process holds; the last one, an object, what it came to.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from api import memory
from api.cli import SWITCH_INTERVAL
from engine.transfer import download
from engine.transfer.disk import PartFile
from engine.transfer.download import Download, Engine, OneLink, Request
from engine.transfer.wire import IDLE_KEPT
from tests.fakes.content import PERIOD, Pattern

LOOKED_AT = 4096
"""Bytes compared at the start of each write."""

INTERVAL = 1.0
"""Seconds between two samples of one long download."""

BLOCK = Pattern(2 * PERIOD).read()


class Sink(PartFile):
    """A file that takes everything and keeps nothing."""

    at = 0

    def reserve(self, size: int) -> None:
        """Want no room."""

    def check(self, written: int) -> None:
        """Miss nothing."""

    def cut(self, length: int) -> None:
        """Hold nothing that could be cut."""

    def write(self, offset: int, views: Sequence[memoryview]) -> None:
        """Count, and look at the first bytes."""
        begin = offset % PERIOD
        first = bytes(views[0][:LOOKED_AT])
        if offset != self.at or first != BLOCK[begin : begin + len(first)]:
            raise AssertionError(f"wrong bytes or a wrong place: {offset} after {self.at}")
        self.at += sum(len(view) for view in views)
        self.writes += 1

    def sync(self) -> None:
        """Have nothing to sync."""

    def finish(self, size: int) -> None:
        """See that all of it came."""
        if self.at != size:
            raise AssertionError(f"{self.at} bytes instead of {size}")


def main() -> int:
    """Run the downloads one after the other."""
    name, folder, ca_file, url, size, count = sys.argv[1:]
    sys.setswitchinterval(SWITCH_INTERVAL)
    download.PartFile = Sink  # type: ignore[misc]
    engine = Engine(ca_file=ca_file)
    began = time.monotonic()
    with open(name, "w", buffering=1) as file:  # noqa: PTH123 - as small as the command
        for number in range(int(count)):
            path = Path(folder) / f"sink-{number}"
            run = engine.download(Request(path=path), OneLink(url), save=lambda _: None)
            if int(count) > 1:
                run.run()
                _note(file, number + 1, int(size) * (number + 1), run)
            else:
                _watched(file, run)
            path.unlink()
        _note_end(file, began, int(size) * int(count))
    engine.close()
    return 0


def _watched(file: TextIO, run: Download) -> None:
    over = threading.Event()

    def watch() -> None:
        number = 0
        while not over.wait(INTERVAL):
            number += 1
            _note(file, number, run.progress().received, run)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        run.run()
    finally:
        over.set()
        watcher.join()


def _note(file: TextIO, number: int, done: int, run: Download) -> None:
    progress = run.progress()
    values = [
        round(time.monotonic(), 3),
        done,
        memory.resident(),
        progress.ring,
        progress.flushed,
        progress.connections,
        threading.active_count(),
        _descriptors(progress.connections),
    ]
    file.write(json.dumps([number, *values]) + "\n")


def _descriptors(connections: int) -> int:
    """Count what is open, without the sockets in use and those idle ones that the pool may keep."""
    sockets = files = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - descriptors are no paths
        with contextlib.suppress(FileNotFoundError):  # the one that lists the folder
            is_socket = str(Path(f"/proc/self/fd/{name}").readlink()).startswith("socket:")
            sockets, files = sockets + is_socket, files + (not is_socket)
    return files + max(0, sockets - connections - IDLE_KEPT)


def _note_end(file: TextIO, began: float, size: int) -> None:
    ended = time.monotonic()
    value = {"began": began, "ended": ended, "size": size, "peak": memory.peak()}
    file.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    sys.exit(main())
