"""What there is below /arrpush.

    POST /arrpush                  a release is announced: 202 as soon as it is on disk
    GET  /arrpush                  the last ones
    GET  /arrpush/ID               what became of one
    GET  /arrpush/torrent/TOKEN/release.torrent    a .torrent that is kept for a program

Rules
    Who announces looks at no answer, so a release that is refused is in the log of attempts too,
    and so is a wrong token in the service's own.
    The door comes first: nothing is read of what a stranger sends. For a .torrent the link itself
    is the key, because the programs that fetch it have no other.

Reading order: `door` and `announced` (with `paths`) for what comes in, `shown` and `answers` for
what goes out.
"""

import asyncio
import contextlib
import logging
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import HttpMethod, Request, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope

from api.logs import one_line
from api.qbittorrent.answers import Refused
from api.qbittorrent.bodies import read
from api.qbittorrent.requests import base_of
from api.qbittorrent.urlencoded import TooMany, pairs
from api.webhook import announced, shown
from api.webhook.answers import answer, outcome, refusal, refused
from api.webhook.config import WebhookConfig
from arrpush import attempts, links
from arrpush.course import State
from arrpush.outbox import Outbox
from arrpush.payload import BadRelease
from engine.jobs.fetch import in_thread
from engine.jobs.intake import THREAD_FROM

__all__ = ["PATH", "Webhook", "WebhookConfig", "routes"]

PATH = "/arrpush"

MOST_FIELDS = 100
"""Fields of a query; three mean something."""

LISTED = 50
"""Releases that are listed when nobody says how many."""

MOST_LISTED = 500
"""Releases that are listed at most, and those among which are the ones of a state."""

LONGEST_WAIT = 60.0
"""Seconds that an answer about one release may wait for its end."""

LONGEST_TITLE = 300
"""Characters of a name in the log of attempts."""

LARGE_AT_ONCE = 2
"""Bodies of a megabyte and more that are read at a time: one of 16 MB takes ten times that while
it is taken apart."""

TOLD = 20
"""Addresses whose wrong tokens the log is told about: there may be any number of them."""

TORRENT = "application/x-bittorrent"

Asked = Request[Any, Any, Any]

logger = logging.getLogger("api.webhook")

