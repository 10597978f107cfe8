"""The simulated file host: HTTP ranges over content, at a settable speed."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from engine.alldebrid.simulator.content import Content

WRITE_SIZE = 256 * 1024
"""Bytes per write; also the grain of the speed limit."""

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class OutOfRange(ValueError):
    """A range that starts behind the end."""


class Pace:
    """A speed limit in bytes per second that all answers share; 0 for none. One event loop."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    def __repr__(self) -> str:
        return f"<Pace {self._rate:.0f} bytes/s>"

    async def spend(self, count: int) -> None:
        """Return when `count` more bytes may be sent."""
        if self._rate <= 0:
            return
        now = self._clock()
        wait = self._free_at - now
        self._free_at = max(self._free_at, now) + count / self._rate
        if wait > 0:
            await self._sleep(wait)


def requested(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the half-open range that a Range header asks for; None for all of the content.

    Several ranges or nonsense are answered with all of it, as RFC 9110 allows. Raises OutOfRange.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = int(match[2])
        if length == 0 or size == 0:
            raise OutOfRange
        return max(0, size - length), size
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    if start >= size:
        raise OutOfRange
    return start, min(last + 1, size)


async def serve(request: web.Request, content: Content, pace: Pace) -> web.StreamResponse:
    """Answer a GET or HEAD for some content."""
    headers = {"Accept-Ranges": "bytes", "ETag": content.etag}
    header = request.headers.get("Range")
    if request.headers.get("If-Range", content.etag) != content.etag:
        header = None
    try:
        part = requested(header, content.size)
    except OutOfRange:
        headers["Content-Range"] = f"bytes */{content.size}"
        return web.Response(status=416, headers=headers)
    start, end = part or (0, content.size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = end - start
    await response.prepare(request)
    if request.method == "GET":
        await _send(response, content, start, end, pace)
    return response


async def _send(
    response: web.StreamResponse, content: Content, start: int, end: int, pace: Pace
) -> None:
    try:
        while start < end:
            stop = min(start + WRITE_SIZE, end)
            await pace.spend(stop - start)
            await response.write(content.read(start, stop))
            start = stop
    except ConnectionError:
        # The client has what it wants and hung up; that is its right.
        return
