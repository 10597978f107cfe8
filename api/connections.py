"""The service's HTTP connections: Uvicorn's, with bounds on what only begins to be a request.

httptools reads requests faster than h11, and most answers here take less time than h11 needs to
read what is asked: with it twice as many are given on a few connections. But neither it nor Uvicorn
bounds the head of a request, in bytes or in seconds, nor what stands between and behind the pieces
of a body, so whoever reaches the port could fill the memory or keep all descriptors busy. Bodies
themselves are bounded where they are read (`api.qbittorrent.bodies`), and Uvicorn closes kept
connections on which nothing is asked.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Bytes of a request, on end, that are none of its body: request line and headers, the frames of
chunks, trailers. As h11 allows; real ones have some hundred."""

PATIENCE = 30.0
"""Seconds from the first byte of a request, or from connecting, until its head is there."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout"
_NO_MORE = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """One connection to a client. The event loop's thread only."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._apart: int | None = 0
        """Bytes since a request began, or since its last byte of a body; None between requests."""
        self._body_came = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request. asyncio calls it."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer. asyncio calls it."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. asyncio calls it; a head may come in many pieces, and with what follows it."""
        self._body_came = False
        super().data_received(data)
        if self._apart is not None:
            self._apart = 0 if self._body_came else self._apart + len(data)
            if self._apart > LARGEST_HEAD:
                self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Expect the rest of a head. httptools calls it."""
        if self._apart is None:
            self._expect()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request over. httptools calls it."""
        self._arrived()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body over. httptools calls it."""
        self._body_came = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand the end of a request over. httptools calls it."""
        self._apart = None
        super().on_message_complete()

    def _expect(self) -> None:
        self._apart = 0
        self._deadline = self.loop.call_later(PATIENCE, self._refuse, _TOO_SLOW)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: bytes) -> None:
        self._arrived()
        self._apart = None
        if not self.transport.is_closing():
            self.transport.write(status + _NO_MORE)
            self.transport.close()
