"""torrents/...: other folders for torrents."""

from http import HTTPStatus

from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, under
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.places import BadPlace, place
from engine.jobs.views import Conflict


@acts("setLocation")
async def set_location(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents to another folder, on disk too. A relative one is below the default folder."""
    await _move(context, parameters.hashes(), parameters.required("location"))
    return text()


@acts("setSavePath")
async def set_save_path(context: Context, parameters: Parameters) -> Response[bytes]:
    """Move torrents to another folder: the same under another name."""
    await _move(context, parameters.hashes("id"), parameters.required("path"))
    return text()


@acts("setDownloadPath")
async def set_download_path(parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing: all unfinished files are in one folder, which the settings name."""
    parameters.hashes("id")
    parameters.required("path")
    return text()


@acts("setAutoManagement")
async def set_auto_management(context: Context, parameters: Parameters) -> Response[bytes]:
    """Let the folder of torrents be that of their category, or no longer."""
    chosen = parameters.hashes()
    parameters.required("enable")
    try:
        await context.torrents.set_auto_managed(chosen, auto=parameters.flag("enable"))
    except Conflict as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    return text()


async def _move(context: Context, hashes: list[str] | None, folder: str) -> None:
    if not folder.strip():
        raise Refused(HTTPStatus.BAD_REQUEST, "Save path cannot be empty")
    complete, unfinished = context.torrents.save_path, context.config.unfinished_path
    try:
        target = place(folder.strip(), complete=complete, unfinished=unfinished)
        await context.torrents.set_location(hashes, target)
    except (BadPlace, Conflict) as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error


ENDPOINTS = under("torrents", set_location, set_save_path, set_download_path, set_auto_management)
