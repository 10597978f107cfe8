"""One try at a download: the engine's work in a thread, watched, drawn and stopped from another."""

import concurrent.futures
import contextlib
import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from api import memory
from api.bar import REDRAW_INTERVAL, Bar, Shown
from api.sizes import human_size
from engine.transfer import disk
from engine.transfer.download import Checkpoint, Engine, OneLink, Outcome, Request
from engine.transfer.errors import Stopped


class Attempt:
    """A download and its hash. Use it once, from the thread that draws."""

    def __init__(
        self,
        engine: Engine,
        request: Request,
        url: str,
        save: Callable[[Checkpoint], None],
        *,
        limit: int,
        sha256: bool,
    ) -> None:
        self._part = request.path
        self._resumed = request.resume.flushed if request.resume else 0
        self._digest = hashlib.sha256() if sha256 else None
        self._stopping = threading.Event()
        self._hashed = 0
        """Bytes of the file that are in the hash."""
        self._download = engine.download(
            request,
            OneLink(url),
            save=save,
            observe=self._observe if sha256 else None,
            limit=limit,
        )

    def __repr__(self) -> str:
        return f"<Attempt {self._download!r}>"

    def run(self, bar: Bar | None, signals: Sequence[int]) -> tuple[Outcome, str]:
        """Download; draw, and stop as soon as there is something in `signals`.

        Returns the hash as well, empty when none was asked for. Raises what the engine raises.
        """
        with concurrent.futures.ThreadPoolExecutor(1, "download") as pool:
            future = pool.submit(self._work)
            try:
                while not concurrent.futures.wait([future], REDRAW_INTERVAL).done:
                    if signals:
                        self._stop()
                    if bar:
                        self._draw(bar)
            except BaseException:
                self._stop()
                raise
        return future.result(), self._digest.hexdigest() if self._digest else ""

    def _work(self) -> Outcome:
        if self._digest and self._resumed:
            for view in disk.read_range(self._part, 0, self._resumed):
                if self._stopping.is_set():
                    raise Stopped("stopped while reading what is there")
                self._hash(view)
        return self._download.run()

    def _observe(self, offset: int, views: Sequence[memoryview]) -> None:
        for view in views:
            # The engine may go on a little before the durable prefix ends.
            self._hash(view[max(self._hashed - offset, 0) :])
            offset += len(view)

    def _hash(self, view: memoryview) -> None:
        if self._digest:
            self._digest.update(view)
            self._hashed += len(view)

    def _stop(self) -> None:
        self._stopping.set()
        self._download.stop()

    def _draw(self, bar: Bar) -> None:
        if self._digest and self._hashed < self._resumed:
            done, whole = human_size(self._hashed), human_size(self._resumed)
            bar.say(f"hashing what is there: {done} of {whole}")
            return
        progress = self._download.progress()
        bar.draw(
            Shown(
                received=self._resumed + progress.received,
                size=progress.size or 0,
                speed=progress.speed,
                connections=progress.connections,
                resident=memory.resident(),
            )
        )


@contextlib.contextmanager
def caught(signals: list[int]) -> Iterator[None]:
    """Collect Ctrl-C and SIGTERM in `signals`; the second one ends the process."""

    def note(number: int, _frame: FrameType | None) -> None:
        if signals:
            os._exit(128 + number)
        signals.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
