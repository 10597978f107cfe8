"""transfer/info and sync/maindata: numbers about the whole service."""

from litestar import Response, Router, route

from api.qbittorrent import present
from api.qbittorrent.answers import json
from api.qbittorrent.requests import READ, Sent, Served
from api.qbittorrent.texts import tracker_host
from api.qbittorrent.wire import MainData

MAX_RID = 1_000_000
"""Response numbers start again from 1 after this, as in qBittorrent."""


@route("/transfer/info", http_method=READ, status_code=200)
async def transfer_info(context: Served) -> Response[bytes]:
    """Show speeds."""
    return json(present.transfer_info(context.torrents.totals(), context.torrents.speed_limits()))


@route("/sync/maindata", http_method=READ, status_code=200)
async def main_data(context: Served, parameters: Sent) -> Response[bytes]:
    """Show everything. The whole picture is a correct answer to any `rid`."""
    now = context.now()
    views = context.torrents.views()
    trackers: dict[str, list[str]] = {}
    for view in views:
        for host in {tracker_host(url) for url in view.trackers}:
            trackers.setdefault(host, []).append(view.record.hash)
    return json(
        MainData(
            rid=max(0, parameters.whole("rid", 0)) % MAX_RID + 1,
            torrents={view.record.hash: context.shown.torrent(view, now) for view in views},
            categories={one.name: present.category(one) for one in context.torrents.categories()},
            tags=context.all_tags(),
            trackers=trackers,
            server_state=present.server_state(
                context.torrents.totals(), context.torrents.speed_limits()
            ),
        )
    )


router = Router("/", route_handlers=[transfer_info, main_data])
