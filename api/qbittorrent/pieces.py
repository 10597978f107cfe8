"""torrents/...: the .torrent itself, and the pieces and web seeds that it names."""

from http import HTTPStatus

import msgspec
from litestar import Response

from api.qbittorrent.answers import CHARSET, TEXT, Refused, json
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import reads, under
from api.qbittorrent.named import named
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.texts import valid
from engine.metainfo import Value, scan


class WebSeed(msgspec.Struct, frozen=True):
    """A row of torrents/webseeds."""

    url: str


@reads("export")
async def export(context: Context, parameters: Parameters) -> Response[bytes]:
    """Give back the .torrent as it was added. Like qBittorrent's it comes as plain text."""
    metainfo = await context.torrents.metainfo(named(context, parameters).record.hash)
    if metainfo is None:
        why = "Unable to export torrent file. Error: Missing metadata"
        raise Refused(HTTPStatus.CONFLICT, why)
    return Response(metainfo, media_type=TEXT, encoding=CHARSET, status_code=HTTPStatus.OK)


@reads("pieceHashes")
async def piece_hashes(context: Context, parameters: Parameters) -> Response[bytes]:
    """List the SHA-1 of each piece; none while there is no .torrent."""
    return json(await context.torrents.piece_hashes(named(context, parameters).record.hash))


@reads("pieceStates")
async def piece_states(context: Context, parameters: Parameters) -> Response[bytes]:
    """List for each piece 0 (missing), 1 (downloading) or 2 (on disk)."""
    return json(context.torrents.piece_states(named(context, parameters).record.hash))


@reads("webseeds")
async def webseeds(context: Context, parameters: Parameters) -> Response[bytes]:
    """List the web seeds that the .torrent names; nothing is fetched from them."""
    metainfo = await context.torrents.metainfo(named(context, parameters).record.hash)
    return json([WebSeed(valid(url)) for url in web_seeds(metainfo)] if metainfo else [])


def web_seeds(metainfo: bytes) -> list[str]:
    """Return the web seeds (BEP 19) of a .torrent that is one. Pure."""
    outer = scan(metainfo).value
    urls: Value = outer.get(b"url-list", b"") if isinstance(outer, dict) else b""
    listed = urls if isinstance(urls, list) else [urls]
    return [url.decode("utf-8", "replace") for url in listed if isinstance(url, bytes) and url]


ENDPOINTS = under("torrents", export, piece_hashes, piece_states, webseeds)
