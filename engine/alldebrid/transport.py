"""One HTTP exchange with AllDebrid: the only user of aiohttp's client.

Foreign exceptions become ApiError here, without text of theirs: it could hold an address or a
header. The key goes into the Authorization header and nowhere else; redirects are not followed,
so it never goes to another host.

A kept connection that the server closed meanwhile shows only when it is used. That says nothing
about the server, so the exchange is repeated once, at once. That is safe because every call of
the API may be made twice: uploads return the same id, deletes find nothing, and so on.
"""

import io
import ssl
import time
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec

from engine.alldebrid import backoff
from engine.alldebrid.errors import GARBLED, NOT_TRUSTED, UNREACHABLE, ApiError

CONNECTIONS = 6
"""Kept connections; with 8 requests a second more would only idle."""

CONNECT_TIMEOUT = 15.0
"""Seconds for a connection and its TLS handshake."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, unpacked. A list of 5,000 torrents has about 3 MB."""

READ_SIZE = 64 * 1024

Form = list[tuple[str, str]]
"""Names and values; a name may come several times (`id[]`)."""


class FilePart(msgspec.Struct, frozen=True):
    """A file to be sent in a multipart form."""

    field: str
    filename: str
    """ASCII without quotes."""
    content: bytes
    content_type: str


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    retry_after: float | None
    """Seconds."""

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, bytes={len(self.body)})"


class Transport:
    """Kept connections to one API server. One event loop; connects when first used."""

    def __init__(self, *, ca_file: str | None, timeout: float) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<Transport {'open' if self._session else 'closed'}>"

    async def send(
        self, method: str, url: str, key: str, body: Form | FilePart | None = None
    ) -> Answer:
        """Make one exchange. Raises ApiError UNREACHABLE, NOT_TRUSTED or GARBLED."""
        trace = SimpleNamespace(reused=False)
        try:
            return await self._exchange(method, url, key, body, trace)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if not trace.reused:
                raise _translated(error) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translated(error) from None
        try:
            return await self._exchange(method, url, key, body, trace)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translated(error) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(
        self,
        method: str,
        url: str,
        key: str,
        body: Form | FilePart | None,
        trace: SimpleNamespace,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with self._opened().request(
            method,
            url,
            headers=headers,
            data=_encoded(body),
            allow_redirects=False,
            trace_request_ctx=trace,
        ) as response:
            header = response.headers.get("Retry-After")
            asked = backoff.retry_after(header, time.time())
            return Answer(response.status, await _read(response), asked)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            try:
                context = ssl.create_default_context(cafile=self._ca_file)
            except OSError:
                raise ApiError(NOT_TRUSTED) from None
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_note_reuse)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=CONNECT_TIMEOUT),
                trace_configs=[trace],
                headers={"User-Agent": "alldebrid-client", "Accept": "application/json"},
            )
        return self._session


async def _note_reuse(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.reused = True


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    left = LARGEST_ANSWER
    async for chunk in response.content.iter_chunked(READ_SIZE):
        left -= len(chunk)
        if left < 0:
            raise ApiError(GARBLED, "the answer is too large")
        chunks.append(chunk)
    return b"".join(chunks)


def _encoded(body: Form | FilePart | None) -> Any:
    if body is None:
        return None
    if isinstance(body, FilePart):
        form = aiohttp.FormData()
        # A stream goes out in parts; bytes would hold up the loop, and may end up in a warning.
        content = io.BytesIO(body.content)
        form.add_field(body.field, content, filename=body.filename, content_type=body.content_type)
        return form
    return aiohttp.FormData(body)


def _translated(error: Exception) -> ApiError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ApiError(NOT_TRUSTED)
    kind = type(error).__name__
    reason = getattr(error, "strerror", None) or ""
    return ApiError(UNREACHABLE, f"{kind} {reason}".strip())
