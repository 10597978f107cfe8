"""The short way for what is asked all the time: GETs of what only reads, past the framework.

Litestar takes longer to lead to an endpoint and back than most endpoints take to answer.
Everything that it decides besides is decided elsewhere for these: who may pass by `may_pass`, what
was asked by `forms`, what the answer is by the endpoint. Whatever is not plain goes the long way,
and so does what is refused: it is refused there, after a second try, which makes no difference for
what only reads.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from api.qbittorrent.answers import Refused, answer_unexpected
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import Endpoint
from api.qbittorrent.parameters import BadParameter
from api.qbittorrent.requests import may_pass, sent

PREFIX = "/api/v2/"


def quickly(app: ASGIApp, context: Context, endpoints: Mapping[str, Endpoint]) -> ASGIApp:
    """Return an application that has endpoints answer by themselves where that is all there is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = _endpoint(scope, endpoints)
        answered = None
        if endpoint is not None:
            answered = await _answer(endpoint, Request(scope, receive, send), context)
        if answered is None:
            await app(scope, receive, send)
            return
        await send(_start(answered))
        await send({"type": "http.response.body", "body": answered.content, "more_body": False})

    return answer


def _endpoint(scope: Scope, endpoints: Mapping[str, Endpoint]) -> Endpoint | None:
    if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
        return None
    endpoint = endpoints.get(scope["path"].removeprefix(PREFIX))
    return endpoint if endpoint is not None and endpoint.reads else None


async def _answer(
    endpoint: Endpoint, request: Request[Any, Any, Any], context: Context
) -> Response[bytes] | None:
    """Return the answer, or None where the framework has to give it."""
    if not endpoint.public and not may_pass(request, context):
        return None
    try:
        answered = await endpoint.answer(request, context, await sent(request, context, endpoint))
    except (Refused, BadParameter):
        return None
    except Exception as error:  # noqa: BLE001 - logged there, and not to be tried again
        return answer_unexpected(request, error)
    plain = not answered.headers and not answered.cookies and answered.background is None
    return answered if plain else None


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
        ],
    }
