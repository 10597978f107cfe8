"""What happens to a request before its endpoint: who may pass, and what was asked."""

import re
from http import HTTPStatus
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from api.qbittorrent.answers import CHARSET, TEXT
from api.qbittorrent.bodies import read
from api.qbittorrent.browsers import Browsers
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Endpoint
from api.qbittorrent.forms import parse
from api.qbittorrent.looking import Who
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.peers import asking
from api.qbittorrent.sessions import sids

CONTEXT = "qbittorrent"
"""Name of the Context in the application's state."""

SIDS_TOLD = 4
"""Session cookies that tell a client: its own, and those of other programs on the same host."""

LONGEST_TOLD = 128
"""Characters of each thing that tells a client."""


_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def head_as_get(app: ASGIApp) -> ASGIApp:
    """Return an application that answers HEAD as GET, without the body; `wget --spider` asks so.

    It stands before Litestar because that has no route for both.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return
        as_get: HTTPScope = {**scope, "method": "GET"}
        await app(as_get, receive, send_head)

    return answer


def watched(app: ASGIApp, browsers: Browsers) -> ASGIApp:
    """Return an application that answers 401 to what a web page of another site may be behind."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or browsers.pass_on(scope["method"], scope["headers"]):
            await app(scope, receive, send)
            return
        await send(_UNAUTHORIZED)
        await send({"type": "http.response.body", "body": _REFUSAL, "more_body": False})

    return answer


_REFUSAL = b"Unauthorized"
_UNAUTHORIZED: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": HTTPStatus.UNAUTHORIZED,
    "headers": [
        (b"content-type", f"{TEXT}; charset={CHARSET}".encode()),
        (b"content-length", str(len(_REFUSAL)).encode()),
    ],
}


def sids_of(connection: ASGIConnection[Any, Any, Any, Any]) -> list[str]:
    """Return the SIDs that came with a request."""
    return sids(";".join(connection.headers.getall("cookie", [])))


def whos_of(connection: ASGIConnection[Any, Any, Any, Any], context: Context) -> list[Who]:
    """Return what tells the client of a request from others, what tells it best first."""
    agent = connection.headers.get("user-agent", "")[:LONGEST_TOLD]
    address = address_of(connection, context)
    found = [sid[:LONGEST_TOLD] for sid in sids_of(connection)[:SIDS_TOLD]]
    return [tuple(found), (address, agent)] if found else [(address, agent)]


def address_of(connection: ASGIConnection[Any, Any, Any, Any], context: Context) -> str:
    """Return the address that a request counts for."""
    peer = connection.client.host if connection.client else "?"
    return asking(peer, connection.headers.getall("x-forwarded-for", []), context.config.proxies)


def base_of(scope: Scope) -> str:
    """Return where whoever asks has reached us, such as `http://nas:6500`; "" for no such thing."""
    values = (value for key, value in scope["headers"] if key == b"host")
    host = next(values, b"").decode("latin-1")
    return f"{scope['scheme']}://{host}" if _AUTHORITY.fullmatch(host) else ""


def may_pass(connection: ASGIConnection[Any, Any, Any, Any], context: Context) -> bool:
    """Tell whether a request may pass: the API is open or it has a living session.

    An Authorization header decides nothing: Radarr sends a Basic one always, even without user
    and password. The refusal has to be 403: Sonarr logs in and tries again after that, and gives
    up after 401.
    """
    return context.config.open or any(map(context.sessions.use, sids_of(connection)))


async def sent(request: Request[Any, Any, Any], context: Context, endpoint: Endpoint) -> Parameters:
    """Return query or form of a request. Raises BadParameter, and Refused for a body: see `read`.

    As in qBittorrent, what is posted is in the body alone. A body that nobody wants is not looked
    at.
    """
    if "parameters" not in endpoint.wants:
        return parse(b"", "", b"")
    if request.method != "POST":
        return parse(request.scope["query_string"], "", b"")
    largest = context.config.max_upload if endpoint.largest is None else endpoint.largest
    length = request.headers.get("content-length", "")
    body = await read(request.receive, length, largest, context.config.patience)
    return parse(b"", request.headers.get("content-type", ""), body)
