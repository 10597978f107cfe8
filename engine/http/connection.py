"""One connection to an HTTP/1.1 server, on the event loop.

asyncio moves the bytes and h11 knows the protocol. h11 is what the web server in front of this
service reads requests with, so it costs an idle process nothing; asyncio does TLS and gives up at
once what is cancelled; aiohappyeyeballs tries a name's addresses side by side.
"""

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
import zlib
from collections.abc import Callable
from urllib.parse import SplitResult, quote

import h11
import msgspec
from aiohappyeyeballs import start_connection

READ_SIZE = 64 * 1024
"""Bytes taken from the socket, or given to it, in one go."""

CONNECT_TIMEOUT = 15.0
"""Seconds for a connection and its TLS handshake."""

NEXT_ADDRESS = 0.25
"""Seconds before the next address of a name is tried beside the one before (RFC 8305)."""

PATH_CHARACTERS = "/%:@!$&'()*+,;=~"
"""What stands in a path as it is, besides letters, digits and `_.-`."""

PROBLEMS = (OSError, ValueError, h11.ProtocolError, zlib.error)
"""What can go wrong with an exchange, besides what is an exception of this module."""

_GZIP = 16 + zlib.MAX_WBITS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allowed = Callable[[Address], bool]
"""Tells whether an address may be connected to."""


class Origin(msgspec.Struct, frozen=True):
    """Where a connection leads."""

    host: str
    port: int
    context: ssl.SSLContext | None
    """None: no TLS."""


class TooLarge(Exception):
    """There is more of an answer than was allowed."""


class Stale(Exception):
    """The server closed a kept connection before it answered."""


class RefusedAddress(Exception):
    """A name leads only to addresses that may not be connected to."""


def host_of(parts: SplitResult) -> str:
    """Return the Host header of a request. Raises ValueError for a name that is none."""
    return parts.netloc.rpartition("@")[2].encode("idna").decode()


def target_of(parts: SplitResult) -> str:
    """Return what a request asks for: path and query, fit to be sent."""
    path = quote(parts.path or "/", safe=PATH_CHARACTERS)
    query = quote(parts.query, safe=PATH_CHARACTERS + "?")
    return f"{path}?{query}" if query else path


def reason(problem: Exception) -> str:
    """Return what is wrong in words that hold nothing of ours, "" for none."""
    if isinstance(problem, ssl.SSLError):
        return problem.reason or ""
    if isinstance(problem, OSError) and problem.errno:
        # Below zero it is the resolver's, whose words name no host; asyncio's name the address.
        return problem.strerror or "" if problem.errno < 0 else os.strerror(problem.errno)
    return ""


class Head(msgspec.Struct, frozen=True):
    """Status and headers of an answer; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    """Of several with one name the last."""


class Connection:
    """An open connection; one exchange at a time. Belongs to one event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(our_role=h11.CLIENT)
        self._used = False
        self._heard = False

    def __repr__(self) -> str:
        return f"<Connection {self._protocol.our_state}>"

    @classmethod
    async def open(cls, origin: Origin, allowed: Allowed | None = None) -> "Connection":
        """Connect, TLS included. Raises OSError, TimeoutError among it, and RefusedAddress.

        `allowed` is asked about every address before anything is sent there.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_TIMEOUT):
            found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            found = [one for one in found if allowed is None or allowed(_address(one[4][0]))]
            if not found:
                raise RefusedAddress
            # Asyncio's own way to do this leaves the socket open when cancelled as it connects.
            connected = await start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS)
            name = origin.host if origin.context else None
            return cls(
                *await asyncio.open_connection(
                    sock=connected, ssl=origin.context, server_hostname=name
                )
            )

    @property
    def reusable(self) -> bool:
        """Whether another exchange may be tried, as far as is known here."""
        idle = self._protocol.our_state is h11.IDLE and not self._protocol.trailing_data[0]
        return idle and not self._reader.at_eof() and not self._writer.is_closing()

    async def exchange(
        self, request: h11.Request, content: bytes, largest: int
    ) -> tuple[Head, bytes]:
        """Send a request and return what comes back, unpacked.

        Raises Stale when this is not the first exchange and the server says nothing, TooLarge for
        more than `largest` bytes, and OSError, h11.ProtocolError or zlib.error.
        """
        used, self._used, self._heard = self._used, True, False
        try:
            await self._send(request, content)
            head = await self._head()
            body = await self._body(head, largest)
        except (OSError, h11.RemoteProtocolError):
            if used and not self._heard:
                raise Stale from None
            raise
        if self._protocol.our_state is self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        return head, body

    def abort(self) -> None:
        """Close at once: nobody waits for the other side to agree."""
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Return when the socket is closed."""
        try:
            await self._writer.wait_closed()
        except OSError:
            return

    async def _send(self, request: h11.Request, content: bytes) -> None:
        data = self._data(request)
        if content:
            data += self._data(h11.Data(content))
        view = memoryview(data + self._data(h11.EndOfMessage()))
        for start in range(0, len(view), READ_SIZE):
            self._writer.write(view[start : start + READ_SIZE])
            await self._writer.drain()

    def _data(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> bytes:
        return self._protocol.send(event) or b""

    async def _head(self) -> Head:
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                names = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                return Head(event.status_code, names)

    async def _body(self, head: Head, largest: int) -> bytes:
        body = _Body(head.headers.get("content-encoding", "identity").lower(), largest)
        while isinstance(event := await self._next(), h11.Data):
            body.feed(event.data)
        return body.finished()

    async def _next(self) -> h11.Event:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(READ_SIZE)
            self._heard = self._heard or bool(data)
            if not self._heard:
                raise ConnectionResetError(errno.ECONNRESET, "closed without an answer")
            self._protocol.receive_data(data)
        if isinstance(event, h11.Event):
            return event
        raise h11.RemoteProtocolError("the server speaks something else from here on")


def _address(text: str | int) -> Address:
    """Return the address that is talked to: behind an IPv4-mapped one the IPv4 address."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


class _Body:
    """Gathers a body, unpacks it, and counts."""

    def __init__(self, encoding: str, largest: int) -> None:
        if encoding not in {"identity", "gzip", "x-gzip"}:
            raise h11.RemoteProtocolError("a Content-Encoding nobody asked for")
        self._unzip = None if encoding == "identity" else zlib.decompressobj(_GZIP)
        self._largest = largest
        self._packed = 0
        self._content = bytearray()

    def feed(self, data: bytes) -> None:
        self._packed += len(data)
        if self._unzip is not None:
            # One byte more than allowed is enough to know; what is behind it stays packed.
            data = self._unzip.decompress(data, self._largest + 1 - len(self._content))
        self._content += data
        if max(self._packed, len(self._content)) > self._largest:
            raise TooLarge

    def finished(self) -> bytes:
        if self._unzip is not None and self._packed and not self._unzip.eof:
            raise zlib.error("cut short")
        return bytes(self._content)
