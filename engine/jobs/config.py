"""What the supervisor is told when it is made: settings, and where time comes from."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec

MIB = 1 << 20


class JobsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of all torrents. Sizes in bytes, times in seconds."""

    download_dir: Path
    """Absolute. Finished files go below `complete`, unfinished ones below `incomplete`."""
    connections: int = 16
    """Connections per file."""
    ring: int = 512 * MIB
    """Most memory one download may buffer in."""
    batch: int = 64 * MIB
    """Bytes written to the disk in one go."""
    flush_interval: float = 5.0
    """Longest time that received bytes wait for their write."""
    patience: float = 60.0
    """How long the engine tries without a byte before the torrent waits for the network."""
    preallocate: bool = True
    """Whether room for a file is reserved before it comes."""
    max_concurrent: int = 2
    """Torrents that download at once; see `engine.jobs.queue`."""
    download_limit: int = 0
    """Bytes per second over all torrents, 0 for none; for clients' word on it see `speed`."""
    alternative_download_limit: int = 0
    """The same while the alternative limits hold."""
    storage: Literal["hdd", "ssd"] = "hdd"
    delete_magnets: bool = True
    """Whether magnets that we put on the account are taken off it again."""

    @property
    def complete(self) -> Path:
        """Folder of finished files."""
        return self.download_dir / "complete"

    @property
    def incomplete(self) -> Path:
        """Folder of unfinished files, one folder per infohash."""
        return self.download_dir / "incomplete"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Where time and chance come from; tests give their own."""

    now: Callable[[], float] = time.time
    """Unix seconds."""
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform
