"""What every route of the emulated qBittorrent works with: settings, torrents, sessions."""

import signal
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from api.qbittorrent.bans import Bans
from api.qbittorrent.bodies import PATIENCE, Patience
from api.qbittorrent.listing import Answers
from api.qbittorrent.login import OPEN, Login
from api.qbittorrent.looking import Looking
from api.qbittorrent.maindata import MainData
from api.qbittorrent.numbers import Clients
from api.qbittorrent.peers import Network
from api.qbittorrent.sessions import LIFETIME, Sessions
from api.qbittorrent.shown import Shown
from engine.jobs.views import Torrents


def end_process() -> None:
    """Let the service end in order."""
    signal.raise_signal(signal.SIGTERM)


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL led to; one of both is set. Its repr tells neither: both may hold passkeys."""

    metainfo: bytes = b""
    magnet: str = ""

    def __repr__(self) -> str:
        return f"Fetched(metainfo={len(self.metainfo)} bytes, magnet={bool(self.magnet)})"


FetchTorrent = Callable[[str, str], Awaitable[Fetched]]
"""Fetches what an http(s) URL leads to, with the text of a Cookie header or "".

Raises BadTorrent when it is no torrent.
"""


class Releases(Protocol):
    """Who announced releases to the programs that add torrents here. The event loop's thread."""

    async def original(self, infohash: str) -> bytes | None:
        """Return the .torrent that a release was announced with. Raises StoreError."""

    async def added(self, infohash: str, name: str, size: int, agent: str) -> None:
        """Note a torrent that a User-Agent has added; `size` is bytes, 0 for unknown.

        Raises StoreError.
        """

    def called(self, agent: str, base: str, address: str) -> None:
        """Note that a User-Agent has reached us at `base`: `http://nas:6500`, "" for unknown.

        `address` is where it called from, "" for one that has logged in.
        """


class ApiConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the API."""

    login: Login = OPEN
    session_timeout: float = LIFETIME
    """Seconds without a request until a session is over, 0 for never."""
    failed_logins: int = 5
    """How many ban an address; 0 for never."""
    ban_duration: float = 3600
    """Seconds; 0 for never."""
    hosts: tuple[str, ...] = ()
    """Names we are reached by, besides those that are plainly local: see `browsers`."""
    own_name: str = ""
    """This machine's."""
    proxies: tuple[Network, ...] = ()
    """Reverse proxies whose X-Forwarded-For is believed."""
    max_upload: int = 10 * 1024 * 1024
    """Bytes of one request. The largest .torrent files known have a few MiB."""
    patience: Patience = PATIENCE
    """With slow requests."""
    port: int = 6500
    """Shown in the preferences only; binding is the server's business."""
    unfinished_path: str = ""
    """Absolute folder of unfinished files, shown in the preferences."""

    @property
    def open(self) -> bool:
        """True when nobody has to log in."""
        return self.login.open

    def __repr__(self) -> str:
        return f"ApiConfig(username={self.login.username!r}, port={self.port}, open={self.open})"


class Context:
    """The state of one API application. Used on the event loop's thread only.

    `shutdown` lets the service end.
    """

    def __init__(
        self,
        torrents: Torrents,
        config: ApiConfig,
        sessions: Sessions,
        *,
        bans: Bans | None = None,
        clock: Callable[[], float] = time.time,
        fetch_torrent: FetchTorrent | None = None,
        releases: Releases | None = None,
        shutdown: Callable[[], None] = end_process,
    ) -> None:
        self.torrents = torrents
        self.config = config
        self.sessions = sessions
        self.bans = bans or Bans(limit=config.failed_logins, duration=config.ban_duration)
        self.shown = Shown()
        self.answers = Answers()
        self.main_data = MainData()
        self.following = Clients()
        self.looking = Looking()
        self.fetch_torrent = fetch_torrent
        self.releases = releases
        self.shutdown = shutdown
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Context {self.config!r} {self.sessions!r}>"

    def up_to_date(self) -> Shown:
        """Return all torrents as they are shown now."""
        self.shown.update(self.torrents.views(), self.now(), self.torrents.preferences())
        return self.shown

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self._clock())
