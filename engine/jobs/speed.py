"""The speed limits over all torrents: what was set last, in force and kept.

Theory
    There are two pairs of limits, for every day and alternative ones, and a switch between them, as
    in qBittorrent. A limit can be said in two places, in the settings and by a client, and what was
    said last holds: so what the settings said at that time is stored beside what clients set, and a
    setting that differs from it is news.

Rules
    The event loop's thread only. A change is in the store before it holds.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from engine.jobs.said import said_last
from engine.store import values
from engine.store.store import Store
from engine.transfer.pace import Pace

STORED = "speed_limits"
"""Name in the store."""

logger = logging.getLogger("engine.jobs.speed")


class SpeedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits over all torrents, in bytes per second; 0 for none. Nothing is ever uploaded."""

    download: int = 0
    upload: int = 0
    alternative_download: int = 0
    alternative_upload: int = 0
    alternative: bool = False
    """True while the alternative ones hold."""

    @property
    def download_now(self) -> int:
        """The limit on downloads that holds."""
        return self.alternative_download if self.alternative else self.download

    @property
    def upload_now(self) -> int:
        """The limit on uploads that would hold."""
        return self.alternative_upload if self.alternative else self.upload


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say, in fields of `SpeedLimits`."""

    download: int = 0
    alternative_download: int = 0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    limits: SpeedLimits = SpeedLimits()
    configured: Configured = Configured()
    """What the settings said at that time."""


def in_force(configured: Configured, kept: Kept) -> SpeedLimits:
    """Return the limits to start with: of settings and clients, each where it spoke last."""
    return said_last(kept.limits, kept.configured, configured)


class SpeedLimiter:
    """Keeps the limits, and the engine to them."""

    def __init__(self, store: Store, pace: Pace, configured: Configured) -> None:
        self.limits = in_force(configured, Kept())
        self._store = store
        self._pace = pace
        self._configured = configured
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<SpeedLimiter {self.limits!r}>"

    async def load(self) -> None:
        """Let what is stored hold; once, before anything is downloaded. Raises StoreError."""
        text = await self._store.run(lambda db: values.get(db, STORED))
        kept = Kept() if text is None else msgspec.json.decode(text, type=Kept)
        limits = in_force(self._configured, kept)
        if text is not None and kept.configured != self._configured:
            await self._keep(limits)  # or what clients said would hold again with the old setting
        self._show(limits)

    async def change(self, change: Callable[[SpeedLimits], SpeedLimits]) -> None:
        """Store what `change` makes of the limits, and let it hold. Raises StoreError."""
        async with self._changing:
            limits = change(self.limits)
            await self._keep(limits)
            self._show(limits)

    async def _keep(self, limits: SpeedLimits) -> None:
        kept = msgspec.json.encode(Kept(limits=limits, configured=self._configured)).decode()
        await self._store.run(lambda db: values.put(db, STORED, kept))

    def _show(self, limits: SpeedLimits) -> None:
        self.limits = limits
        if limits.download_now != self._pace.rate:
            self._pace.rate = limits.download_now
            alternative = "yes" if limits.alternative else "no"
            logger.info("download_limit=%d alternative=%s", limits.download_now, alternative)
