"""The one torrent that a request is about."""

from http import HTTPStatus

from api.qbittorrent.answers import Refused
from api.qbittorrent.context import Context
from api.qbittorrent.parameters import Parameters
from engine.jobs.views import TorrentView


def named(context: Context, parameters: Parameters) -> TorrentView:
    """Return the torrent that `hash` names. Raises BadParameter, or Refused when there is none."""
    view = context.torrents.view(parameters.required("hash").strip().lower())
    if view is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return view
