"""What every route of the emulated qBittorrent works with: settings, torrents, sessions, tags."""

import time
from collections.abc import Awaitable, Callable

import msgspec

from api.qbittorrent.sessions import Sessions
from api.qbittorrent.shown import Shown
from engine.jobs.views import Torrents

FetchTorrent = Callable[[str], Awaitable[bytes]]
"""Fetches the .torrent behind an http(s) URL; raises BadTorrent when there is none."""


class ApiConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the API. Blank `username` and `password` leave it open to everybody."""

    username: str = ""
    password: str = ""
    port: int = 6500
    """Shown in the preferences only; binding is the server's business."""
    unfinished_path: str = ""
    """Absolute folder of unfinished files, shown in the preferences."""
    active_downloads: int = 3
    """Torrents that download at once, shown in the preferences."""

    @property
    def open(self) -> bool:
        """True when nobody has to log in."""
        return not self.username and not self.password

    def __repr__(self) -> str:
        return f"ApiConfig(username={self.username!r}, port={self.port}, open={self.open})"


class Context:
    """The state of one API application. Used on the event loop's thread only.

    `tags` are the tags that were named to us, whether a torrent has them or not; torrents keep
    their own. They live as long as the process: a client that created a tag no torrent has, and
    misses it after a restart, creates it again.
    """

    def __init__(
        self,
        torrents: Torrents,
        config: ApiConfig,
        sessions: Sessions,
        *,
        clock: Callable[[], float] = time.time,
        fetch_torrent: FetchTorrent | None = None,
    ) -> None:
        self.torrents = torrents
        self.config = config
        self.sessions = sessions
        self.tags: set[str] = set()
        self.shown = Shown()
        self.fetch_torrent = fetch_torrent
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Context {self.config!r} {self.sessions!r} tags={len(self.tags)}>"

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self._clock())

    def all_tags(self) -> list[str]:
        """Return the tags that were named to us and those of the torrents, sorted."""
        used = {tag for view in self.torrents.views() for tag in view.record.tags}
        return sorted(self.tags | used)
