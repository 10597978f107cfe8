"""The torrents of a simulated account: how far each is, and what the API says about them.

The time is passed in, so progress is a function of it. Answers are JSON-ready dictionaries in
AllDebrid's own words, because that is what they are for.
"""

import hashlib
from collections.abc import Callable

import msgspec

from engine.alldebrid.simulator.content import Content
from engine.alldebrid.simulator.torrent import Named

Json = dict[str, object]

MAX_ACTIVE = 30
"""Torrents in the making that AllDebrid allows."""

QUEUE_SHARE = 0.2
"""Share of a torrent's time that it spends in the queue."""

TEXTS = {
    0: "In Queue",
    1: "Downloading",
    2: "Compressing / Moving",
    3: "Uploading",
    4: "Ready",
    5: "Upload fail",
    6: "Internal error on unpacking",
    7: "Not downloaded in 20 min",
    8: "File too big",
    9: "Internal error",
    10: "Download took more than 72h",
    11: "Deleted on the hoster website",
    12: "Processing failed",
    13: "Processing failed",
    14: "Error while contacting tracker",
    15: "No peer after 30 minutes",
}

READY = 4
"""The status code that everything before leads to and every error is above."""

DATE = 1_767_225_600
"""Unix seconds that the account's dates count from: 2026-01-01."""

LINK_PREFIX = "https://alldebrid.com/f/"

_PROGRESS = ("downloaded", "uploaded", "seeders", "downloadSpeed", "uploadSpeed")


