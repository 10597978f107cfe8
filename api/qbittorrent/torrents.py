"""torrents/...: what is read."""

from collections.abc import Collection
from http import HTTPStatus

from litestar import Response

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, encoded, json
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, reads, under
from api.qbittorrent.listing import question
from api.qbittorrent.named import named
from api.qbittorrent.parameters import Parameters, digits
from api.qbittorrent.requests import address_of, base_of, whos_of


@reads("info")
async def info(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """List torrents."""
    category = parameters.get("category")
    if category is not None:
        context.looking.looks_at(whos_of(request, context), category)
        if context.releases is not None:
            agent = request.headers.get("user-agent", "")
            address = address_of(request, context) if context.config.open else ""
            context.releases.called(agent, base_of(request.scope), address)
    return encoded(context.answers.answer(context.up_to_date(), question(parameters)))


@reads("properties")
async def properties(context: Context, parameters: Parameters) -> Response[bytes]:
    """Describe one torrent. Sonarr takes any 200 for "the torrent is there now"."""
    return json(
        present.properties(
            named(context, parameters), context.now(), context.torrents.preferences()
        )
    )


@reads("files")
async def files(context: Context, parameters: Parameters) -> Response[bytes]:
    """List the files of one torrent, or those whose numbers are in `indexes`."""
    view = named(context, parameters)
    shown = present.files(view, context.torrents.files(view.record.hash))
    asked = parameters.get("indexes")
    chosen = None if asked is None else _indexes(asked, {file.index for file in shown})
    return json([file for file in shown if chosen is None or file.index in chosen])


def _indexes(asked: str, there: Collection[int]) -> set[int]:
    """Return which files are asked for. Raises Refused for one that is not there."""
    chosen = set()
    for word in asked.split("|"):
        index = digits(word)
        if index is None:
            raise Refused(HTTPStatus.CONFLICT, f'"{word}" is not a valid file index.')
        if index not in there:
            raise Refused(HTTPStatus.CONFLICT, f"Index {index} is out of bounds.")
        chosen.add(index)
    return chosen


ENDPOINTS = under("torrents", info, properties, files)
