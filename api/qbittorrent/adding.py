"""torrents/add: magnets, infohashes, URLs and .torrent files, several at once.

The answer is `Ok.` when at least one of them was taken or was there already: Sonarr posts the
same torrent again after a 403, and qBittorrent's `Fails.` would tell it that nothing came of it.
It is `Fails.` when none was. A file that is no torrent is answered 415, and then none of the
request is taken. Nothing here waits for AllDebrid, and a request that is refused leaves nothing
behind: the torrents make an unknown category themselves, once they have taken one.

Unlike qBittorrent, which says `Ok.` before it asks, a URL is fetched before the answer: who adds
something learns whether it is a torrent. A category that cannot be is `Fails.` too: without it,
Sonarr would never see the torrent.

A torrent that was announced with its .torrent is added with that one, whatever a program makes of
it: the program may have no more than a magnet, and AllDebrid may find nobody who has the rest.

`skip_checking` has nothing to skip, all that arrives is verified. `contentLayout` and `root_folder`
count for nothing: files lie as the torrent says.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

import msgspec
from litestar import Response

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Asked, acts, under
from api.qbittorrent.parameters import Parameters, minutes_limit, ratio_limit, speed_limit
from api.qbittorrent.places import BadPlace, place
from api.qbittorrent.requests import whos_of
from engine.jobs.folders import checked_name
from engine.jobs.intake import received
from engine.jobs.views import AddRequest, BadCategory, BadTorrent, Unavailable
from engine.metainfo import BadMetainfo, parse_torrent
from engine.store.errors import StoreError

AT_ONCE = 8
"""Torrents of one request whose URLs are fetched at a time."""

PATIENCE = 75.0
"""Seconds for the URLs of one request: Sonarr and Radarr wait a hundred for the answer."""

logger = logging.getLogger("api.qbittorrent.adding")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where one torrent comes from: exactly one of `magnet`, `url` and `metainfo` is set."""

    magnet: str = ""
    """A magnet URI or a bare infohash."""
    url: str = ""
    cookie: str = ""
    """For the host of the URL."""
    metainfo: bytes | None = None
    filename: str = ""

    def __repr__(self) -> str:
        return f"<Source {self.kind}>"

    @property
    def kind(self) -> str:
        """The word for it in the log, where magnets and URLs must not stand: they hold passkeys."""
        if self.metainfo is not None:
            return "file"
        return "url" if self.url else "magnet"


@acts("add")
async def add(request: Asked, context: Context, parameters: Parameters) -> Response[bytes]:
    """Add torrents."""
    try:
        options = add_options(
            parameters, context.torrents.save_path, context.config.unfinished_path
        )
    except (BadPlace, BadCategory) as error:
        logger.warning("add=refused reason=%r", str(error))
        return text("Fails.")
    added = list(sources(parameters))
    if len(added) > 1:
        await asyncio.to_thread(_check_files, added)
    agent = request.headers.get("user-agent", "")
    taken = await _add_all(context, options, added, agent)
    if options.category:
        context.looking.looks_at(whos_of(request, context), options.category)
    return text("Ok." if any(taken) else "Fails.")


def sources(parameters: Parameters) -> Iterator[Source]:
    """Yield what is to be added: the files, then the lines of `urls`."""
    for file in parameters.files:
        yield Source(metainfo=file.content, filename=file.filename)
    for line in parameters.lines("urls"):
        if line.lower().startswith(("http://", "https://")):
            yield Source(url=line, cookie=parameters.text("cookie"))
        else:
            yield Source(magnet=line)


def add_options(parameters: Parameters, complete: str, unfinished: str = "") -> AddRequest:
    """Read what holds for all torrents of a request.

    `complete` and `unfinished` are the folders of finished and of unfinished files. Raises
    BadPlace, and BadCategory for a name that no category can have: without the category it was
    meant to have, a torrent would never be seen by Sonarr.
    """
    folder = parameters.text("savepath").strip()
    category = parameters.text("category").strip()
    return AddRequest(
        category=checked_name(category) if category else "",
        tags=tuple(dict.fromkeys(parameters.commas("tags"))),
        save_path=place(folder, complete=complete, unfinished=unfinished) if folder else "",
        rename=parameters.text("rename").strip(),
        auto_managed=parameters.choice("autoTMM"),
        paused=_paused(parameters),
        forced=parameters.flag("forced"),
        sequential=parameters.flag("sequentialDownload"),
        first_last=parameters.flag("firstLastPiecePrio"),
        ratio_limit=ratio_limit(parameters.real("ratioLimit", -2)),
        seeding_time_limit=minutes_limit(parameters.whole("seedingTimeLimit", -2)),
        inactive_seeding_time_limit=minutes_limit(parameters.whole("inactiveSeedingTimeLimit", -2)),
        download_limit=speed_limit(parameters.text("dlLimit")),
        upload_limit=speed_limit(parameters.text("upLimit")),
    )


