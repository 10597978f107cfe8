"""Bodies in chunks, without I/O: what servers without ranges send when they know no length."""

import re
from collections.abc import Callable

from engine.transfer.errors import ServerTrouble

MAX_LINE = 4 * 1024
"""Bytes of a size line or a trailer line. Size lines have 3 to 8; extensions are a curiosity."""

MAX_TRAILERS = 16 * 1024
"""Bytes of header lines after the last chunk; they are read and dropped."""

_GLANCE = 64
"""Bytes looked at once in search of a line end: more than any real size line has."""

# 15 hex digits stay below 2**63, the largest file offset.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class ChunkedDecoder:
    """Takes one chunked body apart, fed in any split. One thread at a time."""

    def __init__(self) -> None:
        self._left = 0  # bytes of the current chunk still to come
        self._line = bytearray()  # the unfinished line between two chunks
        self._act: Callable[[bytes], None] = self._begin_chunk  # what the next line is for
        self._trailers = 0
        self.done = False
        """True once the last chunk and its trailers were read: the body is whole."""
        self.excess = 0
        """Bytes that came after the end; if there are any, the connection is not to be reused."""

    def __repr__(self) -> str:
        return f"ChunkedDecoder({'done' if self.done else f'{self._left} bytes left in chunk'})"

    def feed(self, data: bytes | bytearray | memoryview) -> list[memoryview]:
        """Return the parts of `data` that are body, in order, as views of it (not copies).

        Raises ServerTrouble for anything that is no chunked body.
        """
        view = memoryview(data)
        parts: list[memoryview] = []
        while view and not self.done:
            if self._left:
                parts.append(view[: self._left])
                view = view[self._left :]
                self._left -= len(parts[-1])
            else:
                view = self._take_line(view)
        self.excess += len(view)
        return parts

    def _take_line(self, view: memoryview) -> memoryview:
        """Move bytes up to a line end into `_line`; act on a whole one; return what is behind."""
        piece = bytes(view[:_GLANCE])
        end = piece.find(b"\n") + 1
        self._line += piece[:end] if end else piece
        if len(self._line) > MAX_LINE:
            raise ServerTrouble(f"the server sent a chunk header of more than {MAX_LINE} bytes")
        if not end:
            return view[len(piece) :]
        line = bytes(self._line).removesuffix(b"\n").removesuffix(b"\r")
        self._line.clear()
        self._act(line)
        return view[end:]

    def _begin_chunk(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise ServerTrouble("the server sent a chunk without a size")
        self._left = int(found[1], 16)
        self._act = self._end_chunk if self._left else self._read_trailer

    def _end_chunk(self, line: bytes) -> None:
        if line:
            raise ServerTrouble("the server sent a chunk that is longer than it said")
        self._act = self._begin_chunk

    def _read_trailer(self, line: bytes) -> None:
        self._trailers += len(line)
        if self._trailers > MAX_TRAILERS:
            raise ServerTrouble(f"the server sent more than {MAX_TRAILERS} bytes of trailers")
        self.done = not line
