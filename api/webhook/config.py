"""What of the webhook is settable."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from api.qbittorrent.bodies import PATIENCE, Patience
from api.webhook.door import Door

MAX_BODY = 16 * 1024 * 1024
"""Bytes: a .torrent of 12 MB in base64, and there are hardly any larger ones."""


class WebhookConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of the webhook is settable."""

    door: Door = msgspec.field(default_factory=Door)
    torrent_dirs: tuple[Path, ...] = ()
    """Below these a .torrent may be read by its path."""
    max_upload: int = MAX_BODY
    """Bytes of a body, and of a .torrent on disk."""
    indexer: str = ""
    """Where a release is from when nobody says so; "" for what all of them are said to be from."""
    download_client: str = ""
    """What we are called in the programs; "" for whatever client they choose."""
    patience: Patience = PATIENCE
    now: Callable[[], float] = time.time
    """Unix seconds."""
