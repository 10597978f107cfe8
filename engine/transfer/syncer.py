"""Syncs of one file beside its writes: a thread that waits for the device, so the writer need not.

Theory
    fdatasync takes what is written when it begins and may take the device a second; meanwhile the
    writer goes on. So a sync is ordered for a prefix, and when it is over exactly that prefix is
    durable, however much was written since. There is one at a time: a second one would wait for
    the same device.

    A sync that failed is told to the writer, which orders no other: what the cache holds then is
    not to be trusted (`disk`).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

SLOW = 5.0
"""Seconds of a sync that are worth a line in the log: a disk that others use, or one that dies."""

logger = logging.getLogger("engine.transfer.syncer")


class Syncer:
    """Makes prefixes of one file durable; see the module's theory.

    All methods belong to the writer's thread; only `sync` is called in the syncer's own, which
    starts with the first order and ends with `close`.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._orders: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.busy = False
        """True from an order until its result is taken."""

    def __repr__(self) -> str:
        return f"<Syncer {'busy' if self.busy else 'idle'}>"

    def begin(self, upto: int) -> None:
        """Order a sync: bytes below `upto` have been written. None may be under way."""
        if self.busy:
            raise RuntimeError("a sync is under way already")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sync", daemon=True)
            self._thread.start()
        self.busy = True
        self._orders.put(upto)

    def take(self) -> int | None:
        """Return the prefix that has become durable; None when no sync is over.

        Raises what the sync failed with.
        """
        if not self.busy:
            return None
        try:
            return self._told(self._results.get_nowait())
        except queue.Empty:
            return None

    def wait(self) -> int | None:
        """Wait for the sync under way, if there is one; return what `take` would."""
        return self._told(self._results.get()) if self.busy else None

    def close(self) -> None:
        """End the thread, after the sync that is under way; what came of that is not told."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
            self._thread = None
            self.busy = False

    def _told(self, result: int | BaseException) -> int:
        self.busy = False
        if isinstance(result, BaseException):
            raise result
        return result

    def _work(self) -> None:
        while (upto := self._orders.get()) is not None:
            began = time.monotonic()
            try:
                self._sync()
            except BaseException as problem:  # noqa: BLE001 - the writer's thread raises it
                self._results.put(problem)
            else:
                self._results.put(upto)
            if (seconds := time.monotonic() - began) >= SLOW:
                logger.warning("sync=slow seconds=%.1f", seconds)
