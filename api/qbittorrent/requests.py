"""What happens to a request before its route: who may pass, and what was asked."""

from typing import Any

from litestar import HttpMethod, Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.qbittorrent.context import Context
from api.qbittorrent.forms import parse
from api.qbittorrent.parameters import Parameters
from api.qbittorrent.sessions import sids

READ = [HttpMethod.GET, HttpMethod.POST]
"""Methods of routes that only read: there are clients that post everything."""

CONTEXT = "qbittorrent"
"""Name of the Context in the application's state."""

Served = NamedDependency[Context]
"""A route's parameter `context`."""

Sent = NamedDependency[Parameters]
"""A route's parameter `parameters`."""


def head_as_get(app: ASGIApp) -> ASGIApp:
    """Return an application that answers HEAD as GET, without the body; `wget --spider` asks so.

    It stands before the routes because Litestar has no route for both.
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


def sids_of(connection: ASGIConnection[Any, Any, Any, Any]) -> list[str]:
    """Return the SIDs that came with a request."""
    return sids(";".join(connection.headers.getall("cookie", [])))


def require_session(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let a request pass when the API is open or it has a living session.

    An Authorization header decides nothing: Radarr sends a Basic one always, even without user
    and password. Raises PermissionDeniedException, which is answered 403: Sonarr logs in and
    tries again after that, and gives up after 401.
    """
    context: Context = connection.app.state[CONTEXT]
    if not context.config.open and not any(map(context.sessions.use, sids_of(connection))):
        raise PermissionDeniedException


async def context_of(request: Request[Any, Any, Any]) -> Context:
    """Provide the application's Context to a route."""
    context: Context = request.app.state[CONTEXT]
    return context


async def parameters_of(
    request: Request[Any, Any, Any],
    context: Served,  # noqa: ARG001 - see below
) -> Parameters:
    """Provide query and form to a route. Raises BadParameter; too large a body ends in 413.

    `context` makes it the second of two steps. If they didn't depend on each other Litestar would
    run them side by side, in a group of tasks for each request.
    """
    body = await request.body() if request.method == "POST" else b""
    return parse(request.scope["query_string"], request.headers.get("content-type", ""), body)
