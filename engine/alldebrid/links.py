"""Unlocked links and how long they are good: 24 hours each, unlocked once however many ask.

AllDebrid asks that a link is used again instead of unlocked again, so what is unlocked is kept
where a restart finds it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec

from engine.alldebrid.values import Unlocked

VALID_FOR = 24 * 3600
"""Seconds an unlocked link is used, as AllDebrid's staff asked for."""


class KeptLink(msgspec.Struct, frozen=True, kw_only=True):
    """An unlocked link as it is kept."""

    link: str
    url: str
    unlocked_at: int
    """Unix seconds."""
    max_connections: int = 0

    def __repr__(self) -> str:
        return f"KeptLink(unlocked_at={self.unlocked_at})"


class LinkKeeper(Protocol):
    """Where unlocked links are kept."""

    async def get(self, link: str) -> KeptLink | None:
        """Return what is kept for a page link."""

    async def put(self, kept: KeptLink) -> None:
        """Keep an unlocked link, in the place of an older one."""

    async def forget(self, link: str) -> None:
        """Drop what is kept for a page link."""


class LinkCache:
    """Direct links for page links. One event loop; `clock` is in Unix seconds.

    `unlock` is AllDebrid.unlock; its ApiError reaches everybody who waited for that link.
    """

    def __init__(
        self,
        unlock: Callable[[str], Awaitable[Unlocked]],
        keeper: LinkKeeper,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._unlock = unlock
        self._keeper = keeper
        self._clock = clock
        self._flights: dict[str, _Flight] = {}

    def __repr__(self) -> str:
        return f"<LinkCache unlocking={len(self._flights)}>"

    async def get(self, link: str) -> Unlocked:
        """Return a direct link that is less than 24 hours old. Raises ApiError.

        The file's name and size are known only when the link was unlocked just now.
        """
        flight = self._flights.get(link) or self._start(link, "")
        return await asyncio.shield(flight.task)

    async def renew(self, link: str, stale_url: str) -> Unlocked:
        """Return another direct link than `stale_url`, unlocking only if nobody else did since.

        AllDebrid may still answer with the same URL. Raises ApiError.
        """
        while (flight := self._flights.get(link)) is not None:
            unlocked = await asyncio.shield(flight.task)
            # A flight for somebody else's reason may just have looked the stale one up.
            if flight.stale_url == stale_url or unlocked.url != stale_url:
                return unlocked
        return await asyncio.shield(self._start(link, stale_url).task)

    async def forget(self, links: Iterable[str]) -> None:
        """Drop what is kept for page links, so that they are unlocked anew when next asked for."""
        for link in links:
            await self._keeper.forget(link)

    async def close(self) -> None:
        """End what is under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, link: str, stale_url: str) -> "_Flight":
        task = asyncio.create_task(self._obtain(link, stale_url), name="alldebrid unlock")
        flight = self._flights[link] = _Flight(task, stale_url)
        task.add_done_callback(lambda done: self._land(link, done))
        return flight

    def _land(self, link: str, task: asyncio.Task[Unlocked]) -> None:
        del self._flights[link]
        if not task.cancelled():
            task.exception()  # Everybody who waited may have been cancelled meanwhile.

    async def _obtain(self, link: str, stale_url: str) -> Unlocked:
        kept = await self._keeper.get(link)
        if kept is not None and kept.url != stale_url and self._valid(kept):
            return Unlocked(kept.url, max_connections=kept.max_connections)
        if kept is not None:
            await self._keeper.forget(link)
        unlocked = await self._unlock(link)
        await self._keeper.put(
            KeptLink(
                link=link,
                url=unlocked.url,
                unlocked_at=int(self._clock()),
                max_connections=unlocked.max_connections,
            )
        )
        return unlocked

    def _valid(self, kept: KeptLink) -> bool:
        # A time in the future means that the clock was set back: the age is not known.
        return 0 <= self._clock() - kept.unlocked_at < VALID_FOR


class _Flight(NamedTuple):
    """An unlocking under way, and the URL it shall get away from."""

    task: asyncio.Task[Unlocked]
    stale_url: str
