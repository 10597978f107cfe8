"""The bridge from the event loop to the engine: one file, one thread.

Theory
    `Download.run` blocks, so it gets a thread of its own; there is no pool that many forced
    torrents could use up. The engine asks for links from its threads; the answer is made on the
    event loop, where the link cache lives.

Guarantees
    When `fetch` returns or raises, however it ends, no thread of the download is running any more
    and its durable prefix is stored. Cancelling it stops the download first; a thread that waits
    for a link is woken at once.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar, TypeVarTuple

from engine.alldebrid.errors import ApiError, Treatment
from engine.alldebrid.values import Unlocked
from engine.jobs.errors import UselessLink
from engine.jobs.live import Live
from engine.transfer.download import Engine, Link, Outcome, Request
from engine.transfer.errors import (
    ConnectionTrouble,
    Gone,
    ServerBusy,
    ServerTrouble,
    Stopped,
    TransferError,
    Unusable,
)
from engine.transfer.writer import Observe, Save

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LINK_DEADLINE = 900.0
"""Seconds an engine thread waits for a link: AllDebrid's delayed links take up to ten minutes."""

logger = logging.getLogger("engine.jobs.fetch")


class Unlocker(Protocol):
    """Where direct links come from; `engine.alldebrid.links.LinkCache` is one."""

    async def get(self, link: str) -> Unlocked:
        """Return the direct link for a page link. Raises ApiError."""

    async def renew(self, link: str, stale_url: str) -> Unlocked:
        """Return another direct link than `stale_url`. Raises ApiError."""

    async def forget(self, links: Iterable[str]) -> None:
        """Unlock page links anew when they are next asked for."""


class FileLinks:
    """The engine's view of the link cache, for one file. Called from the engine's threads."""

    def __init__(
        self,
        unlocker: Unlocker,
        page: str,
        loop: asyncio.AbstractEventLoop,
        deadline: float = LINK_DEADLINE,
    ) -> None:
        self._unlocker = unlocker
        self._page = page
        self._loop = loop
        self._deadline = deadline
        self._lock = threading.Lock()
        self._asked: set[concurrent.futures.Future[Unlocked]] = set()  # guarded by _lock
        self._closed = False  # guarded by _lock

    def __repr__(self) -> str:
        return f"<FileLinks {'closed' if self._closed else 'open'}, {len(self._asked)} asked>"

    def current(self) -> Link:
        """Return the link to use. Raises a TransferError when there is none."""
        return self._ask(self._unlocker.get(self._page))

    def refresh(self, stale: Link) -> Link:
        """Return another link than `stale`. Raises a TransferError when there is none."""
        return self._ask(self._unlocker.renew(self._page, stale.url))

    def close(self) -> None:
        """Wake whoever waits for a link, and give no more; any thread."""
        with self._lock:
            self._closed = True
            asked = list(self._asked)
        for future in asked:
            future.cancel()

    def _ask(self, question: Coroutine[Any, Any, Unlocked]) -> Link:
        with self._lock:
            if self._closed:
                question.close()
                raise Stopped("no link is given any more")
            future = asyncio.run_coroutine_threadsafe(question, self._loop)
            self._asked.add(future)
        try:
            unlocked = future.result(self._deadline)
        except concurrent.futures.CancelledError:
            raise Stopped("the download was stopped while it waited for its link") from None
        except TimeoutError:
            future.cancel()
            raise ConnectionTrouble("AllDebrid gave no download link in time") from None
        except ApiError as problem:
            raise as_transfer_error(problem) from problem
        finally:
            with self._lock:
                self._asked.discard(future)
        return Link(url=unlocked.url, max_connections=unlocked.max_connections)


def as_transfer_error(problem: ApiError) -> TransferError:
    """Say in the engine's terms why there is no link."""
    text = str(problem)
    if problem.treatment is Treatment.GONE:
        return Gone(text)
    if problem.treatment is Treatment.PERMANENT:
        return UselessLink(text) if problem.about_release else Unusable(text)
    if problem.retry_after is not None:
        return ServerBusy(text, problem.retry_after)
    return ServerTrouble(text)


async def fetch(
    engine: Engine,
    unlocker: Unlocker,
    request: Request,
    page: str,
    *,
    save: Save,
    observe: Observe | None,
    live: Live,
    index: int,
) -> Outcome:
    """Download one file and return what it took; `live` shows how it is doing meanwhile.

    The file is kept to the limit of `live`, which may change meanwhile.

    Raises a TransferError, or what `save` or `observe` raised.
    """
    links = FileLinks(unlocker, page, asyncio.get_running_loop())
    download = engine.download(request, links, save=save, observe=observe, limit=live.pace)

    def stop() -> None:
        links.close()
        download.stop()

    live.begin(index, download, stop)
    try:
        return await in_thread(download.run, stop=stop)
    finally:
        links.close()
        live.end()


async def in_thread(
    work: Callable[[*Ts], T], *args: *Ts, stop: Callable[[], None] = lambda: None
) -> T:
    """Run blocking work in a thread of its own; when cancelled, call `stop` and wait for its end.

    Returns or raises what the work does. A cancelled wait ends with the thread, never before it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work(*args)
        except BaseException as problem:  # noqa: BLE001 - the thread's edge: the loop gets it all
            loop.call_soon_threadsafe(done.set_exception, problem)
        else:
            loop.call_soon_threadsafe(done.set_result, result)

    threading.Thread(target=run, name=work.__name__, daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop()
        await _wait_out(done)
        raise


async def _wait_out(done: "asyncio.Future[T]") -> None:
    """Wait for the end of a thread, however often the wait is cancelled."""
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            logger.debug("wait=again reason=cancelled-twice")
    if not done.cancelled():
        done.exception()  # seen: the cancellation matters more
