"""Clients that ask a web API as fast as it answers, in a process of its own.

    python -m benchmarks.asker PORT PATH CONNECTIONS SECONDS [follow]

Each connection is kept and has one question under way. With `follow` the question is one for what
has changed since the last answer: its `rid` goes along, and the session cookie that the first
answer set. Prints a JSON object with what came, see `Asked`. An answer is not looked into but for
its length, and for the `rid` where that is wanted, so that little of the machine goes into asking.
"""

import contextlib
import re
import select
import socket
import sys
import time
from collections.abc import Mapping

import msgspec

RECEIVE = 1 << 20
"""Bytes taken from a connection at once."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *(SID=[^;\r]+)", re.IGNORECASE)
_RID = re.compile(rb'"rid": *(\d+)')


class Asked(msgspec.Struct, frozen=True):
    """What came of it."""

    answers: int
    seconds: float
    bytes: int
    """Of all bodies."""
    times: list[float]
    """Milliseconds of each answer, from the question to its last byte, shortest first."""


class _Line:
    """One connection."""

    def __init__(self, port: int, path: str, *, follow: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._path = path
        self._follow = follow
        self._cookie = b""
        self._rid = 0
        self._head = bytearray()
        self._missing: int | None = None
        self.number = self._socket.fileno()
        self.began = 0.0
        self.size = 0

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        self._socket.close()

    def ask(self) -> None:
        """Send the question."""
        target = f"{self._path}?rid={self._rid}" if self._follow else self._path
        cookie = b"Cookie: %b\r\n" % self._cookie if self._cookie else b""
        self._head.clear()
        self._missing = None
        self.began = time.monotonic()
        self._socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n".encode()
            + cookie
            + b"\r\n"
        )

    def receive(self, room: memoryview) -> bool:
        """Take what has come; return whether the answer is complete."""
        count = self._socket.recv_into(room)
        if not count:
            raise RuntimeError("the connection was closed")
        if self._missing is None or self._follow:
            self._head += room[:count]
        if self._missing is not None:
            self._missing -= count
        elif (end := self._head.find(b"\r\n\r\n")) >= 0:
            self._begin(bytes(self._head[:end]), len(self._head) - end - 4)
        done = self._missing == 0
        if done and self._follow and (found := _RID.search(self._head)):
            self._rid = int(found[1])
        return done

    def _begin(self, head: bytes, came: int) -> None:
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise RuntimeError(f"answered with {head[:60]!r}")
        if self._follow and (cookie := _COOKIE.search(head)):
            self._cookie = cookie[1]
        self.size = int(length[1])
        self._missing = self.size - came


def ask(port: int, path: str, connections: int, seconds: float, *, follow: bool = False) -> Asked:
    """Ask for so many seconds."""
    with contextlib.ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        lines = {}
        for _ in range(connections):
            line = stack.enter_context(contextlib.closing(_Line(port, path, follow=follow)))
            lines[line.number] = line
            poll.register(line.number, select.EPOLLIN)
        return _ask(lines, poll, seconds)


def _ask(lines: Mapping[int, _Line], poll: select.epoll, seconds: float) -> Asked:
    room = memoryview(bytearray(RECEIVE))
    times, size, began = [], 0, time.monotonic()
    for line in lines.values():
        line.ask()
    while (now := time.monotonic()) < began + seconds:
        for number, _ in poll.poll(1):
            line = lines[number]
            if line.receive(room):
                times.append(round(1000 * (time.monotonic() - line.began), 4))
                size += line.size
                line.ask()
    return Asked(len(times), now - began, size, sorted(times))


def main() -> int:
    """Ask as the arguments say."""
    port, path, connections, seconds, *rest = sys.argv[1:]
    asked = ask(int(port), path, int(connections), float(seconds), follow=rest == ["follow"])
    print(msgspec.json.encode(asked).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
