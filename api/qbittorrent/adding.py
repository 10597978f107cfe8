"""torrents/add: magnets, infohashes, URLs and .torrent files, several at once.

The answer is `Ok.` when at least one of them was taken or was there already: Sonarr posts the
same torrent again after a 403. It is `Fails.` when none was, and 415 when none was and one of
the files is no torrent. Nothing here waits for AllDebrid, and a request that is refused leaves
nothing behind: the torrents make an unknown category themselves, once they have taken one.
"""

import logging
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
from litestar import Response, Router, post

from api.qbittorrent.answers import Refused, text
from api.qbittorrent.context import Context
from api.qbittorrent.parameters import Parameters, minutes_limit, ratio_limit, speed_limit
from api.qbittorrent.places import BadPlace, place
from api.qbittorrent.requests import Sent, Served
from engine.jobs.folders import checked_name
from engine.jobs.views import AddRequest, BadCategory, BadTorrent, Unavailable

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
    try:
        options = add_options(
            parameters, context.torrents.save_path, context.config.unfinished_path
        )
    except (BadPlace, BadCategory) as error:
        logger.warning("add=refused reason=%r", str(error))
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
        # `stopped` is what qBittorrent 5 calls `paused`; Autobrr sends both.
        paused=parameters.flag("paused") or parameters.flag("stopped"),
        forced=parameters.flag("forced"),
        ratio_limit=ratio_limit(parameters.real("ratioLimit", -2)),
        seeding_time_limit=minutes_limit(parameters.whole("seedingTimeLimit", -2)),
        inactive_seeding_time_limit=minutes_limit(parameters.whole("inactiveSeedingTimeLimit", -2)),
        download_limit=speed_limit(parameters.text("dlLimit")),
        upload_limit=speed_limit(parameters.text("upLimit")),
    )


async def _add_one(context: Context, options: AddRequest, source: Source) -> Outcome:
    no_torrent = ""
    try:
        await context.torrents.add(await _request(context, options, source))
    except BadTorrent as error:
        _log_refused(source, error)
        if source.metainfo is not None:
            no_torrent = f"Error: '{source.filename}' is not a valid torrent file. {error}"
    except Unavailable as error:
        _log_refused(source, error)
    else:
        return Outcome(taken=True)
    return Outcome(taken=False, no_torrent=no_torrent)


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
    return msgspec.structs.replace(options, metainfo=await context.fetch_torrent(source.url))


router = Router("/torrents", route_handlers=[add])
