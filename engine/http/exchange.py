"""One question to a server and its answer, for callers that ask seldom.

Rules
    A connection serves one exchange: what asks now and then keeps nothing open in between.
    Redirects are answers like others; who wants to follow one looks at it first.
    Every failure is an HttpTrouble with a kind to decide by. Its words are ours or those of the
    system, never those of the server, and hold neither an address nor a header.
    The whole exchange ends in time, names and certificates included, however slow the server.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, unquote, urlsplit

import h11
import msgspec

from engine.http.connection import (
    PROBLEMS,
    Allowed,
    Connection,
    Origin,
    RefusedAddress,
    TooLarge,
    host_of,
    reason,
    target_of,
)

UNREACHABLE = "unreachable"
"""No connection, or it broke before an answer came."""
NOT_TRUSTED = "not_trusted"
"""The certificate does not hold, or our own list of authorities cannot be read."""
TOO_LARGE = "too_large"
"""There is more of an answer than was allowed."""
GARBLED = "garbled"
"""The answer is no HTTP or breaks off, or the question cannot be written as HTTP."""
REFUSED_ADDRESS = "refused_address"
"""The name leads only to addresses that the caller does not want."""
TIMEOUT = "timeout"
"""The time was over before the answer was whole."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case; of several with one name the last."""
    body: bytes
    """Unpacked."""

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, bytes={len(self.body)})"


class HttpTrouble(Exception):
    """There was no answer; `kind` is one of the constants of this module."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    content: bytes = b"",
    largest: int,
    timeout: float,  # noqa: ASYNC109 - part of the promise, and no caller has to think of it
    ca_file: str | None = None,
    allowed: Allowed | None = None,
) -> Answer:
    """Ask once and return the answer, whatever its status. Raises HttpTrouble.

    `largest`: bytes the answer's body may have, unpacked. `timeout`: seconds for everything.
    `ca_file`: certificates to trust instead of the system's. `allowed` is asked about each address
    of the host before anything is sent there; behind an IPv4-mapped one stands the IPv4 address.
    A name and password in the URL are sent as Basic authentication, unless `headers` has another.
    """
    try:
        async with asyncio.timeout(timeout):
            parts = urlsplit(url)
            request = _request(method, parts, headers, content)
            return await _ask(await _origin(parts, ca_file), request, content, largest, allowed)
    except TooLarge:
        raise HttpTrouble(TOO_LARGE, f"the answer has more than {largest} bytes") from None
    except RefusedAddress:
        raise HttpTrouble(REFUSED_ADDRESS, "the host's address is not allowed") from None
    except PROBLEMS as problem:
        raise _translated(problem) from None


async def _ask(
    origin: Origin, request: h11.Request, content: bytes, largest: int, allowed: Allowed | None
) -> Answer:
    connection = await Connection.open(origin, allowed)
    try:
        head, body = await connection.exchange(request, content, largest)
    finally:
        connection.abort()
    return Answer(head.status, head.headers, body)


def _request(
    method: str, parts: SplitResult, headers: Mapping[str, str], content: bytes
) -> h11.Request:
    sent = {
        "host": host_of(parts),
        "user-agent": "alldebrid-client",
        "accept-encoding": "gzip",
        "connection": "close",
    }
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        sent["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if content or method in {"POST", "PUT"}:
        sent["content-length"] = str(len(content))
    sent |= {name.lower(): value for name, value in headers.items()}
    return h11.Request(method=method, target=target_of(parts), headers=list(sent.items()))


async def _origin(parts: SplitResult, ca_file: str | None) -> Origin:
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError
    if parts.scheme == "http":
        return Origin(parts.hostname, parts.port or 80, None)
    try:
        # Reading all authorities takes long enough to be felt by who waits for an answer of ours.
        context = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
    except OSError:
        raise HttpTrouble(NOT_TRUSTED, "the list of authorities cannot be read") from None
    return Origin(parts.hostname, parts.port or 443, context)


def _translated(problem: Exception) -> HttpTrouble:
    if isinstance(problem, TimeoutError):
        return HttpTrouble(TIMEOUT, "no whole answer in time")
    if isinstance(problem, ssl.SSLCertVerificationError):
        return HttpTrouble(NOT_TRUSTED, f"the certificate is not trusted: {reason(problem)}")
    if isinstance(problem, OSError):
        words = reason(problem) or type(problem).__name__
        return HttpTrouble(UNREACHABLE, f"no connection: {words}")
    if isinstance(problem, ValueError | h11.LocalProtocolError):
        return HttpTrouble(GARBLED, "this cannot be asked over HTTP: a bad address or header")
    return HttpTrouble(GARBLED, "the answer is not HTTP")
