"""The short way for what is asked all the time: GETs of what only reads, past the framework.

Litestar takes longer to lead to an endpoint and back than most endpoints take to answer.
Everything that it decides besides is decided elsewhere for these: who may pass by `may_pass`, what
was asked by `forms`, what the answer is by the endpoint, what becomes of an error by the same
handlers. What is not such a GET goes the long way, before anything of it was done.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Endpoint
from api.qbittorrent.requests import may_pass, sent

PREFIX = "/api/v2/"

Handlers = Mapping[int | type[Exception], Callable[..., Response[bytes]]]
"""What makes an answer of an error, by its kind, as Litestar takes it; one is for `Exception`."""


def quickly(
    app: ASGIApp, context: Context, endpoints: Mapping[str, Endpoint], handlers: Handlers
) -> ASGIApp:
    """Return an application that has endpoints answer by themselves where that is all there is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = _endpoint(scope, endpoints)
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        if endpoint is None or not (endpoint.public or may_pass(request, context)):
            await app(scope, receive, send)
            return
        try:
            asked = await sent(request, context, endpoint)
            answered = await endpoint.answer(request, context, asked)
        except Exception as error:  # noqa: BLE001 - its handler knows what to make of it
            answered = _handler(handlers, error)(request, error)
        await send(_start(answered))
        await send({"type": "http.response.body", "body": answered.content, "more_body": False})

    return answer


def _endpoint(scope: Scope, endpoints: Mapping[str, Endpoint]) -> Endpoint | None:
    if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
        return None
    endpoint = endpoints.get(scope["path"].removeprefix(PREFIX))
    return endpoint if endpoint is not None and endpoint.reads else None


def _handler(handlers: Handlers, error: Exception) -> Callable[..., Response[bytes]]:
    """Return what makes an answer of an error; the nearest kind counts, as for the framework."""
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)


def _start(answered: Response[bytes]) -> HTTPResponseStartEvent:
    kind = str(answered.media_type)
    if kind.startswith("text/"):
        kind = f"{kind}; charset={answered.encoding}"
    return {
        "type": "http.response.start",
        "status": answered.status_code or HTTPStatus.OK,
        "headers": [
            (b"content-type", kind.encode()),
            (b"content-length", b"%d" % len(answered.content)),
            *((name.lower().encode(), value.encode()) for name, value in answered.headers.items()),
        ],
    }
