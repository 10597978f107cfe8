"""How the API answers: exact plain text, compact JSON, and what errors become.

Sonarr parses bodies word for word: `Ok.` must be neither JSON nor end in a newline, and who is
not logged in gets 403, because 401 is never tried again. No exception text of ours goes out: a
refusal says what the client did, everything else is in the log.
"""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from api.qbittorrent.parameters import BadParameter
from engine.jobs.views import Unavailable

TEXT = "text/plain"
CHARSET = "UTF-8"
JSON = "application/json"

logger = logging.getLogger("api.qbittorrent")

_encoder = msgspec.json.Encoder()


class Refused(Exception):
    """The request is understood and not done; `text` is the whole answer."""

    def __init__(
        self, status: HTTPStatus, text: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(text or status.phrase)
        self.status = status
        self.text = text or status.phrase
        self.headers = headers


def text(body: str = "", *, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Answer 200 with plain text."""
    return _plain(HTTPStatus.OK, body, headers)


def json(value: Any) -> Response[bytes]:
    """Answer 200 with JSON."""
    return Response(_encoder.encode(value), media_type=JSON, status_code=HTTPStatus.OK)


def encoded(body: bytes) -> Response[bytes]:
    """Answer 200 with what is JSON already."""
    return Response(body, media_type=JSON, status_code=HTTPStatus.OK)


def answer_refused(_: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    """Answer what a route refused."""
    return _plain(error.status, error.text, error.headers)


def answer_bad_parameter(_: Request[Any, Any, Any], error: BadParameter) -> Response[bytes]:
    """Answer a request that cannot be understood."""
    return _plain(HTTPStatus.BAD_REQUEST, str(error))


def answer_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework refused: no such route, wrong method, too large a body."""
    status = HTTPStatus(error.status_code)
    return _plain(status, status.phrase, error.headers)


def answer_unavailable(request: Request[Any, Any, Any], error: Unavailable) -> Response[bytes]:
    """Answer what cannot be stored now: nothing of it was done, and it is no bug of ours."""
    logger.error(
        "answer=500 method=%s path=%s reason=%r", request.method, request.url.path, str(error)
    )
    return _plain(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Nothing was changed: the service cannot store it now, and its log says why.",
    )


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Log a bug of ours with its traceback, and say nothing about it to the client."""
    logger.error("answer=500 method=%s path=%s", request.method, request.url.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _plain(status, status.phrase)


def _plain(status: HTTPStatus, body: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    # replace: a name that is no valid text must not turn an answer into an error.
    content = body.encode("utf-8", "replace")
    return Response(content, media_type=TEXT, encoding=CHARSET, status_code=status, headers=headers)
