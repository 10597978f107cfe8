"""What clients may set for all torrents; for how it is kept see `engine.jobs.preferred`.

Nothing is seeded here, so the share limits are only kept and shown: a finished torrent has reached
them (see `api.qbittorrent.present`).
"""

import msgspec

NO_LIMIT = -1

MAX_RATIO = 1.0
"""The first global share ratio limit. There must be one: Sonarr removes a torrent after its import
only when it has reached a limit."""


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """The preferences as they stand."""

    max_active_downloads: int
    """Torrents that may download at once; -1 for all, 0 for none but forced ones."""
    queueing: bool = True
    """False: all may download at once, but for what a hard disk does not bear."""
    start_paused: bool = False
    """Whether torrents are added paused where who adds them says nothing."""
    auto_managed: bool = True
    """Whether the folder of new torrents follows their category where nothing is said."""
    save_path: str
    """Absolute folder of the finished files of torrents and categories without one of their own."""
    max_ratio: float = MAX_RATIO
    """-1 for none."""
    max_seeding_time: int = NO_LIMIT
    """Minutes; -1 for none."""
    max_inactive_seeding_time: int = NO_LIMIT
    """Minutes; -1 for none."""
    max_ratio_act: int = 0
    """What is done when a share limit is reached: 0, the torrent is paused. Nothing else is
    acceptable: Sonarr refuses a client that removes torrents by itself."""
