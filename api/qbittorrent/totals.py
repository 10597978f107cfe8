"""transfer/...: numbers about all downloads together, and peers, of which there are none."""

from litestar import Response

from api.qbittorrent import present
from api.qbittorrent.answers import json, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, reads, under
from api.qbittorrent.parameters import Parameters


@reads("info")
async def transfer_info(context: Context) -> Response[bytes]:
    """Show speeds."""
    return json(present.transfer_info(context.torrents.totals(), context.torrents.speed_limits()))


@acts("banPeers")
async def ban_peers(parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing: no peer is ever spoken to."""
    parameters.required("peers")
    return text()


ENDPOINTS = under("transfer", transfer_info, ban_peers)