class Refused(Exception):
    """The API refuses: `code` is AllDebrid's."""

    def __init__(self, code: str, message: str = "", token: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or f"Simulated answer {code}"
        self.token = token

    def error(self) -> Json:
        """Return the `error` object of the answer."""
        token: Json = {"token": self.token} if self.token else {}
        return {"code": self.code, "message": self.message, **token}


class HeldFile(msgspec.Struct, frozen=True):
    """A file that the simulated AllDebrid can serve."""

    path: tuple[str, ...]
    content: Content
    host: Callable[[str], str] | None = None
    """Makes the direct link for the path when another file host serves it."""


class Held(msgspec.Struct, frozen=True):
    """A torrent that the simulated AllDebrid can fetch."""

    infohash: str
    name: str
    files: tuple[HeldFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.content.size for file in self.files)

    def link(self, index: int) -> str:
        """Return the page link of a file: the same each time."""
        token = hashlib.sha256(f"{self.infohash}/{index}".encode()).hexdigest()[:20]
        return LINK_PREFIX + token


class Stage(msgspec.Struct, frozen=True):
    """How far AllDebrid is with a torrent."""

    code: int
    fraction: float = 0.0
    speed: int = 0
    seeders: int = 0
    text: str = ""


class Magnet(msgspec.Struct):
    """A torrent on the account."""

    id: int
    named: Named
    held: Held | None
    """None when nobody shares it."""
    since: float
    """When it was added or restarted, on the clock of the account."""

    @property
    def size(self) -> int:
        """Bytes of all files; 0 for a torrent that nobody shares."""
        return self.held.size if self.held else 0


def staged(elapsed: float, seconds: float, size: int, *, shared: bool) -> Stage:
    """Return how far a torrent is that takes `seconds` in all."""
    if elapsed < seconds * QUEUE_SHARE:
        return Stage(0)
    if not shared:
        return Stage(15)
    if elapsed < seconds:
        took = seconds * (1 - QUEUE_SHARE)
        fraction = (elapsed - seconds * QUEUE_SHARE) / took
        return Stage(1, fraction, speed=int(size / took), seeders=5)
    return Stage(READY, 1.0)


class SimulatedAccount:
    """The torrents of an account. Not thread-safe except that single calls do not break."""

    def __init__(
        self, *, seconds: float, clock: Callable[[], float], max_active: int = MAX_ACTIVE
    ) -> None:
        self.seconds = seconds
        self.library: dict[str, Held] = {}
        self.magnets: dict[int, Magnet] = {}
        self.sessions: dict[str, tuple[int, dict[int, Json]]] = {}
        self._clock = clock
        self._max_active = max_active
        self._next_id = 100_001

    def __repr__(self) -> str:
        return f"<SimulatedAccount magnets={len(self.magnets)} library={len(self.library)}>"

    def stage(self, magnet: Magnet) -> Stage:
        """Return how far a torrent is now."""
        elapsed = self._clock() - magnet.since
        return staged(elapsed, self.seconds, magnet.size, shared=magnet.held is not None)

    def add(self, named: Named) -> Magnet:
        """Put a torrent on the account; one that is there already stays. Raises Refused."""
        for magnet in list(self.magnets.values()):
            if magnet.named.infohash == named.infohash:
                return magnet
        active = sum(self.stage(magnet).code < READY for magnet in list(self.magnets.values()))
        if active >= self._max_active:
            raise Refused("MAGNET_TOO_MANY_ACTIVE")
        held = self.library.get(named.infohash)
        magnet = Magnet(self._next_id, named, held, self._clock())
        self._next_id += 1
        self.magnets[magnet.id] = magnet
        return magnet

    def find(self, magnet_id: str) -> Magnet:
        """Return a torrent by its id. Raises Refused."""
        magnet = self.magnets.get(int(magnet_id)) if magnet_id.isdecimal() else None
        if magnet is None:
            raise Refused("MAGNET_INVALID_ID")
        return magnet

    def restart(self, magnet: Magnet) -> None:
        """Try a failed torrent again. Raises Refused for any other."""
        if self.stage(magnet).code <= READY:
            raise Refused("MAGNET_PROCESSING")
        magnet.since = self._clock()

    def name(self, magnet: Magnet) -> str:
        """Return what AllDebrid calls the torrent."""
        return magnet.held.name if magnet.held else magnet.named.name or "noname"

    def status(self, magnet: Magnet) -> Json:
        """Return a torrent as `magnet/status` shows it."""
        stage = self.stage(magnet)
        item: Json = {
            "id": magnet.id,
            "filename": self.name(magnet),
            "size": magnet.size,
            "hash": magnet.named.infohash,
            "status": stage.text or f"{TEXTS.get(stage.code, 'Unknown')} (simulated)",
            "statusCode": stage.code,
            "uploadDate": DATE + int(magnet.since),
            "completionDate": 0 if stage.code != READY else DATE + int(self._clock()),
        }
        if stage.code != READY:
            downloaded = int(magnet.size * stage.fraction)
            item |= dict(
                zip(_PROGRESS, (downloaded, 0, stage.seeders, stage.speed, 0), strict=True)
            )
        return item

    def live(self, session: str, counter: str) -> Json:
        """Return what changed in a live session; everything when the counter is not the last."""
        now = {magnet.id: self.status(magnet) for magnet in list(self.magnets.values())}
        last, seen = self.sessions.get(session, (0, {}))
        in_step = last > 0 and counter == str(last)
        self.sessions[session] = (last + 1 if in_step else 1, now)
        if not in_step:
            return {"counter": 1, "fullsync": True, "magnets": list(now.values())}
        changed = (_changed(seen.get(magnet_id, {}), item) for magnet_id, item in now.items())
        return {"counter": last + 1, "magnets": [item for item in changed if len(item) > 1]}

    def tree(self, magnet: Magnet) -> list[Json]:
        """Return the file tree of a torrent; empty until it is ready."""
        root: list[Json] = []
        if magnet.held is None or self.stage(magnet).code != READY:
            return root
        folders: dict[tuple[str, ...], list[Json]] = {(): root}
        for index, file in enumerate(magnet.held.files):
            for depth in range(1, len(file.path)):
                if file.path[:depth] not in folders:
                    entries = folders[file.path[:depth]] = []
                    folders[file.path[: depth - 1]].append(
                        {"n": file.path[depth - 1], "e": entries}
                    )
            leaf: Json = {"n": file.path[-1], "s": file.content.size, "l": magnet.held.link(index)}
            folders[file.path[:-1]].append(leaf)
        return root

    def file_of(self, link: str) -> HeldFile:
        """Return the file behind a page link, magnet deleted or not. Raises Refused."""
        if not link:
            raise Refused("LINK_IS_MISSING")
        if not link.startswith(LINK_PREFIX):
            raise Refused("LINK_HOST_NOT_SUPPORTED")
        for held in list(self.library.values()):
            for index, file in enumerate(held.files):
                if held.link(index) == link:
                    return file
        raise Refused("LINK_DOWN")


def _changed(before: Json, now: Json) -> Json:
    return {name: value for name, value in now.items() if name == "id" or before.get(name) != value}
