"""What AllDebrid tells, as plain frozen structs. Sizes are bytes, speeds bytes per second.

`STATUSES` is the table of AllDebrid's torrent status codes; what is in no row has failed, and
AllDebrid's own text is kept.
"""

import enum

import msgspec


class Phase(enum.Enum):
    """What a status code means for whoever waits for the torrent."""

    WAITING = "waiting"
    FETCHING = "fetching"
    PROCESSING = "processing"
    READY = "ready"
    SOFT_ERROR = "soft_error"
    """Often mends itself: look again a few times, then `restart`, then give up."""
    RETRYABLE_ERROR = "retryable_error"
    """One restart or one more upload is worth it."""
    GONE = "gone"
    """It was there and is no more: upload it again, once."""
    FAILED = "failed"
    """This release will not come: give it up, so that another one is searched."""


STATUSES: dict[int, tuple[Phase, str]] = {
    0: (Phase.WAITING, "AllDebrid has the torrent in its queue."),
    1: (Phase.FETCHING, "AllDebrid is downloading the torrent."),
    2: (Phase.PROCESSING, "AllDebrid is packing the files."),
    3: (Phase.PROCESSING, "AllDebrid is moving the files to its file hosts."),
    4: (Phase.READY, "The files are ready at AllDebrid."),
    5: (Phase.RETRYABLE_ERROR, "AllDebrid could not move the files to its file hosts."),
    6: (Phase.FAILED, "AllDebrid could not unpack the files."),
    7: (Phase.SOFT_ERROR, "AllDebrid could not start the torrent within 20 minutes."),
    8: (Phase.FAILED, "The torrent is larger than AllDebrid takes (1 TB)."),
    9: (Phase.RETRYABLE_ERROR, "AllDebrid had an internal error with the torrent."),
    10: (Phase.FAILED, "AllDebrid gave the torrent up after 72 hours."),
    11: (Phase.GONE, "AllDebrid no longer has the files of the torrent."),
    12: (Phase.FAILED, "AllDebrid could not process the torrent; it may be damaged."),
    13: (Phase.FAILED, "AllDebrid could not process the torrent; it may be damaged."),
    14: (Phase.SOFT_ERROR, "AllDebrid cannot contact the torrent's trackers."),
    15: (Phase.FAILED, "Nobody shares this torrent: AllDebrid found no peer."),
}
"""Status code to phase and a sentence for the user."""


class RemoteFile(msgspec.Struct, frozen=True):
    """One file of a torrent at AllDebrid."""

    path: tuple[str, ...]
    """Folders and name as AllDebrid has them: untrusted, make them safe before using them."""
    size: int
    link: str = ""
    """The page link, to be unlocked; empty when AllDebrid gave none."""

    def __repr__(self) -> str:
        return f"RemoteFile(path={self.path!r}, size={self.size})"


class Uploaded(msgspec.Struct, frozen=True):
    """A torrent that AllDebrid took."""

    id: int
    hash: str
    """Infohash, 40 lower-case hex digits; empty only if neither side named it."""
    name: str
    """Empty while AllDebrid does not know it."""
    size: int
    """0 while AllDebrid does not know it."""
    ready: bool


class MagnetStatus(msgspec.Struct, frozen=True):
    """How far AllDebrid is with a torrent."""

    id: int
    hash: str = ""
    name: str = ""
    size: int = 0
    code: int = 0
    text: str = ""
    """AllDebrid's own words."""
    downloaded: int = 0
    speed: int = 0
    seeders: int = 0

    @property
    def phase(self) -> Phase:
        """What the code means."""
        return STATUSES.get(self.code, (Phase.FAILED, ""))[0]

    @property
    def explanation(self) -> str:
        """One sentence for the user."""
        known = STATUSES.get(self.code)
        return known[1] if known else f"AllDebrid failed the torrent: {self.text or 'no reason'}."

    @property
    def progress(self) -> float:
        """How much of it AllDebrid has, 0 to 1."""
        if self.phase is Phase.READY:
            return 1.0
        return min(1.0, self.downloaded / self.size) if self.size > 0 else 0.0


class Unlocked(msgspec.Struct, frozen=True):
    """A direct link. The URL is a secret: it is in no repr, log or answer."""

    url: str
    filename: str = ""
    size: int = 0
    """0 when AllDebrid does not say."""
    max_connections: int = 0
    """The link's own cap on connections; 0 when it has none."""

    def __repr__(self) -> str:
        return f"Unlocked(filename={self.filename!r}, size={self.size})"


class User(msgspec.Struct, frozen=True):
    """The account, as far as it matters here."""

    username: str
    premium: bool
    trial: bool
    premium_until: int
    """Unix seconds; 0 for never."""


class Verdict(enum.Enum):
    """What became of the e-mail that asks the user to approve this device."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
