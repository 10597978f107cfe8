"""One torrent at work: what its steps share.

`Tools` is what all torrents share. A step of a torrent's way is a coroutine that takes its `Job`
and ends with the torrent in another state, or raises; see `engine.jobs.drive`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.alldebrid.client import AllDebrid
from engine.alldebrid.poller import Poller
from engine.jobs.allowance import Allowance
from engine.jobs.config import JobsConfig, Timing
from engine.jobs.errands import Errands
from engine.jobs.fetch import Unlocker
from engine.jobs.intake import parsed
from engine.jobs.ledger import Entry, Ledger
from engine.jobs.live import Live
from engine.jobs.patience import Patience
from engine.jobs.slots import Slots
from engine.jobs.states import State
from engine.jobs.turns import Turns
from engine.jobs.wanted import unfinished
from engine.metainfo import Metainfo
from engine.store.records import FileRecord, TorrentRecord
from engine.transfer.download import Engine

T = TypeVar("T")


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What all torrents work with."""

    config: JobsConfig
    timing: Timing
    ledger: Ledger
    client: AllDebrid
    poller: Poller
    unlocker: Unlocker
    engine: Engine
    turns: Turns
    slots: Slots
    errands: Errands
    free_space: Callable[[Path], int]
    """Bytes that may still be written below a folder."""
    total_space: Callable[[Path], int]
    """Bytes that the file system of a folder has in all."""
    publishing: set[Path]
    """Final names that are being taken, so that two torrents never copy to the same."""
    checking: asyncio.Lock
    """Held while files are read back: a disk that reads two at once reads neither well."""


class Job:
    """One torrent that is worked on, by one task."""

    def __init__(self, tools: Tools, infohash: str, live: Live, allowance: Allowance) -> None:
        self.tools = tools
        self.infohash = infohash
        self.live = live
        self.allowance = allowance
        self.line = Patience()
        """With the line and the file host."""
        self.refusals = 0
        """How often in a row the file host refused even a fresh link."""
        self.service = Patience()
        """With AllDebrid's API."""
        self.asked_again = False
        """True when somebody resumed the torrent after it had failed."""

    def __repr__(self) -> str:
        return f"<Job {self.entry!r} {self.allowance!r}>"

    @property
    def entry(self) -> Entry:
        """The torrent as it stands. Raises Forgotten."""
        return self.tools.ledger.entry(self.infohash)

    @property
    def record(self) -> TorrentRecord:
        """Its record. Raises Forgotten."""
        return self.entry.record

    @property
    def files(self) -> list[FileRecord]:
        """Its files. Raises Forgotten."""
        return self.entry.files

    @property
    def folder(self) -> Path:
        """Where its unfinished files are; the folder is ours alone."""
        return self.tools.config.incomplete / self.infohash

    @property
    def unfinished(self) -> list[FileRecord]:
        """Its files that are to be downloaded, the first to come first. Raises Forgotten."""
        return unfinished(self.files)

    def received(self) -> None:
        """Note that bytes arrived: what went wrong before is forgiven."""
        self.line.progress()
        self.refusals = 0

    async def move(
        self,
        target: State,
        *,
        reason: str = "",
        detail: str = "",
        records: Sequence[FileRecord] | None = None,
        bad_release: bool = False,
        **changes: Any,
    ) -> None:
        """Move the torrent; see `Ledger.move`."""
        await self.tools.ledger.move(
            self.infohash,
            target,
            reason=reason,
            detail=detail,
            records=records,
            bad_release=bad_release,
            **changes,
        )

    async def change(
        self,
        *,
        note: tuple[str, str] | None = None,
        records: Sequence[FileRecord] | None = None,
        take_off: int = 0,
        **changes: Any,
    ) -> None:
        """Change the torrent; see `Ledger.change`."""
        await self.tools.ledger.change(
            self.infohash, note=note, records=records, take_off=take_off, **changes
        )

    async def explain(self, reason: str) -> None:
        """Say why the torrent waits, if that is news."""
        if self.record.reason != reason:
            await self.change(reason=reason)

    async def metainfo(self) -> Metainfo | None:
        """Return what the torrent's .torrent says, or None when it came as a magnet."""
        data = await self.tools.ledger.metainfo(self.infohash)
        return None if data is None else await parsed(data)

    def monotonic(self) -> float:
        """Return the clock's reading in seconds."""
        return self.tools.timing.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self.tools.timing.sleep(seconds)

    async def within(self, seconds: float, answer: Awaitable[T]) -> T | None:
        """Return the answer if it comes in time, else None."""
        asked = asyncio.ensure_future(answer)
        pause = asyncio.ensure_future(self.tools.timing.sleep(seconds))
        try:
            await asyncio.wait([asked, pause], return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        finally:
            asked.cancel()
            pause.cancel()
            await asyncio.gather(asked, pause, return_exceptions=True)