def _paused(parameters: Parameters) -> bool | None:
    """Return whether torrents wait. qBittorrent 5 calls it `stopped`; Autobrr sends both."""
    said = {parameters.choice("paused"), parameters.choice("stopped")}
    return True if True in said else False if False in said else None


def _check_files(added: Iterable[Source]) -> None:
    """Raise Refused for a file that is no torrent, before any other is taken."""
    for source in added:
        if source.metainfo is not None:
            try:
                parse_torrent(source.metainfo)
            except BadMetainfo as error:
                raise _no_torrent(source, error) from error


async def _add_all(
    context: Context, options: AddRequest, added: Sequence[Source], agent: str
) -> list[bool]:
    """Add torrents in their order, a few at once, since each URL may take its time.

    No more than a few are held in memory: what a URL leads to may have the size of a request.
    """
    until = asyncio.get_running_loop().time() + PATIENCE
    taken = []
    for start in range(0, len(added), AT_ONCE):
        some = added[start : start + AT_ONCE]
        asked = await asyncio.gather(*(_asked(context, options, each, until) for each in some))
        taken += [await _add_one(context, *one, agent) for one in zip(some, asked, strict=True)]
    return taken


async def _asked(
    context: Context, options: AddRequest, source: Source, until: float
) -> AddRequest | BadTorrent:
    """Return the request for one torrent, or why there is none."""
    try:
        async with asyncio.timeout_at(until):
            return await _request(context, options, source)
    except BadTorrent as error:
        return error
    except TimeoutError:
        return BadTorrent("the URLs of this request took too long to answer")


async def _add_one(
    context: Context, source: Source, asked: AddRequest | BadTorrent, agent: str
) -> bool:
    """Return whether a torrent was taken. Raises Refused for a file that is none."""
    try:
        if isinstance(asked, BadTorrent):
            raise asked
        asked = await _original(context, asked)
        await _tell(context, await context.torrents.add(asked), agent)
    except BadTorrent as error:
        if source.metainfo is not None:
            raise _no_torrent(source, error) from error
        _log_refused(source, error)
    except Unavailable as error:
        _log_refused(source, error)
    else:
        return True
    return False


async def _original(context: Context, asked: AddRequest) -> AddRequest:
    """Return the request with the .torrent that its release was announced with, if it was.

    Raises BadTorrent.
    """
    if context.releases is None:
        return asked
    infohash = (await received(asked)).infohash
    try:
        original = await context.releases.original(infohash)
    except StoreError as error:
        logger.warning("add=%s original=unknown reason=%r", infohash, str(error))
        original = None
    if original is None:
        return asked
    return msgspec.structs.replace(asked, magnet="", metainfo=original)


async def _tell(context: Context, infohash: str, agent: str) -> None:
    """Tell who announced releases that a torrent was added."""
    view = context.torrents.view(infohash)
    if context.releases is None or view is None:
        return
    try:
        await context.releases.added(infohash, view.record.name, view.record.size, agent)
    except StoreError as error:
        logger.warning("add=%s announced=unknown reason=%r", infohash, str(error))


def _no_torrent(source: Source, error: Exception) -> Refused:
    _log_refused(source, error)
    why = f"Error: '{source.filename}' is not a valid torrent file."
    return Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, why)


def _log_refused(source: Source, error: Exception) -> None:
    logger.warning(
        "add=refused source=%s file=%r reason=%r", source.kind, source.filename, str(error)
    )


async def _request(context: Context, options: AddRequest, source: Source) -> AddRequest:
    """Return the request for one torrent. Raises BadTorrent when it cannot be fetched."""
    if source.metainfo == b"":
        raise BadTorrent("The file is empty.")
    if not source.url:
        return msgspec.structs.replace(
            options, magnet=source.magnet, metainfo=source.metainfo or b""
        )
    if context.fetch_torrent is None:
        raise BadTorrent("http and https URLs are not fetched; add the .torrent file or a magnet")
    fetched = await context.fetch_torrent(source.url, source.cookie)
    return msgspec.structs.replace(options, magnet=fetched.magnet, metainfo=fetched.metainfo)


ENDPOINTS = under("torrents", add)
