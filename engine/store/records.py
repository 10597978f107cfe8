"""What the store keeps: plain frozen structs, one per table.

Sizes and offsets are bytes, times are Unix seconds. Nothing here opens a database.
"""

import msgspec

NO_LIMIT_SET = -2
"""A share limit of -2 means "use the global limit", -1 "no limit" (qBittorrent Web API)."""


class TorrentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One torrent as it survives a restart; `state` is a name from `engine.jobs.states.State`."""

    hash: str
    """Infohash v1, 40 lower-case hex digits: the identity."""
    name: str
    """What Sonarr parses as the release name. Fixed once it is a real name."""
    state: str
    reason: str = ""
    """Why the torrent waits or failed, one sentence for the user; empty when all is well."""
    category: str = ""
    tags: tuple[str, ...] = ()
    save_path: str
    """Absolute folder that will hold `root`."""
    auto_managed: bool = False
    """True when `save_path` is the category's folder and follows it."""
    root: str = ""
    """Name of the file or folder under `save_path`; empty until the files are known."""
    size: int = 0
    """Bytes of all files; 0 until known."""
    added_at: int
    completed_at: int = 0
    last_activity: int = 0
    magnet: str = ""
    """The magnet URI as added, trackers and all; empty when a .torrent was added."""
    has_metainfo: bool = False
    """True when the .torrent itself is in the store (`torrents.metainfo`)."""
    magnet_id: int = 0
    """AllDebrid's id for this torrent; 0 while it has none."""
    owned: bool = False
    """True when the magnet was not on the account before we put it there."""
    position: int = 0
    """Place in the queue, 1 first; 0 for torrents that no longer queue."""
    forced: bool = False
    ratio_limit: float = NO_LIMIT_SET
    seeding_time_limit: int = NO_LIMIT_SET
    """Minutes."""
    inactive_seeding_time_limit: int = NO_LIMIT_SET
    """Minutes."""
    download_limit: int = 0
    """Bytes per second over all its files; 0 for none."""
    pausing: bool = False
    """True while a torrent is checked that was paused, and is to be so again."""
    upload_limit: int = 0
    """As a client set it; nothing is uploaded."""
    sequential: bool = False
    """As a client set it; files always come from beginning to end."""
    first_last: bool = False
    """As a client set it, without effect."""

    def __repr__(self) -> str:
        """Leave out the magnet: its trackers may carry a passkey."""
        return f"TorrentRecord({self.hash}, name={self.name!r}, state={self.state})"


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a torrent."""

    torrent: str
    """Infohash of the torrent."""
    index: int
    """Place in the torrent, from 0; for magnets the place in the sorted tree."""
    path: str
    """Safe relative path below `save_path`, with `root` as its first part."""
    size: int
    link: str = ""
    """AllDebrid's page link, to be unlocked; empty for files that need no download."""
    flushed: int = 0
    """Durable prefix in bytes: all of it survives a power cut."""
    etag: str = ""
    """The strong ETag that came with those bytes; empty when the server gave none."""
    last_modified: str = ""
    """The Last-Modified that came with those bytes, word for word."""
    priority: int = 1
    """0 for a file that is not downloaded; the others come in descending order, as in
    qBittorrent 1 (normal), 6 (high) or 7 (highest)."""
    published: bool = False
    """True when the file is (or was, until somebody took it) below `save_path`; False while it is
    in our folder of unfinished files, or nowhere yet."""

    def __repr__(self) -> str:
        """Leave out the link."""
        done = f"{self.flushed} of {self.size}"
        return f"FileRecord({self.torrent}, {self.index}, {self.path!r}, {done})"


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a torrent."""

    torrent: str
    at: int
    kind: str
    """A short snake_case word: `added`, `state`, `retry`, `piece_refetched`, ..."""
    detail: str = ""
    """One sentence; never holds a secret or an unlocked link."""


class UnlockedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A direct link and when it was unlocked. The URL is a secret: in no log, event or answer."""

    link: str
    """AllDebrid's page link."""
    url: str
    unlocked_at: int
    max_connections: int = 0
    """The link's own cap on connections; 0 when it has none."""

    def __repr__(self) -> str:
        """Leave out both links."""
        return f"UnlockedLink(unlocked_at={self.unlocked_at})"


class RemovalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A magnet that is to be taken off the AllDebrid account, whatever became of its torrent."""

    magnet_id: int
    """AllDebrid's id for it."""
    torrent: str
    """Infohash of the torrent that had it; that torrent may be gone."""


class MoveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder of a torrent that is being moved or renamed on disk.

    `source`/`old` is to become `target`/`new`; see `engine.jobs.relocate`.
    """

    torrent: str
    """Infohash of the torrent; it has one move at most."""
    source: str
    """Absolute folder that `old` lies in: the save path, or ours of unfinished files."""
    target: str
    """Absolute folder that `new` will lie in; another than `source` when the save path changes."""
    old: str
    """Relative path of a file or folder of the torrent."""
    new: str
    """Its relative path afterwards."""
    auto_managed: bool
    """What the torrent's field of that name will be afterwards."""
    copied: bool = False
    """True once a whole copy lies beside the target, on another file system than the source."""


class EndingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a torrent ended, to be told to whoever asked for it."""

    torrent: str
    """Infohash; the torrent may be gone."""
    failed: bool
    """True when another release has to be found, False when the files are there."""
    at: int
    tried: bool = False
    """True once somebody may have acted on it: it stays when its torrent is deleted."""


class ShareRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A further category of a torrent, with its own copy of the finished files.

    See `engine.jobs.share`.
    """

    torrent: str
    """Infohash of the torrent."""
    category: str
    """Another one than the torrent's own, and than those of its other shares."""
    save_path: str
    """Absolute folder that holds `root`, or will."""
    root: str = ""
    """Name of the file or folder under `save_path`; empty until it is chosen."""
    done: bool = False
    """True once the copy has its name."""
    reason: str = ""
    """Why there is no copy though the torrent is complete, one sentence for the user."""


class CategoryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A category of the qBittorrent API."""

    name: str
    save_path: str = ""
    """As given by the client: absolute, relative to the complete folder, or empty."""


class PushRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A release on its way to another program, or what became of it."""

    id: str
    target: str
    """The program: a value of `arrpush.payload.Target`."""
    title: str
    words: str
    """What is the same for all spellings of the title, and differs for all others."""
    infohash: str = ""
    """40 lower-case hex digits; empty while nothing tells it."""
    guessed: bool = False
    """True when only a release of that name that was seen before tells the infohash."""
    payload: str
    """The JSON that is pushed, without a link of ours. It may hold passkeys: not to be shown."""
    base: str = ""
    """Where who announced it reached us, such as `http://nas:6500`."""
    state: str
    """A value of `arrpush.course.State`."""
    accepted_at: int
    since: int = 0
    """What the program has grabbed since then may be this: when it was accepted first."""
    attempts: int = 0
    tried: bool = False
    """True once a push may have reached the program."""
    attempted_at: int = 0
    code: int = 0
    """The HTTP status of the last answer; 0 when there was none."""
    said: str = ""
    """What came of the last attempt: one sentence for the user."""
    answer: str = ""
    """The last answer as it came, which may quote the payload: not to be shown."""
    grabbed_at: int = 0
    """When its torrent was added here; 0 when it was not."""
    ended_at: int = 0

    def __repr__(self) -> str:
        """Leave out what is pushed and what was answered: both may hold passkeys."""
        return f"PushRecord({self.id}, {self.target}, {self.title!r}, state={self.state})"


class ReleaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A release that was seen, under one of its names."""

    name: str
    infohash: str
    start: str
    """The tokens of the name up to its last number: only names that share them can be alike."""
    size: int = 0
    """0 when nobody told."""
    seen_at: int
