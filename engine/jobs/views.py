"""What the outside may see of the torrents, and what it may ask: the border of `engine`.

The API reads `TorrentView` snapshots and calls `Torrents`; it never touches the supervisor's
insides. Sizes are bytes, speeds bytes per second, times Unix seconds.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from engine.jobs.preferences import Preferences
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
    """Absolute or relative to `Torrents.save_path`; empty means the category's folder."""
    auto_managed: bool | None = None
    """Whether its folder is always the category's; with True `save_path` counts for nothing. None
    means no where there is a `save_path`, else what the preferences say."""
    rename: str = ""
    paused: bool | None = None
    """None means what the preferences say (`start_paused`)."""
    forced: bool = False
    sequential: bool = False
    first_last: bool = False
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
    priority: int = 1
    """0 for a file that is not downloaded; 1, 6 and 7 as in qBittorrent, the highest first."""


class TorrentView(msgspec.Struct, frozen=True, kw_only=True):
    """One torrent, as it stands now."""

    record: TorrentRecord
    """Its `size` counts all files; for those that are wanted see `wanted`."""
    state: State
    downloaded: int = 0
    """Bytes on disk."""
    skipped: int = 0
    """Bytes of the files that are not to be downloaded (priority 0)."""
    skipped_on_disk: int = 0
    """Bytes on disk of those: they came before the file was given up."""
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
    private: bool = False
    """What its .torrent says."""

    others: tuple["TorrentView", ...] = ()
    """The same torrent as each further category has it that asked for it: with that category, and
    with a folder and a state of its own. Who asks for one category sees that one alone."""

    @property
    def wanted(self) -> int:
        """Bytes of the files that are to be downloaded: what qBittorrent calls `size`."""
        return self.record.size - self.skipped

    @property
    def done(self) -> int:
        """Bytes on disk of the files that are to be downloaded."""
        return self.downloaded - self.skipped_on_disk


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


class UnknownTorrent(Exception):
    """There is no torrent with that infohash."""


class Conflict(Exception):
    """What was asked for cannot be done as things are; the message says why, in one sentence."""


class BadPreference(Exception):
    """A preference that is not acceptable; the message says why, in one sentence."""


class Unavailable(Exception):
    """The store cannot take a change now; the message says why."""


