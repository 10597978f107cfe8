"""What the outside may see of the torrents, and what it may ask: the border of `engine`.

The API reads `TorrentView` snapshots and calls `Torrents`; it never touches the supervisor's
insides. Sizes are bytes, speeds bytes per second, times Unix seconds.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.store.records import CategoryRecord, EventRecord, TorrentRecord


class AddRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One torrent to add: exactly one of `magnet` and `metainfo` is set."""

    magnet: str = ""
    metainfo: bytes = b""
    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str = ""
    """Absolute; empty means the category's folder."""
    rename: str = ""
    paused: bool = False
    forced: bool = False
    ratio_limit: float = -2
    seeding_time_limit: int = -2
    inactive_seeding_time_limit: int = -2
    download_limit: int = 0
    """Bytes per second over all files of the torrent; 0 for none."""
    upload_limit: int = 0

    def __repr__(self) -> str:
        """Leave out what is added: trackers may carry a passkey."""
        return f"AddRequest(category={self.category!r}, rename={self.rename!r})"


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a torrent, as it stands now."""

    index: int
    path: str
    """Relative to the torrent's `save_path`."""
    size: int
    flushed: int
    """Bytes on disk."""


class TorrentView(msgspec.Struct, frozen=True, kw_only=True):
    """One torrent, as it stands now."""

    record: TorrentRecord
    state: State
    downloaded: int = 0
    """Bytes on disk."""
    speed: float = 0.0
    eta: int | None = None
    """Seconds to go; None when nobody can say."""
    remote_progress: float = 0.0
    """How far AllDebrid is with fetching it, 0 to 1."""
    remote_speed: float = 0.0
    remote_seeders: int = 0
    content_path: str = ""
    """Absolute path of the file or folder: the final one when completed, else where it will be.
    Empty until the files are known."""
    trackers: tuple[str, ...] = ()
    piece_length: int = 0
    """0 when the .torrent is not known."""
    pieces: int = 0


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers about the whole service."""

    speed: float
    downloaded: int
    """Bytes received since the service started."""
    free_space: int
    account_trouble: str = ""
    """What the user must do for AllDebrid to work again; empty when it works."""


class BadTorrent(Exception):
    """What was added is no torrent we can take; the message says why, in one sentence."""


class BadCategory(Exception):
    """A category name or path that is not acceptable; the message says why."""


class UnknownCategory(Exception):
    """There is no category of that name."""


class Unavailable(Exception):
    """The store cannot take a change now; the message says why."""


class Torrents(Protocol):
    """What may be asked of the torrents. All methods run on the event loop's thread.

    Every coroutine raises Unavailable when the store fails under it; it may be asked for again.

    Methods that take `hashes` ignore hashes that no torrent has; `None` means all torrents.
    """

    save_path: str
    """Absolute folder of finished files (`DOWNLOAD_DIR/complete`)."""

    async def add(self, request: AddRequest) -> str:
        """Store a torrent and return its infohash; answers without waiting for AllDebrid.

        A torrent that is there already stays the same torrent. Unless it is added to be paused,
        it goes on if it had failed, and what is no longer on disk of a complete one is fetched
        again. Raises BadTorrent.
        """

    def views(self) -> list[TorrentView]:
        """Return all torrents, in the order they were added."""

    def view(self, infohash: str) -> TorrentView | None:
        """Return one torrent, by lower-case infohash."""

    def files(self, infohash: str) -> list[FileView]:
        """Return the files of a torrent, in torrent order; empty while they are not known."""

    async def events(self, infohash: str) -> list[EventRecord]:
        """Return what happened to a torrent, oldest first."""

    def totals(self) -> Totals:
        """Return numbers about the whole service."""

    async def delete(self, hashes: list[str] | None, *, delete_files: bool) -> None:
        """Forget torrents; with `delete_files` also what was downloaded of them."""

    async def pause(self, hashes: list[str] | None) -> None:
        """Stop work on torrents until they are resumed. Completed ones stay completed."""

    async def resume(self, hashes: list[str] | None) -> None:
        """Go on with paused and failed torrents."""

    async def recheck(self, hashes: list[str] | None) -> None:
        """Verify what is on disk against the piece hashes, or sizes where there are none."""

    async def set_category(self, hashes: list[str] | None, category: str) -> None:
        """Give torrents a category ("" for none). Raises UnknownCategory."""

    async def add_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        """Add tags to torrents."""

    async def remove_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        """Remove tags from torrents; an empty list removes all."""

    async def set_forced(self, hashes: list[str] | None, *, forced: bool) -> None:
        """Let torrents download regardless of the queue's limits, or no longer."""

    async def set_share_limits(
        self,
        hashes: list[str] | None,
        *,
        ratio_limit: float,
        seeding_time_limit: int,
        inactive_seeding_time_limit: int,
    ) -> None:
        """Store share limits (-2 global, -1 none; minutes)."""

    async def set_download_limit(self, hashes: list[str] | None, limit: int) -> None:
        """Let each of the torrents download at `limit` bytes per second at most; 0 for no limit.

        It holds at once, for all files of a torrent together.
        """

    async def set_upload_limit(self, hashes: list[str] | None, limit: int) -> None:
        """Store a limit for what is never done."""

    def speed_limits(self) -> SpeedLimits:
        """Return the limits that hold for all torrents together."""

    async def change_speed_limits(self, change: Callable[[SpeedLimits], SpeedLimits]) -> None:
        """Change the limits that hold for all torrents together into what `change` returns.

        They hold at once and after a restart.
        """

    async def to_top(self, hashes: list[str] | None) -> None:
        """Move torrents to the head of the queue, keeping their order."""

    async def to_bottom(self, hashes: list[str] | None) -> None:
        """Move torrents to the end of the queue, keeping their order."""

    def categories(self) -> list[CategoryRecord]:
        """Return all categories, by name."""

    async def create_category(self, name: str, save_path: str) -> None:
        """Create a category and its folder; one that exists keeps its path. Raises BadCategory."""

    async def remove_categories(self, names: list[str]) -> None:
        """Remove categories; their torrents keep their files and have none from then on."""
