"""log/...: what happened lately, and which peers were banned."""

from litestar import Response

from api.qbittorrent.answers import json
from api.qbittorrent.endpoints import reads, under
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.recent import CRITICAL, INFORMATION, NORMAL, RECENT, WARNING

KINDS = {"normal": NORMAL, "info": INFORMATION, "warning": WARNING, "critical": CRITICAL}
"""Parameters that leave out what is `false`."""


@reads("main")
async def main(parameters: Parameters) -> Response[bytes]:
    """List the last lines of the log, oldest first."""
    kinds = sum(kind for name, kind in KINDS.items() if parameters.flag(name, default=True))
    return json(RECENT.after(parameters.whole("last_known_id", -1), kinds))


@reads("peers")
async def peers() -> Response[bytes]:
    """List banned peers: there are none."""
    return json([])


ENDPOINTS = under("log", main, peers)
