"""torrents/...: what is read."""

from http import HTTPStatus

from litestar import Response, Router, route

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, json
from api.qbittorrent.context import Context
from api.qbittorrent.listing import listing, question
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.requests import READ, Sent, Served
from engine.jobs.views import TorrentView


@route("/info", http_method=READ, status_code=200)
async def info(context: Served, parameters: Sent) -> Response[bytes]:
    """List torrents."""
    views, shown = context.torrents.views(), context.shown
    shown.forget_all_but([view.record.hash for view in views])
    return json(listing(views, question(parameters), context.now(), shown.torrent))


@route("/properties", http_method=READ, status_code=200)
async def properties(context: Served, parameters: Sent) -> Response[bytes]:
    """Describe one torrent. Sonarr takes any 200 for "the torrent is there now"."""
    return json(present.properties(_asked(context, parameters), context.now()))


@route("/trackers", http_method=READ, status_code=200)
async def trackers(context: Served, parameters: Sent) -> Response[bytes]:
    """List the trackers of one torrent."""
    return json(present.trackers(_asked(context, parameters)))


@route("/webseeds", http_method=READ, status_code=200)
async def webseeds(context: Served, parameters: Sent) -> Response[bytes]:
    """List the web seeds of one torrent: there are none."""
    _asked(context, parameters)
    return json([])


@route("/files", http_method=READ, status_code=200)
async def files(context: Served, parameters: Sent) -> Response[bytes]:
    """List the files of one torrent, or those whose numbers are in `indexes`."""
    view = _asked(context, parameters)
    shown = present.files(view, context.torrents.files(view.record.hash))
    indexes = set(parameters.text("indexes").split("|")) - {""}
    return json([file for file in shown if not indexes or str(file.index) in indexes])


def _asked(context: Context, parameters: Parameters) -> TorrentView:
    """Return the torrent that `hash` names. Raises BadParameter, or Refused when there is none."""
    view = context.torrents.view(parameters.required("hash").strip().lower())
    if view is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return view


router = Router("/torrents", route_handlers=[info, properties, trackers, webseeds, files])
