"""Reading one body, however it says where it ends: straight into the memory that is given.

`read_into` fills the beginning of a view and returns the number of bytes, 0 at the end of the
body. A body that breaks off before its end raises ConnectionTrouble: a short file is never whole.
"""

from typing import Protocol

from engine.transfer.chunked import ChunkedDecoder
from engine.transfer.errors import ConnectionTrouble, ServerTrouble
from engine.transfer.http1 import Framing
from engine.transfer.ranges import Body
from engine.transfer.wire import Connection

SCRATCH = 64 * 1024
"""Bytes of the buffer that chunked bodies pass through."""


class Reader(Protocol):
    """What the three kinds of bodies have in common."""

    @property
    def whole(self) -> bool:
        """True once the body was read to its end, so that the connection may be used again."""

    def read_into(self, view: memoryview) -> int:
        """Fill the beginning of `view`; return how many bytes, 0 at the end of the body."""


def open_body(connection: Connection, body: Body) -> Reader:
    """Return the reader for the body that follows the head just received."""
    if body.framing is Framing.CHUNKED:
        return _Chunked(connection, None if body.end is None else body.end - body.start)
    if body.end is None:
        return _UntilClose(connection)
    return _Counted(connection, body.end - body.start)


class _Counted:
    """A body of known length: the case that matters, so it adds nothing to a receive."""

    def __init__(self, connection: Connection, length: int) -> None:
        self._receive = connection.receive_into
        self._left = length

    @property
    def whole(self) -> bool:
        return not self._left

    def read_into(self, view: memoryview) -> int:
        if len(view) > self._left:
            view = view[: self._left]
            if not self._left:
                return 0
        count = self._receive(view, self._left)
        if not count:
            raise ConnectionTrouble(f"the server closed with {self._left} bytes still to come")
        self._left -= count
        return count


class _UntilClose:
    """A body that ends with its connection. TLS tells a real end from a broken line, TCP can't."""

    whole = False

    def __init__(self, connection: Connection) -> None:
        self._receive = connection.receive_into

    def read_into(self, view: memoryview) -> int:
        return self._receive(view)


class _Chunked:
    """A body in chunks; copied once, because sizes stand between the bytes."""

    def __init__(self, connection: Connection, length: int | None) -> None:
        self._left = length
        self._receive = connection.receive_into
        self._decoder = ChunkedDecoder()
        self._scratch = memoryview(bytearray(SCRATCH))
        self._parts: list[memoryview] = []

    @property
    def whole(self) -> bool:
        return self._decoder.done and not self._decoder.excess

    def read_into(self, view: memoryview) -> int:
        while not self._parts:
            if self._decoder.done:
                return 0
            count = self._receive(self._scratch)
            if not count:
                raise ConnectionTrouble("the server closed in the middle of a chunked body")
            self._parts = [part for part in self._decoder.feed(self._scratch[:count]) if part]
        part = self._parts[0]
        count = min(len(part), len(view))
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise ServerTrouble("the server sent more than it announced")
        view[:count] = part[:count]
        if count == len(part):
            del self._parts[0]
        else:
            self._parts[0] = part[count:]
        return count
