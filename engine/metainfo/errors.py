"""The one error of this package."""


class BadMetainfo(ValueError):
    """A .torrent or magnet that cannot be taken; the message is one sentence that says why.

    The message names fields and byte positions, never values: trackers may hold passkeys.
    """
