"""torrents/add: magnets, infohashes, URLs and .torrent files, several at once.

The answer is `Ok.` when at least one of them was taken or was there already: Sonarr posts the
same torrent again after a 403. It is `Fails.` when none was, and 415 when none was and one of
the files is no torrent. Nothing here waits for AllDebrid.
"""

import logging
import posixpath
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
from litestar import Response, Router, post

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.parameters import Parameters, minutes_limit, ratio_limit
from api.qbittorrent.requests import Sent, Served
from engine.jobs.views import AddRequest, BadCategory, BadTorrent

logger = logging.getLogger("api.qbittorrent.adding")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where one torrent comes from: exactly one of `magnet`, `url` and `metainfo` is set."""

    magnet: str = ""
    """A magnet URI or a bare infohash."""
    url: str = ""
    metainfo: bytes | None = None
    filename: str = ""

    @property
    def kind(self) -> str:
        """The word for it in the log, where magnets and URLs must not stand: they hold passkeys."""
        if self.metainfo is not None:
            return "file"
        return "url" if self.url else "magnet"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one torrent; `no_torrent` says so when a file is none."""

    taken: bool
    no_torrent: str = ""


@post("/add", status_code=200)
async def add(context: Served, parameters: Sent) -> Response[bytes]:
    """Add torrents."""
    options = add_options(parameters, context.torrents.save_path)
    if not await _category_is_there(context, options.category):
        return text("Fails.")
    outcomes = [await _add_one(context, options, source) for source in sources(parameters)]
    if any(outcome.taken for outcome in outcomes):
        context.tags.update(options.tags)
        return text("Ok.")
    for outcome in outcomes:
        if outcome.no_torrent:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, outcome.no_torrent)
    return text("Fails.")


def sources(parameters: Parameters) -> Iterator[Source]:
    """Yield what is to be added: the files, then the lines of `urls`."""
    for file in parameters.files:
        yield Source(metainfo=file.content, filename=file.filename)
    for line in parameters.lines("urls"):
        if line.lower().startswith(("http://", "https://")):
            yield Source(url=line)
        else:
            yield Source(magnet=line)


def add_options(parameters: Parameters, save_path: str) -> AddRequest:
    """Read what holds for all torrents of a request; relative paths are below `save_path`."""
    folder = parameters.text("savepath").strip()
    return AddRequest(
        category=parameters.text("category").strip(),
        tags=tuple(dict.fromkeys(parameters.commas("tags"))),
        save_path=posixpath.normpath(posixpath.join(save_path, folder)) if folder else "",
        rename=parameters.text("rename").strip(),
        # `stopped` is what qBittorrent 5 calls `paused`; Autobrr sends both.
        paused=parameters.flag("paused") or parameters.flag("stopped"),
        forced=parameters.flag("forced"),
        ratio_limit=ratio_limit(parameters.real("ratioLimit", -2)),
        seeding_time_limit=minutes_limit(parameters.whole("seedingTimeLimit", -2)),
        inactive_seeding_time_limit=minutes_limit(parameters.whole("inactiveSeedingTimeLimit", -2)),
    )


async def _add_one(context: Context, options: AddRequest, source: Source) -> Outcome:
    try:
        await context.torrents.add(await _request(context, options, source))
    except BadTorrent as error:
        logger.warning(
            "add=refused source=%s file=%r reason=%r", source.kind, source.filename, str(error)
        )
        if source.metainfo is None:
            return Outcome(taken=False)
        name = source.filename
        return Outcome(
            taken=False, no_torrent=f"Error: '{name}' is not a valid torrent file. {error}"
        )
    return Outcome(taken=True)


async def _request(context: Context, options: AddRequest, source: Source) -> AddRequest:
    """Return the request for one torrent. Raises BadTorrent when it cannot be fetched."""
    if source.metainfo == b"":
        raise BadTorrent("The file is empty.")
    if not source.url:
        return msgspec.structs.replace(
            options, magnet=source.magnet, metainfo=source.metainfo or b""
        )
    if context.fetch_torrent is None:
        raise BadTorrent("URLs of .torrent files are not fetched; add the file or a magnet.")
    return msgspec.structs.replace(options, metainfo=await context.fetch_torrent(source.url))


async def _category_is_there(context: Context, name: str) -> bool:
    """Create a category that is not known, as qBittorrent does; return whether there is one.

    A torrent without the category it was meant to have would never be seen by Sonarr, so a name
    that is not acceptable fails the request.
    """
    if not name or any(one.name == name for one in context.torrents.categories()):
        return True
    try:
        await context.torrents.create_category(name, "")
    except BadCategory as error:
        logger.warning("add=refused category=%r reason=%r", name, str(error))
        return False
    return True


router = Router("/torrents", route_handlers=[add])
