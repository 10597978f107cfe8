"""`alldebrid-client push`: one release to a Sonarr or a Radarr, by hand.

Theory
    The program looks for the .torrent itself, at the URL or by the magnet; from a file only its
    infohash, name, size and trackers go there. It judges the release, adds it to its download
    client and answers then, which may take as long as all of that: the question has the time for
    it. A question that was lost on the way is not asked again: whoever typed it sees what happened.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from api import logs, streams
from api.settings import Settings
from arrpush.answer import Outcome, Reply, of_answer, of_trouble
from arrpush.arr import Arr, ArrTrouble, Exchange
from arrpush.payload import BadRelease, Release, Target, payload
from engine.http.exchange import exchange
from engine.metainfo import BadMetainfo, Metainfo, parse_magnet, parse_torrent

DONE = 0
"""Exit status: approved, or rejected for now."""
BAD_INPUT = 2
"""What was given makes no push, or the program has no address in the settings."""
UNREACHABLE = 3
"""Nobody answers, or somebody else, or the program has trouble of its own."""
REFUSED = 4
"""Rejected, or not understood."""
WRONG_KEY = 5

STATUSES = {
    Outcome.APPROVED: DONE,
    Outcome.LATER: DONE,
    Outcome.REJECTED: REFUSED,
    Outcome.BAD_PAYLOAD: REFUSED,
    Outcome.REFUSED: REFUSED,
    Outcome.WRONG_KEY: WRONG_KEY,
    Outcome.WRONG_ADDRESS: UNREACHABLE,
    Outcome.TRY_AGAIN: UNREACHABLE,
}

LARGEST_TORRENT = 64 << 20
"""Bytes of a .torrent file; a file that was named by mistake may be larger than memory."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. URL and magnet are secrets; "" stands for not given."""

    target: str
    name: str = ""
    url: str = ""
    magnet: str = ""
    file: str = ""
    hash: str = ""
    size: str | None = None
    indexer: str = ""
    info_url: str = ""
    download_client: str = ""

    def __repr__(self) -> str:
        return f"<Options target={self.target} name={self.name!r}>"


def push(
    options: Options,
    settings: Settings,
    complain: Callable[[str], None],
    *,
    ask: Exchange = exchange,
) -> int:
    """Push a release, print one line about it and return the exit status."""
    target = Target(options.target)
    name = target.value.capitalize()
    try:
        url, key = _program(target, settings)
        body = payload(_release(options, settings), target, lambda: dt.datetime.now(dt.UTC))
    except BadRelease as problem:
        complain(str(problem))
        return BAD_INPUT
    arr = Arr(name, url, key, ca_file=settings.ca_file, exchange=ask)
    reply = asyncio.run(_send(arr, body))
    if STATUSES[reply.outcome] == DONE:
        streams.say(logs.one_line(logs.MASKER.mask(reply.sentence)))
    else:
        complain(reply.sentence)
    return STATUSES[reply.outcome]


async def _send(arr: Arr, body: dict[str, Any]) -> Reply:
    try:
        return of_answer(arr.name, await arr.push(body))
    except ArrTrouble as problem:
        return of_trouble(arr.name, problem)


def _program(target: Target, settings: Settings) -> tuple[str, str]:
    """Return address and key. Raises BadRelease."""
    sonarr = target is Target.SONARR
    url = settings.sonarr_url if sonarr else settings.radarr_url
    if not url:
        name = target.name
        raise BadRelease(f"{name}_URL and {name}_API_KEY are not set")
    return url, settings.sonarr_api_key if sonarr else settings.radarr_api_key


def _release(options: Options, settings: Settings) -> Release:
    """Return the release that was described. Raises BadRelease."""
    torrent = _torrent(Path(options.file)) if options.file else None
    return Release(
        name=options.name,
        url=options.url,
        magnet=options.magnet,
        infohash=_infohash(options, torrent),
        torrent=torrent,
        indexer=options.indexer,
        size=options.size,
        info_url=options.info_url,
        download_client=options.download_client or settings.arrpush_download_client,
    )


def _torrent(path: Path) -> Metainfo:
    try:
        if not path.is_file():
            raise BadRelease("the .torrent cannot be read: there is no such file")
        with path.open("rb") as file:
            data = file.read(LARGEST_TORRENT + 1)
        if len(data) > LARGEST_TORRENT:
            raise BadRelease(f"the .torrent has more than {LARGEST_TORRENT} bytes")
        return parse_torrent(data)
    except OSError as error:
        raise BadRelease(f"the .torrent cannot be read: {error.strerror}") from None
    except BadMetainfo as problem:
        raise BadRelease(str(problem)) from None


def _infohash(options: Options, torrent: Metainfo | None) -> str:
    """Return the infohash that was typed: unlike one that is announced, it has to be right."""
    text = options.hash.strip()
    if not text:
        return ""
    try:
        found = parse_magnet("" if ":" in text else text).infohash
    except BadMetainfo:
        raise BadRelease("the hash has neither 40 hex digits nor 32 base32 letters") from None
    if torrent and torrent.infohash != found:
        raise BadRelease("the .torrent and the hash are two different torrents")
    return found
