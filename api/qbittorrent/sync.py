"""sync/...: what clients that watch all the time ask for, again and again."""

from http import HTTPStatus

import msgspec
from litestar import Response

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, encoded, json
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, reads, under
from api.qbittorrent.maindata import Around
from api.qbittorrent.numbers import Who
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.requests import sids_of
from api.qbittorrent.wire import Peers

COOKIES = 4
"""Session cookies that tell a client: its own, and those of other programs on the same host."""

PEERS = ""
"""What a client's numbers for peers stand under besides its cookies; no cookie is empty."""

LONGEST = 64
"""Characters of one; ours have 32."""


@reads("maindata")
async def main_data(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """Tell what has changed since the answer `rid`, or everything."""
    torrents = context.torrents
    around = Around(
        categories={one.name: present.category(one) for one in torrents.categories()},
        tags=torrents.tags(),
        server_state=present.server_state(torrents.totals(), torrents.speed_limits()),
    )
    numbers = context.following.of(_who(request))
    answer = context.main_data.answer(
        context.up_to_date(), around, numbers, parameters.whole("rid", 0)
    )
    return encoded(answer)


@reads("torrentPeers")
async def torrent_peers(
    request: Asked, context: Context, parameters: Parameters
) -> Response[bytes]:
    """Tell who else has a torrent: nobody that we know of."""
    if context.torrents.view(parameters.text("hash").strip().lower()) is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    numbers = context.following.of((PEERS, *_who(request)))
    known = numbers.revision(parameters.whole("rid", 0))
    answer = Peers(rid=numbers.following(0))
    if known is None:
        answer = msgspec.structs.replace(answer, full_update=True, peers={}, show_flags=True)
    return json(answer)


def _who(request: Asked) -> Who:
    return tuple(sid[:LONGEST] for sid in sids_of(request)[:COOKIES])


ENDPOINTS = under("sync", main_data, torrent_peers)
