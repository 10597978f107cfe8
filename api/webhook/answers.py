"""What goes out: JSON objects, and why something was refused in one sentence.

No exception's text goes out but of those that are made for whoever asked. A path of ours may hold
a link's secret, so none is logged.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response

from api.qbittorrent.answers import JSON, Refused
from arrpush.announcement import BadAnnouncement
from arrpush.lenient import BadJson
from arrpush.outbox import NotSetUp
from arrpush.payload import BadRelease
from engine.store.errors import StoreError

BAD_INPUT = "bad input"
NOT_TAKEN = "not_taken"
FAILED = "failed"

logger = logging.getLogger("api.webhook")

_encoder = msgspec.json.Encoder()


def answer(
    value: Any, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Answer with JSON."""
    content = _encoder.encode(value)
    return Response(content, media_type=JSON, status_code=status, headers=headers)


def refusal(problem: Refused) -> Response[bytes]:
    """Answer what is not done."""
    return answer({"error": problem.text}, problem.status, problem.headers)


def refused(problem: Exception) -> Refused:
    """Return what an exception means for whoever asked; logs what is no fault of his."""
    if isinstance(problem, Refused):
        return problem
    if isinstance(problem, BadJson):
        return Refused(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {problem}")
    if isinstance(problem, BadAnnouncement | BadRelease):
        return Refused(HTTPStatus.BAD_REQUEST, str(problem))
    if isinstance(problem, NotSetUp):
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))
    if isinstance(problem, StoreError):
        logger.error("webhook=failed store=failed reason=%r", str(problem))
        said = "the store cannot be used now; the log says why"
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, said)
    logger.error("webhook=failed", exc_info=problem)
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")


def outcome(problem: Refused) -> str:
    """Return what a refusal is called in the log of attempts."""
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BAD_INPUT
    return NOT_TAKEN if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else FAILED
