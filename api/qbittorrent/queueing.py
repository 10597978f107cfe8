"""torrents/...: what is downloaded next, and which files of it."""

from http import HTTPStatus

from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, under
from api.qbittorrent.named import named
from api.qbittorrent.parameters import Parameters, digits
from engine.jobs.views import Conflict, UnknownTorrent

PRIORITIES = (0, 1, 6, 7)
"""What qBittorrent calls: do not download, normal, high and maximal."""


@acts("topPrio")
async def top_priority(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents to the head of the queue."""
    await context.torrents.to_top(_moved(context, parameters))
    return text()


@acts("bottomPrio")
async def bottom_priority(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents to the end of the queue."""
    await context.torrents.to_bottom(_moved(context, parameters))
    return text()


@acts("increasePrio")
async def increase_priority(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents one place up in the queue."""
    await context.torrents.to_higher(_moved(context, parameters))
    return text()


@acts("decreasePrio")
async def decrease_priority(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents one place down in the queue."""
    await context.torrents.to_lower(_moved(context, parameters))
    return text()


@acts("setForceStart")
async def set_force_start(context: Context, parameters: Parameters) -> Response[bytes]:
    """Let torrents pass the queue's limits, or no longer."""
    chosen = parameters.hashes()
    parameters.required("value")
    await context.torrents.set_forced(chosen, forced=parameters.flag("value"))
    return text()


@acts("filePrio")
async def file_priority(context: Context, parameters: Parameters) -> Response[bytes]:
    """Give files of a torrent a priority; with 0 they are not downloaded."""
    for name in ("hash", "id", "priority"):
        parameters.required(name)
    priority = _priority(parameters)
    view = named(context, parameters)
    infohash = view.record.hash
    if not context.torrents.files(infohash):
        raise Refused(HTTPStatus.CONFLICT, "Torrent's metadata has not yet downloaded")
    indexes = _indexes(parameters)
    if not set(indexes) <= {file.index for file in context.torrents.files(infohash)}:
        raise Refused(HTTPStatus.CONFLICT, "File ID is not valid")
    try:
        await context.torrents.set_file_priorities(infohash, indexes, priority)
    except UnknownTorrent as error:  # deleted meanwhile
        raise Refused(HTTPStatus.NOT_FOUND) from error
    except Conflict as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    return text()


def _moved(context: Context, parameters: Parameters) -> list[str] | None:
    """Return whose place shall change. Raises Refused when there is no queue; Sonarr bears that."""
    chosen = parameters.hashes()
    if not context.torrents.preferences().queueing:
        raise Refused(HTTPStatus.CONFLICT, "Torrent queueing must be enabled")
    return chosen


def _priority(parameters: Parameters) -> int:
    priority = digits(parameters.text("priority"))
    if priority is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "Priority must be an integer")
    if priority not in PRIORITIES:
        raise Refused(HTTPStatus.BAD_REQUEST, "Priority is not valid")
    return priority


def _indexes(parameters: Parameters) -> list[int]:
    indexes = [digits(word) for word in parameters.text("id").split("|")]
    read = [index for index in indexes if index is not None]
    if len(read) < len(indexes):
        raise Refused(HTTPStatus.BAD_REQUEST, "File IDs must be integers")
    return read


ENDPOINTS = under(
    "torrents",
    top_priority,
    bottom_priority,
    increase_priority,
    decrease_priority,
    set_force_start,
    file_priority,
)
