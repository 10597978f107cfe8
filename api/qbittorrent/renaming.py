"""torrents/...: other names for torrents, and for their files and folders.

Paths are those that torrents/files shows. qBittorrent lets a file leave the torrent's folder by a
name like `../x`; here that is refused.
"""

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus

from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, under
from api.qbittorrent.named import named
from api.qbittorrent.parameters import Parameters
from engine.jobs.views import Conflict, UnknownTorrent


@acts("rename")
async def rename(context: Context, parameters: Parameters) -> Response[bytes]:
    """Change the name that is shown. Files keep theirs, and Sonarr its match: that is the hash."""
    parameters.required("hash")
    name = " ".join(parameters.required("name").strip().splitlines())
    if not name:
        raise Refused(HTTPStatus.CONFLICT, "Incorrect torrent name")
    await _done(context.torrents.rename(named(context, parameters).record.hash, name))
    return text()


@acts("renameFile")
async def rename_file(context: Context, parameters: Parameters) -> Response[bytes]:
    """Give a file of a torrent another path."""
    await _rename(context, parameters, context.torrents.rename_file, file_refused)
    return text()


@acts("renameFolder")
async def rename_folder(context: Context, parameters: Parameters) -> Response[bytes]:
    """Give a folder of a torrent another path."""
    await _rename(context, parameters, context.torrents.rename_folder, folder_refused)
    return text()


def file_refused(paths: Collection[str], old: str, new: str) -> str:
    """Return why a file cannot be renamed, in qBittorrent's words; empty when nothing is seen."""
    if new in paths and new != old:
        return f"The file already exists: '{new}'."
    return "" if old in paths else f"No such file: '{old}'."


def folder_refused(paths: Collection[str], old: str, new: str) -> str:
    """Return why a folder cannot be renamed, as `file_refused` does."""
    if _is_folder(paths, old):
        return ""  # one that is there may take in another, or not: that is not seen here
    if _is_folder(paths, new):
        return f"The folder already exists: '{new}'."
    return f"No such folder: '{old}'."


def _is_folder(paths: Collection[str], folder: str) -> bool:
    return any(path.startswith(folder.rstrip("/") + "/") for path in paths)


async def _rename(
    context: Context,
    parameters: Parameters,
    act: Callable[[str, str, str], Awaitable[None]],
    refused: Callable[[Collection[str], str, str], str],
) -> None:
    parameters.required("hash")
    old, new = parameters.required("oldPath"), parameters.required("newPath")
    infohash = named(context, parameters).record.hash
    paths = {file.path for file in context.torrents.files(infohash)}
    if why := _impossible(old, new) or refused(paths, old, new):
        raise Refused(HTTPStatus.CONFLICT, why)
    if new != old:
        await _done(act(infohash, old, new))


def _impossible(old: str, new: str) -> str:
    for word, path in (("old", old), ("new", new)):
        if not path or "\x00" in path:
            return f"The {word} path is invalid: '{path}'."
    absolute = next((path for path in (old, new) if path.startswith("/")), "")
    return f"Absolute path isn't allowed: '{absolute}'." if absolute else ""


async def _done(renaming: Awaitable[None]) -> None:
    try:
        await renaming
    except UnknownTorrent as error:  # deleted meanwhile
        raise Refused(HTTPStatus.NOT_FOUND) from error
    except Conflict as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error


ENDPOINTS = under("torrents", rename, rename_file, rename_folder)