class Torrents(Protocol):
    """What may be asked of the torrents. All methods run on the event loop's thread.

    Every coroutine raises Unavailable when the store fails under it; it may be asked for again.

    Methods that take `hashes` ignore hashes that no torrent has; `None` means all torrents.
    """

    @property
    def save_path(self) -> str:
        """Absolute folder of finished files (`preferences().save_path`)."""

    async def add(self, request: AddRequest) -> str:
        """Store a torrent and return its infohash; answers without waiting for AllDebrid.

        A torrent that is there already stays the same torrent. Unless it is added to be paused,
        it goes on if it had failed, and what is no longer on disk of a complete one is fetched
        again. With another category it belongs to both: see `TorrentView.others`. Raises
        BadTorrent.
        """

    def views(self) -> list[TorrentView]:
        """Return all torrents, in the order they were added."""

    def view(self, infohash: str) -> TorrentView | None:
        """Return one torrent, by lower-case infohash."""

    def files(self, infohash: str) -> list[FileView]:
        """Return the files of a torrent, in torrent order; empty while they are not known."""

    async def events(self, infohash: str) -> list[EventRecord]:
        """Return what happened to a torrent, oldest first."""

    async def metainfo(self, infohash: str) -> bytes | None:
        """Return the .torrent as it was added; None for a magnet or an unknown torrent."""

    async def piece_hashes(self, infohash: str) -> list[str]:
        """Return the SHA-1 of each piece in hex; empty for a magnet or an unknown torrent."""

    def piece_states(self, infohash: str) -> list[int]:
        """Return for each piece 0 (missing), 1 (downloading) or 2 (on disk).

        Empty where pieces are not known: for a magnet, or while a .torrent is not read yet.
        """

    def totals(self) -> Totals:
        """Return numbers about the whole service."""

    async def delete(
        self, hashes: list[str] | None, *, delete_files: bool, category: str | None = None
    ) -> None:
        """Forget torrents; with `delete_files` also what was downloaded of them.

        A torrent of several categories is forgotten for one of them only: for `category`, the one
        that the asker looks at, else for those whose files were taken away, else for all.
        """

    async def pause(self, hashes: list[str] | None) -> None:
        """Stop work on torrents until they are resumed. Completed ones stay completed."""

    async def resume(self, hashes: list[str] | None) -> None:
        """Go on with paused and failed torrents."""

    async def recheck(self, hashes: list[str] | None) -> None:
        """Verify what is on disk against the piece hashes, or sizes where there are none."""

    async def set_category(
        self, hashes: list[str] | None, category: str, *, asking: str | None = None
    ) -> None:
        """Give torrents a category ("" for none). Raises UnknownCategory.

        Of a torrent of several categories one is changed: `asking`, the one that the asker looks
        at, else the one whose files were taken away, else the torrent's own.
        """

    async def rename(self, infohash: str, name: str) -> None:
        """Change the name that is shown. Raises UnknownTorrent, Conflict for an empty name."""

    async def rename_file(self, infohash: str, old: str, new: str) -> None:
        """Give a file of a torrent another path, on disk too. Raises UnknownTorrent, Conflict.

        Paths are relative to the torrent's `save_path`, as `files` shows them.
        """

    async def rename_folder(self, infohash: str, old: str, new: str) -> None:
        """Give a folder of a torrent another path; otherwise as `rename_file`."""

    async def set_location(self, hashes: list[str] | None, folder: str) -> None:
        """Move torrents to another folder, on disk too, and manage them no more by category.

        Raises Conflict.
        """

    async def set_auto_managed(self, hashes: list[str] | None, *, auto: bool) -> None:
        """Let the folder of torrents be that of their category, always or no longer."""

    async def set_file_priorities(
        self, infohash: str, indexes: Sequence[int], priority: int
    ) -> None:
        """Give files of a torrent a priority: 0 (not downloaded), 1, 6 or 7.

        A file of a complete torrent that is wanted now is fetched and put beside the others.
        Raises UnknownTorrent; Conflict when the files are not known yet or have no such index,
        and for other priorities.
        """

    async def toggle_sequential(self, hashes: list[str] | None) -> None:
        """Store the opposite for each torrent; files always come from beginning to end here."""

    async def toggle_first_last(self, hashes: list[str] | None) -> None:
        """Store the opposite for each torrent; it has no effect here."""

    def tags(self) -> list[str]:
        """Return all tags there are, by name, also those that no torrent has."""

    async def create_tags(self, tags: list[str]) -> None:
        """Create tags; those that exist stay. Ones that are empty or hold a comma are ignored."""

    async def delete_tags(self, tags: list[str]) -> None:
        """Delete tags, and take them from all torrents."""

    async def add_tags(self, hashes: list[str] | None, tags: list[str]) -> None:
        """Add tags to torrents; those that do not exist are created."""

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

    def preferences(self) -> Preferences:
        """Return what clients may set."""

    async def change_preferences(self, change: Callable[[Preferences], Preferences]) -> None:
        """Change the preferences into what `change` returns; nothing else may happen in it.

        They hold at once and after a restart. Raises BadPreference.
        """

    async def to_higher(self, hashes: list[str] | None) -> None:
        """Move torrents one place up in the queue; those that lead it stay."""

    async def to_lower(self, hashes: list[str] | None) -> None:
        """Move torrents one place down in the queue; those that end it stay."""

    async def to_top(self, hashes: list[str] | None) -> None:
        """Move torrents to the head of the queue, keeping their order."""

    async def to_bottom(self, hashes: list[str] | None) -> None:
        """Move torrents to the end of the queue, keeping their order."""

    def categories(self) -> list[CategoryRecord]:
        """Return all categories, by name."""

    async def create_category(self, name: str, save_path: str) -> None:
        """Create a category and its folder; one that exists keeps its path. Raises BadCategory."""

    async def edit_category(self, name: str, save_path: str) -> None:
        """Give a category another folder; torrents managed by category move there.

        Raises UnknownCategory, BadCategory.
        """

    async def remove_categories(self, names: list[str]) -> None:
        """Remove categories; their torrents keep their files and have none from then on."""
