"""Bodies of requests: bounded in size and in time, and read to their end before an answer.

Who is still sending a body when the connection is closed may never see the answer: the kernel
resets a connection that is closed with unread bytes. Sonarr asks for every connection to be closed,
and it has to see the 403 that makes it log in again. So what is left of a body is read and thrown
away first, within bounds.
"""

import asyncio
import contextlib
from http import HTTPStatus

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from api.qbittorrent.answers import Refused
from api.qbittorrent.parameters import digits

DRAINED = 64 * 1024 * 1024
"""Bytes of a body that are thrown away at most: somebody picked the wrong file."""

CLOSE = {"Connection": "close"}

_BODILESS = frozenset({"GET", "HEAD"})


class Patience(msgspec.Struct, frozen=True):
    """Seconds that a body may take."""

    silence: float = 30.0
    """Without a byte. A line that is down for longer is down."""
    total: float = 300.0
    """From first to last: 10 MiB at a quarter of a Mbit/s."""
    leftover: float = 2.0
    """Without a byte of what is only thrown away: who is still sending is not silent."""


PATIENCE = Patience()


class Body:
    """What a client sends, in the place of ASGI's `receive`. One request, one task."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False
        self._taken = 0

    def __repr__(self) -> str:
        return f"<Body taken={self._taken} complete={self._complete}>"

    async def __call__(self) -> HTTPReceiveMessage:
        """Return the next message, as ASGI wants it."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message["body"])
            self._complete = not message["more_body"]
        else:
            self._complete = True
        return message  # type: ignore[return-value] # there are no WebSockets here

    async def drain(self, patience: Patience) -> None:
        """Read what is left of the body, up to DRAINED bytes, and keep nothing of it."""
        loop = asyncio.get_running_loop()
        last = loop.time() + patience.silence
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience.leftover) as limit:
                while not self._complete and self._taken < DRAINED:
                    await self()
                    limit.reschedule(min(last, loop.time() + patience.leftover))


async def read(receive: Receive, length: str, largest: int, patience: Patience) -> bytes:
    """Return a body of at most `largest` bytes; `length` is its Content-Length, "" for none.

    Raises Refused: 413 for a larger one, 408 for one that does not come, 400 for one cut short.
    """
    if (digits(length) or 0) > largest:
        raise _too_large(largest)
    loop = asyncio.get_running_loop()
    last = loop.time() + patience.total
    body = bytearray()
    try:
        async with asyncio.timeout(patience.silence) as limit:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(HTTPStatus.BAD_REQUEST, "The request is not complete.")
                body += message["body"]
                if len(body) > largest:
                    raise _too_large(largest)
                if not message["more_body"]:
                    return bytes(body)
                limit.reschedule(min(last, loop.time() + patience.silence))
    except TimeoutError:
        late = "The request took too long to arrive."
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, late, CLOSE) from None


def read_to_the_end(app: ASGIApp, patience: Patience) -> ASGIApp:
    """Return an application whose answers wait until the request was read."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] in _BODILESS or _asks_first(scope):
            await app(scope, receive, send)
            return
        body = Body(receive)

        async def send_after(message: Message) -> None:
            if message["type"] == "http.response.start":
                await body.drain(patience)
            await send(message)

        await app(scope, body, send_after)

    return answer


def _asks_first(scope: Scope) -> bool:
    """Return whether the client waits for 100 Continue; only reading would make it send a body."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _too_large(largest: int) -> Refused:
    line = f"The request is larger than {largest} bytes, which is the most that is taken."
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, line)
