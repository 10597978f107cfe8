"""The JSON objects of qBittorrent's Web API 2.8, as structs.

Clients written in Go refuse a whole answer when a whole number comes as `1.0` or a string as
null, so each field has one type here and msgspec keeps it. Sizes are bytes, speeds bytes per
second, dates Unix seconds, durations seconds unless said otherwise. A field that has a default
is one that a debrid download has nothing to say about.
"""

import msgspec

UNKNOWN_ETA = 8_640_000
"""What qBittorrent says for "infinite": 100 days in seconds."""

UNKNOWN = -1
"""What qBittorrent says for a date, a limit or a number that there is not."""


class Torrent(msgspec.Struct, frozen=True, kw_only=True):
    """A torrent in torrents/info and sync/maindata."""

    hash: str
    infohash_v1: str
    infohash_v2: str = ""
    name: str
    magnet_uri: str
    size: int
    """Of the files that are to be downloaded."""
    total_size: int
    """-1 while it is not known."""
    progress: float
    """0 to 1; 1 exactly when the files can be taken away."""
    dlspeed: int
    upspeed: int = 0
    priority: int
    """Place in the queue, 1 first; 0 for torrents that do not queue."""
    num_seeds: int
    num_complete: int
    num_leechs: int = 0
    num_incomplete: int = 0
    state: str
    eta: int
    seq_dl: bool
    f_l_piece_prio: bool
    category: str
    tags: str
    super_seeding: bool = False
    force_start: bool
    save_path: str
    download_path: str = ""
    content_path: str
    added_on: int
    completion_on: int
    tracker: str
    trackers_count: int
    dl_limit: int
    """0 for none."""
    up_limit: int
    downloaded: int
    downloaded_session: int
    uploaded: int = 0
    uploaded_session: int = 0
    amount_left: int
    completed: int
    ratio: float
    ratio_limit: float
    max_ratio: float
    """The ratio limit in force; -1 for none."""
    seeding_time: int
    seeding_time_limit: int
    """Minutes."""
    max_seeding_time: int
    """Minutes, the limit in force; -1 for none."""
    inactive_seeding_time_limit: int
    """Minutes."""
    max_inactive_seeding_time: int
    """Minutes, the limit in force; -1 for none."""
    seen_complete: int
    last_activity: int
    time_active: int
    auto_tmm: bool
    availability: float


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to torrents/properties."""

    hash: str
    infohash_v1: str
    infohash_v2: str = ""
    name: str
    save_path: str
    download_path: str = ""
    comment: str
    """What the torrent waits for or why it failed."""
    created_by: str = ""
    is_private: bool
    creation_date: int = UNKNOWN
    addition_date: int
    completion_date: int
    last_seen: int
    eta: int
    time_elapsed: int
    seeding_time: int
    reannounce: int = 0
    share_ratio: float
    dl_limit: int
    """-1 for none, unlike in `Torrent`."""
    dl_speed: int
    dl_speed_avg: int
    up_limit: int
    up_speed: int = 0
    up_speed_avg: int = 0
    nb_connections: int = 0
    nb_connections_limit: int = UNKNOWN
    peers: int = 0
    peers_total: int = 0
    seeds: int
    seeds_total: int
    piece_size: int
    pieces_have: int
    pieces_num: int
    total_size: int
    total_downloaded: int
    total_downloaded_session: int
    total_uploaded: int = 0
    total_uploaded_session: int = 0
    total_wasted: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file in torrents/files."""

    index: int
    name: str
    """Path below the torrent's save_path."""
    size: int
    progress: float
    priority: int = 1
    is_seed: bool | msgspec.UnsetType = msgspec.UNSET
    """On the first file only: whether the whole torrent is there."""
    piece_range: tuple[int, int]
    """First and last piece; both 0 when the pieces are not known."""
    availability: int = 1
    """A whole number: there are clients that take no other."""


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    """A row of torrents/trackers."""

    url: str
    status: int
    tier: int
    num_peers: int = 0
    num_seeds: int = 0
    num_leeches: int = 0
    num_downloaded: int = 0
    msg: str = ""


class Category(msgspec.Struct, frozen=True, rename={"save_path": "savePath"}):
    """A category in torrents/categories."""

    name: str
    save_path: str


class BuildInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to app/buildInfo: what qBittorrent 4.5.2 was built with."""

    qt: str = "6.4.1"
    libtorrent: str = "2.0.8.0"
    boost: str = "1.80.0"
    openssl: str = "3.0.7"
    zlib: str = "1.2.13"
    bitness: int = 64


class TransferInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to transfer/info."""

    connection_status: str
    """`connected`, or `disconnected` while AllDebrid cannot be used."""
    dht_nodes: int = 0
    dl_info_data: int
    dl_info_speed: int
    dl_rate_limit: int
    """The limit that holds; 0 for none."""
    up_info_data: int = 0
    up_info_speed: int = 0
    up_rate_limit: int


class ServerState(TransferInfo, frozen=True, kw_only=True):
    """`server_state` of sync/maindata. The strings are strings in qBittorrent too."""

    alltime_dl: int
    """Since the service started."""
    alltime_ul: int = 0
    average_time_queue: int = 0
    free_space_on_disk: int
    global_ratio: str = "0.00"
    queued_io_jobs: int = 0
    queueing: bool = True
    read_cache_hits: str = "0"
    read_cache_overload: str = "0"
    refresh_interval: int = 1500
    total_buffers_size: int = 0
    total_peer_connections: int = 0
    total_queued_size: int = 0
    total_wasted_session: int = 0
    use_alt_speed_limits: bool
    write_cache_overload: str = "0"


class Peers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to sync/torrentPeers; what has not changed is left out."""

    rid: int
    full_update: bool = False
    peers: dict[str, str] | None = None
    show_flags: bool = False


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of log/main."""

    id: int
    message: str
    timestamp: int
    type: int
    """1 normal, 2 information, 4 warning, 8 critical."""