_ID = re.compile(r"[0-9a-f]{16}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_TORRENT_LINK = re.compile(rf"{links.PATH}([^/]+){links.NAME}")


def routes(outbox: Outbox, config: WebhookConfig) -> list[HTTPRouteHandler]:
    """Return the routes to an outbox; without one see `absent`."""
    webhook = Webhook(outbox, config)

    @route([PATH, f"{PATH}/{{rest:path}}"], http_method=list(HttpMethod), status_code=200)
    async def arrpush(request: Asked) -> Response[bytes]:
        return await webhook.answer(request)

    return [arrpush]


class _Try(msgspec.Struct):
    """What is known of an announcement so far."""

    at: float
    target: str = "-"
    title: str = ""
    size: int = 0


class Webhook:
    """Answers requests. The event loop's thread only."""

    def __init__(self, outbox: Outbox, config: WebhookConfig) -> None:
        self._outbox = outbox
        self._config = config
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._told: set[str] = set()
        """Addresses with a wrong token that the log knows of."""

    def __repr__(self) -> str:
        return f"<Webhook {self._config.door}>"

    async def answer(self, request: Asked) -> Response[bytes]:
        """Answer a request, whatever comes of it."""
        try:
            return await self._answer(request)
        except Exception as problem:  # noqa: BLE001 - `refused` knows what to make of each
            return refusal(refused(problem))

    async def _answer(self, request: Asked) -> Response[bytes]:
        path, method = request.scope["path"], request.method
        if path.startswith(links.PATH):
            return await self._torrent(path, method)
        query = _query(request.scope["query_string"])
        self._check_token(request, query)
        asked = dict(query)
        name = path.removeprefix(PATH).strip("/")
        if not name and method == "POST":
            return await self._announce(request, asked.get("target", ""))
        if method != "GET":
            raise _not_allowed("GET" if name else "GET, POST")
        return await (self._one(name, asked) if name else self._list(asked))

    def _check_token(self, request: Asked, query: list[tuple[str, str]]) -> None:
        address = request.client.host if request.client else "?"
        if self._config.door.admits(query, request.scope["headers"]):
            self._told.discard(address)
            return
        if len(self._told) < TOLD and address not in self._told:
            self._told.add(address)
            logger.warning(
                "webhook=refused address=%s reason='ARRPUSH_TOKEN is missing or wrong; it goes"
                " into the URL as apikey=...'",
                address,
            )
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "the token is missing or wrong",
            {"WWW-Authenticate": 'Basic realm="arrpush"'},
        )

    # Announcements

    async def _announce(self, request: Asked, target: str) -> Response[bytes]:
        tried = _Try(self._config.now())
        try:
            return await self._accept(request, target, tried)
        except Exception as problem:
            why = refused(problem)
            _log(tried, why)
            raise why from problem

    async def _accept(self, request: Asked, target: str, tried: _Try) -> Response[bytes]:
        length = _header(request.scope, b"content-length")
        small = length.isdecimal() and len(length) < 10 and int(length) <= THREAD_FROM
        async with contextlib.nullcontext() if small else self._large:
            return await self._take(request, length, target, tried)

    async def _take(self, request: Asked, length: str, target: str, tried: _Try) -> Response[bytes]:
        config = self._config
        body = await read(request.receive, length, config.max_upload, config.patience)
        tried.size = len(body)
        said = await announced.announced(body)
        tried.title = said.release.name
        offered = await announced.offered(said, target, base_of(request.scope), config)
        tried.target = offered.offer.target.value
        try:
            taken = await self._outbox.accept(offered.offer)
        except BadRelease as problem:
            if not offered.note:
                raise
            raise BadRelease(f"{problem}; {offered.note}") from None
        if offered.note:
            logger.warning("webhook=accepted id=%s note=%r", taken.push.id, offered.note)
        more = {"note": offered.note} if offered.note else {}
        content = {**shown.brief(taken.push), "known": taken.known, **more}
        return answer(content, HTTPStatus.ACCEPTED)

    # What became of them

    async def _list(self, asked: dict[str, str]) -> Response[bytes]:
        most = _limit(asked.get("limit", ""))
        state = asked.get("state", "")
        if state and state not in set(State):
            raise _bad(f"state must be one of {', '.join(State)}")
        found = await self._outbox.recent(MOST_LISTED if state else most)
        wanted = [one for one in found if not state or one.state == state]
        return answer({"pushes": await in_thread(shown.several, wanted[:most])})

    async def _one(self, name: str, asked: dict[str, str]) -> Response[bytes]:
        seconds = _wait(asked.get("wait", ""))
        record = None
        if _ID.fullmatch(name):
            record = await self._outbox.wait(name, seconds)
        if record is None:
            raise _not_found()
        return answer(shown.whole(record))

    async def _torrent(self, path: str, method: str) -> Response[bytes]:
        found = _TORRENT_LINK.fullmatch(path)
        if found and method != "GET":
            raise _not_allowed("GET")
        data = await self._outbox.torrent(found[1]) if found else None
        if data is None:
            raise _not_found()
        headers = {
            "Content-Disposition": f'attachment; filename="{links.NAME.strip("/")}"',
            "Cache-Control": "no-store",
        }
        return Response(data, media_type=TORRENT, status_code=HTTPStatus.OK, headers=headers)


def _log(tried: _Try, why: Refused) -> None:
    attempts.log(
        attempts.Attempt(
            at=tried.at,
            target=tried.target,
            id="",
            title=one_line(tried.title[:LONGEST_TITLE]),
            payload=tried.size,
            outcome=outcome(why),
            said=why.text,
        )
    )


def _query(data: bytes) -> list[tuple[str, str]]:
    try:
        return pairs(data, MOST_FIELDS)
    except TooMany:
        raise _bad(f"the query has more than {MOST_FIELDS} fields") from None


def _limit(text: str) -> int:
    if not text:
        return LISTED
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MOST_LISTED:
        raise _bad(f"limit must be a number from 1 to {MOST_LISTED}")
    return int(text)


def _wait(text: str) -> float:
    if not text:
        return 0.0
    if not _SECONDS.fullmatch(text) or float(text) > LONGEST_WAIT:
        raise _bad(f"wait must be a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return float(text)


def _header(scope: Scope, name: bytes) -> str:
    values = (value for key, value in scope["headers"] if key == name)
    return next(values, b"").decode("latin-1")


def _bad(said: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, said)


def _not_found() -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "there is no such thing here")


def _not_allowed(methods: str) -> Refused:
    said = "that cannot be done here"
    return Refused(HTTPStatus.METHOD_NOT_ALLOWED, said, {"Allow": methods})
