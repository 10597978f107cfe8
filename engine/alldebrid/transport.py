"""One HTTP exchange with AllDebrid, over kept connections.

Foreign exceptions become ApiError here, without text of theirs: it could hold an address or a
header. The key goes into the Authorization header and nowhere else; redirects are not followed,
so it never goes to another host.

A kept connection that the server closed meanwhile shows only when it is used. That says nothing
about the server, so the exchange is repeated once, at once. That is safe because every call of
the API may be made twice: uploads return the same id, deletes find nothing, and so on.

A connection that nobody used for a while is closed: it holds a quarter of a megabyte of buffers.
"""

import asyncio
import ssl
import time
from urllib.parse import SplitResult, urlsplit

import h11
import msgspec

from engine.alldebrid.errors import GARBLED, NOT_TRUSTED, UNREACHABLE, ApiError
from engine.alldebrid.forms import Encoded, FilePart, Form, encoded
from engine.http import backoff
from engine.http.connection import (
    PROBLEMS,
    Connection,
    Origin,
    Stale,
    TooLarge,
    host_of,
    reason,
    target_of,
)

CONNECTIONS = 6
"""Connections at a time; with 8 requests a second more would only idle."""

KEPT = 15.0
"""Seconds an idle connection is kept; while something goes on there is a request every 5."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, unpacked. A list of 5,000 torrents has about 3 MB."""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    retry_after: float | None
    """Seconds."""

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, bytes={len(self.body)})"


class Transport:
    """Kept connections to an API server. One event loop; connects when first used."""

    def __init__(self, *, ca_file: str | None, timeout: float) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._context: ssl.SSLContext | None = None
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._open: set[Connection] = set()
        self._idle: dict[Connection, tuple[Origin, asyncio.TimerHandle]] = {}
        """Oldest first."""

    def __repr__(self) -> str:
        state = f"open connections={len(self._open)}" if self._open else "closed"
        return f"<Transport {state} idle={len(self._idle)}>"

    async def send(
        self, method: str, url: str, key: str, body: Form | FilePart | None = None
    ) -> Answer:
        """Make one exchange. Raises ApiError UNREACHABLE, NOT_TRUSTED or GARBLED."""
        try:
            parts = urlsplit(url)
            content = encoded(body) if body is not None else None
            request = _request(method, parts, key, content)
            origin = self._origin(parts)
            payload = content.content if content else b""
            try:
                return await self._attempt(origin, request, payload)
            except Stale:
                return await self._attempt(origin, request, payload, fresh=True)
        except TooLarge:
            raise ApiError(GARBLED, "the answer is too large") from None
        except PROBLEMS as problem:
            raise _translated(problem) from None

    async def close(self) -> None:
        """Close the connections; what is under way on them fails."""
        ended = list(self._open)
        for connection in ended:
            self._end(connection)
        for connection in ended:
            await connection.closed()

    async def _attempt(
        self, origin: Origin, request: h11.Request, content: bytes, *, fresh: bool = False
    ) -> Answer:
        async with asyncio.timeout(self._timeout), self._room:
            connection = (None if fresh else self._taken(origin)) or await self._opened(origin)
            try:
                head, body = await connection.exchange(request, content, LARGEST_ANSWER)
            except BaseException:
                self._end(connection)  # also when cancelled: the answer would come to the next
                raise
            self._keep(connection, origin)
        asked = backoff.retry_after(head.headers.get("retry-after"), time.time())
        return Answer(head.status, body, asked)

    async def _opened(self, origin: Origin) -> Connection:
        connection = await Connection.open(origin)
        self._open.add(connection)
        return connection

    def _taken(self, origin: Origin) -> Connection | None:
        """Return the idle connection that was used last, if there is one."""
        for connection, (where, timer) in reversed(list(self._idle.items())):
            if where == origin:
                timer.cancel()
                del self._idle[connection]
                if connection.reusable:
                    return connection
                self._end(connection)
        return None

    def _keep(self, connection: Connection, origin: Origin) -> None:
        if connection not in self._open or not connection.reusable:
            self._end(connection)
            return
        timer = asyncio.get_running_loop().call_later(KEPT, self._end, connection)
        self._idle[connection] = (origin, timer)

    def _end(self, connection: Connection) -> None:
        _, timer = self._idle.pop(connection, (None, None))
        if timer is not None:
            timer.cancel()
        self._open.discard(connection)
        connection.abort()

    def _origin(self, parts: SplitResult) -> Origin:
        host = parts.hostname or ""
        if parts.scheme != "https":
            return Origin(host, parts.port or 80, None)
        if self._context is None:
            try:
                self._context = ssl.create_default_context(cafile=self._ca_file)
            except OSError:
                raise ApiError(NOT_TRUSTED) from None
        return Origin(host, parts.port or 443, self._context)


def _request(method: str, parts: SplitResult, key: str, body: Encoded | None) -> h11.Request:
    headers = [
        ("Host", host_of(parts)),
        ("User-Agent", "alldebrid-client"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
    ]
    if key:
        headers.append(("Authorization", f"Bearer {key}"))
    if body is not None:
        headers.append(("Content-Type", body.content_type))
    if body is not None or method == "POST":
        headers.append(("Content-Length", str(len(body.content) if body else 0)))
    return h11.Request(method=method, target=target_of(parts), headers=headers)


def _translated(problem: Exception) -> ApiError:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return ApiError(NOT_TRUSTED)
    return ApiError(UNREACHABLE, f"{type(problem).__name__} {reason(problem)}".strip())
