"""The preferences that clients set: in force at once, and kept.

Theory
    As with the speed limits (see `engine.jobs.speed`), the settings give the first values, and what
    was said last holds, by a client or by a setting that has changed. For that, what the settings
    said at that time is stored beside what clients set.

Rules
    The event loop's thread only. A change is in the store before it holds.
"""

import asyncio
import logging
import math
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from engine.jobs.config import JobsConfig
from engine.jobs.preferences import NO_LIMIT, Preferences
from engine.jobs.queue import Limits
from engine.jobs.said import said_last
from engine.jobs.views import BadPreference
from engine.store import values
from engine.store.store import Store

STORED = "preferences"
"""Name in the store."""

logger = logging.getLogger("engine.jobs.preferred")


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say, in fields of `Preferences`."""

    max_active_downloads: int
    save_path: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    preferences: Preferences
    configured: Configured
    """What the settings said at that time."""


def configured_by(config: JobsConfig) -> Configured:
    """Return what the settings say."""
    return Configured(max_active_downloads=config.max_concurrent, save_path=str(config.complete))


def in_force(configured: Configured, kept: Kept | None) -> Preferences:
    """Return the preferences to start with: of settings and clients, each where it spoke last."""
    if kept is None:
        return Preferences(**msgspec.structs.asdict(configured))
    return said_last(kept.preferences, kept.configured, configured)


def limits_of(preferences: Preferences, config: JobsConfig) -> Limits:
    """Return what the queue goes by."""
    most = preferences.max_active_downloads
    counted = preferences.queueing and most != NO_LIMIT
    return Limits(
        max_concurrent=most if counted else None, large_ones_alone=config.storage == "hdd"
    )


def checked(preferences: Preferences) -> Preferences:
    """Return preferences as they are kept. Raises BadPreference."""
    whole = {
        "max_active_downloads": preferences.max_active_downloads,
        "max_seeding_time": preferences.max_seeding_time,
        "max_inactive_seeding_time": preferences.max_inactive_seeding_time,
    }
    for name, number in whole.items():
        if number < NO_LIMIT:
            raise BadPreference(f"{name} must be -1 or more, not {number}.")
    ratio = preferences.max_ratio
    if not math.isfinite(ratio) or (ratio < 0 and ratio != NO_LIMIT):
        raise BadPreference(f"max_ratio must be -1, 0 or more, not {ratio}.")
    if preferences.max_ratio_act != 0:
        raise BadPreference("max_ratio_act must be 0: finished torrents are paused, not removed.")
    path = preferences.save_path.strip()
    if not os.path.isabs(path) or "\0" in path or ".." in Path(path).parts:  # noqa: PTH117 - a text
        raise BadPreference(f"save_path must be an absolute path without '..', not {path!r}.")
    return msgspec.structs.replace(preferences, save_path=os.path.normpath(path))


class PreferenceKeeper:
    """Keeps the preferences.

    `prepare` does what must be done before changed ones hold, given those that hold now; it may
    raise BadPreference, and then nothing is changed. `hold` lets them hold.
    """

    def __init__(
        self,
        store: Store,
        config: JobsConfig,
        *,
        prepare: Callable[[Preferences, Preferences], Awaitable[None]],
        hold: Callable[[Preferences], None],
    ) -> None:
        self._store = store
        self._configured = configured_by(config)
        self._prepare = prepare
        self._hold = hold
        self._changing = asyncio.Lock()
        self.preferences = in_force(self._configured, None)

    def __repr__(self) -> str:
        return f"<PreferenceKeeper {self.preferences!r}>"

    async def load(self) -> None:
        """Let what is stored hold; once, before anything else. Raises StoreError."""
        text = await self._store.run(lambda db: values.get(db, STORED))
        kept = None if text is None else msgspec.json.decode(text, type=Kept)
        self.preferences = in_force(self._configured, kept)
        if kept is not None and kept.configured != self._configured:
            # Or what clients said would hold again with the old setting.
            await self._keep(self.preferences)
        self._hold(self.preferences)

    async def change(self, change: Callable[[Preferences], Preferences]) -> None:
        """Store what `change` makes of the preferences, and let it hold.

        Raises BadPreference, StoreError.
        """
        async with self._changing:
            before, after = self.preferences, checked(change(self.preferences))
            if after == before:
                return
            await self._prepare(before, after)
            await self._keep(after)
            self.preferences = after
            self._hold(after)
            logger.info("preferences=changed")

    async def _keep(self, preferences: Preferences) -> None:
        kept = Kept(preferences=preferences, configured=self._configured)
        text = msgspec.json.encode(kept).decode()
        await self._store.run(lambda db: values.put(db, STORED, text))
