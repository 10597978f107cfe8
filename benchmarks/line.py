"""A server behind a line of our making: rates, delays, bursts, stalls and slow connections.

    python -m benchmarks.line --size 4G --rate-each 60e6 --first-byte 0.03 --tls CERT KEY

Theory
    One thread and one loop over non-blocking sockets: nothing here waits for another thread, and a
    gigabyte a second of TLS takes about half a core (the records are made in C, 16 KiB a call).

    A rate is a line in time (`Meter`): bytes are booked on it one after the other, and whoever is
    behind it may send. What is late by less than GRACE is caught up with, so the rate is exact as
    long as somebody takes the bytes; what a client leaves lying for longer is lost, as on a real
    line. The rate of all is dealt out in turns of equal size to those that can take them: fair.

    nginx's `limit_rate` is no such line: it lets the first second of every response through.

    Bytes count when the kernel takes them. The send buffer of a paced connection is small, so that
    this is close to when they leave.

    The file is a pattern (`tests.fakes.content`), of any length without costing memory.

It prints `ready PORT` when it takes connections. `/stats` tells what happened so far, as JSON, and
is neither paced nor counted. GET and HEAD, keep-alive, one range per request, If-Range.
"""

import argparse
import collections
import contextlib
import heapq
import itertools
import json
import re
import select
import socket
import ssl
import sys
import time
from collections.abc import Sequence

import msgspec

from api.sizes import parse_size
from tests.fakes.content import PERIOD, Pattern

GRACE = 0.05
"""Seconds that a sender may be late and still catch up: more than the scheduler takes on a busy
machine, less than anybody sees in a run of seconds."""

RECORD = 16 << 10
"""Bytes: the largest TLS record."""

LARGEST_TURN = 256 << 10
"""Bytes sent in one turn at most; at a gigabyte a second a quarter of a millisecond."""

TURN_SECONDS = 0.004
"""Seconds of its rate that a connection sends in one turn."""

SLOWEST_TURN = 1 << 10
"""Bytes sent in one turn at least."""

SEND_BUFFER = 512 << 10
"""Bytes between us and the line, where there is a rate. The kernel doubles it for its overhead."""

LARGEST_HEAD = 64 << 10
"""Bytes of a request."""

GLANCE = 0.002
"""Seconds of sending after which the sockets are looked at again."""

LAST_MODIFIED = "Tue, 02 Jan 2024 03:04:05 GMT"

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.([01])", re.ASCII)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the line does. Bytes per second and seconds; 0 means none of it."""

    rate: float = 0
    """Of all connections together."""
    rate_each: float = 0
    """Of one connection."""
    first_byte: float = 0
    """Between a request and its answer."""
    on: float = 0
    off: float = 0
    """Bursts: bytes flow for `on`, then none for `off`, beginning with the first request."""
    stall_every: int = 0
    """One request in so many gets its answer `stall` later."""
    stall: float = 3.0
    stall_from: int = 3
    """The first that does, counted from 1."""
    slow_connection: int = 0
    """The connection, counted from 1, that runs at a `slow_factor`th of the others' speed."""
    slow_factor: float = 100

    def stalls(self, request: int) -> bool:
        """Tell whether a request, counted from 1, is one that stalls."""
        late = request - self.stall_from
        return self.stall_every > 0 and late >= 0 and late % self.stall_every == 0

    def closed_for(self, elapsed: float) -> float:
        """Return the seconds until bytes flow, `elapsed` seconds after the first request."""
        if not self.off:
            return 0.0
        at = elapsed % (self.on + self.off)
        return 0.0 if at < self.on else self.on + self.off - at


class Meter:
    """A rate, as a line in time on which bytes are booked. Rate 0: no limit."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.free_at = now
        """When the next byte may go."""

    def book(self, count: int, now: float) -> None:
        """Book bytes that go now."""
        if self.rate:
            self.free_at = max(self.free_at, now - GRACE) + count / self.rate

    def turn(self) -> int:
        """Return how many bytes to send in one turn: whole records, where that is not too long."""
        if not self.rate:
            return LARGEST_TURN
        return whole_records(self.rate * TURN_SECONDS)


def whole_records(count: float) -> int:
    """Return about `count` bytes as a turn."""
    if count < RECORD:
        return max(SLOWEST_TURN, int(count))
    return min(LARGEST_TURN, int(count) // RECORD * RECORD)


class Asked(msgspec.Struct, frozen=True):
    """A request, as far as it matters here."""

    method: str
    path: str
    keep_alive: bool
    range: str
    if_range: str


def parse_request(head: str) -> Asked | None:
    """Read a request's head; None when it is none."""
    line, *fields = head.split("\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if not found:
        return None
    headers = {}
    for field in fields:
        name, colon, value = field.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    wish = headers.get("connection", "").lower()
    keep_alive = "close" not in wish if found[3] == "1" else "keep-alive" in wish
    return Asked(
        found[1], found[2], keep_alive, headers.get("range", ""), headers.get("if-range", "")
    )


def satisfy(text: str, size: int) -> tuple[int, int] | None:
    """Return the half-open range that a Range header means.

    It is empty when it can't be served, and None when the header is to be ignored.
    """
    found = _RANGE.fullmatch(text)
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= start:
        return None
    return start, max(start, min(end, size))


class Answer(msgspec.Struct, frozen=True):
    """A head, and the bytes of the file behind it."""

    head: bytes
    start: int = 0
    end: int = 0


def answer(asked: Asked, size: int, etag: str) -> Answer:
    """Return what a request for the file gets."""
    if asked.method not in ("GET", "HEAD"):
        return Answer(_head("405 Method Not Allowed", asked, ["Content-Length: 0"]))
    fields = [f"ETag: {etag}", f"Last-Modified: {LAST_MODIFIED}", "Accept-Ranges: bytes"]
    fields.append("Content-Type: application/octet-stream")
    start, end, status = 0, size, "200 OK"
    span = satisfy(asked.range, size) if asked.if_range in ("", etag, LAST_MODIFIED) else None
    if span is not None:
        start, end = span
        if start >= end:
            fields += [f"Content-Range: bytes */{size}", "Content-Length: 0"]
            return Answer(_head("416 Range Not Satisfiable", asked, fields))
        status = "206 Partial Content"
        fields.append(f"Content-Range: bytes {start}-{end - 1}/{size}")
    fields.append(f"Content-Length: {end - start}")
    head = _head(status, asked, fields)
    return Answer(head) if asked.method == "HEAD" else Answer(head, start, end)


def _head(status: str, asked: Asked, fields: Sequence[str]) -> bytes:
    connection = "keep-alive" if asked.keep_alive else "close"
    lines = [f"HTTP/1.1 {status}", "Server: line", *fields, f"Connection: {connection}", "", ""]
    return "\r\n".join(lines).encode()


class Stats(msgspec.Struct):
    """What happened so far."""

    connections: int = 0
    most_connections: int = 0
    """At once."""
    requests: int = 0
    """Of the file."""
    stalled: int = 0
    sent: int = 0
    """Bytes of the file."""


class _Connection:
    """One client, and what it is owed."""

    def __init__(self, sock: socket.socket, number: int, meter: Meter, *, slow: bool) -> None:
        self.sock = sock
        self.number = number
        self.meter = meter
        self.slow = slow
        self.shaking = isinstance(sock, ssl.SSLSocket)
        self.received = b""
        self.asked: Asked | None = None
        """What is being answered."""
        self.head = b""
        self.at = 0
        self.end = 0
        self.not_before = 0.0
        self.blocked = False
        self.retry: memoryview | None = None
        """What TLS could not send: it wants to be given the same again."""


class Line:
    """The server. `serve` never returns."""

    def __init__(
        self, listener: socket.socket, size: int, shape: Shape, tls: ssl.SSLContext | None
    ) -> None:
        self._listener = listener
        self._size = size
        self._shape = shape
        self._tls = tls
        self._etag = f'"pattern-{size}"'
        # Twice the pattern: no turn has to stop at its end.
        self._data = memoryview(Pattern(2 * PERIOD).read())
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._ready: collections.deque[_Connection] = collections.deque()
        self._later: list[tuple[float, int, _Connection]] = []
        self._order = itertools.count()
        self._all = Meter(shape.rate, time.monotonic())
        self._began: float | None = None
        """When the first request came."""
        self._stats = Stats()
        self._seen_at, self._seen = time.monotonic(), 0
        self._normal = 0
        """Bytes sent by connections that are not slow."""

    def serve(self) -> None:
        """Serve until the process ends."""
        self._listener.setblocking(False)
        self._epoll.register(self._listener, select.EPOLLIN)
        while True:
            for descriptor, _ in self._epoll.poll(self._timeout(time.monotonic())):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif connection := self._connections.get(descriptor):
                    with self._ending(connection):
                        self._look(connection)
            self._pump()

    # Who may send, and when.

    def _timeout(self, now: float) -> float | None:
        """Return how long there is nothing to send; None: nobody asks for anything."""
        waits = [self._later[0][0] - now] if self._later else []
        if self._ready:
            waits.append(max(self._all.free_at - now, self._closed_for(now)))
        return max(0.0, min(waits)) if waits else None

    def _closed_for(self, now: float) -> float:
        return self._shape.closed_for(now - self._began) if self._began is not None else 0.0

    def _pump(self) -> None:
        """Deal out turns to those that may send, until the line is full or GLANCE is over."""
        now = began = time.monotonic()
        self._measure(now)
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        while self._ready and now - began < GLANCE:
            if closed := self._closed_for(now):
                self._all.free_at = max(self._all.free_at, now + closed)
            if self._all.free_at > now:
                return
            connection = self._ready.popleft()
            if self._connections.get(connection.sock.fileno()) is connection:
                with self._ending(connection):
                    self._turn(connection, now)
            now = time.monotonic()

    def _queue(self, connection: _Connection, now: float) -> None:
        """Have a connection send as soon as it may."""
        due = max(connection.not_before, connection.meter.free_at)
        if due <= now:
            self._ready.append(connection)
        else:
            heapq.heappush(self._later, (due, next(self._order), connection))

    def _measure(self, now: float) -> None:
        """Keep the slow connection at its part of what the others get."""
        elapsed = now - self._seen_at
        if not self._shape.slow_connection or elapsed < 0.1:
            return
        slow = next((each for each in self._connections.values() if each.slow), None)
        busy = sum(1 for each in self._connections.values() if each.asked and not each.slow)
        moved = self._normal - self._seen
        if slow and busy and moved:
            slow.meter.rate = moved / elapsed / busy / self._shape.slow_factor
        self._seen_at, self._seen = now, self._normal

    # One connection.

    @contextlib.contextmanager
    def _ending(self, connection: _Connection):  # noqa: ANN202
        try:
            yield
        except (ssl.SSLError, OSError):
            self._close(connection)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            shape, now = self._shape, time.monotonic()
            if shape.rate or shape.rate_each:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._stats.connections += 1
            number = self._stats.connections
            slow = number == shape.slow_connection
            rate = shape.rate_each
            if slow:  # until the others' speed is known
                rate = (rate or shape.rate / 16 or 50e6) / shape.slow_factor
            connection = _Connection(sock, number, Meter(rate, now), slow=slow)
            self._connections[sock.fileno()] = connection
            self._stats.most_connections = max(self._stats.most_connections, len(self._connections))
            self._epoll.register(sock, select.EPOLLIN | select.EPOLLRDHUP)

    def _look(self, connection: _Connection) -> None:
        """Something is there to be read, or there is room again."""
        if connection.shaking:
            try:
                connection.sock.do_handshake()  # type: ignore[attr-defined]
            except ssl.SSLWantReadError:
                return
            except ssl.SSLWantWriteError:
                return
            connection.shaking = False
        if connection.blocked:
            connection.blocked = False
            self._epoll.modify(connection.sock, select.EPOLLIN | select.EPOLLRDHUP)
            self._queue(connection, time.monotonic())
        self._read(connection)
        self._begin(connection)

    def _read(self, connection: _Connection) -> None:
        while True:
            try:
                data = connection.sock.recv(LARGEST_HEAD)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            connection.received += data
            if not data or len(connection.received) > LARGEST_HEAD:
                raise ConnectionResetError

    def _begin(self, connection: _Connection) -> None:
        """Answer the next request, if the one before is answered and there is one."""
        if connection.asked or b"\r\n\r\n" not in connection.received:
            return
        head, _, connection.received = connection.received.partition(b"\r\n\r\n")
        asked = parse_request(head.decode("latin-1"))
        if asked is None:
            raise ConnectionResetError
        now = time.monotonic()
        connection.asked, connection.not_before = asked, now
        if asked.path == "/stats":
            body = msgspec.json.encode(self._stats)
            fields = [f"Content-Length: {len(body)}", "Content-Type: application/json"]
            connection.head, connection.at, connection.end = _head("200 OK", asked, fields), 0, 0
            connection.head += body
        else:
            if self._began is None:
                self._began = self._all.free_at = now
            given = answer(asked, self._size, self._etag)
            connection.head, connection.at, connection.end = given.head, given.start, given.end
            connection.not_before = now + self._delay(asked)
            connection.meter.free_at = max(connection.meter.free_at, connection.not_before)
        self._queue(connection, now)

    def _delay(self, asked: Asked) -> float:
        """Return the seconds to the first byte."""
        if asked.method != "GET":
            return self._shape.first_byte
        self._stats.requests += 1
        if not self._shape.stalls(self._stats.requests):
            return self._shape.first_byte
        self._stats.stalled += 1
        return self._shape.stall

    def _turn(self, connection: _Connection, now: float) -> None:
        """Send a connection's share of one turn."""
        try:
            if connection.head:
                connection.head = connection.head[connection.sock.send(connection.head) :]
            self._send_body(connection, now)
        except (ssl.SSLWantWriteError, BlockingIOError):
            connection.blocked = True
            self._epoll.modify(
                connection.sock, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP
            )
            return
        if connection.head or connection.at < connection.end:
            self._queue(connection, now)
            return
        asked, connection.asked = connection.asked, None
        if asked and not asked.keep_alive:
            self._close(connection)
        else:
            self._begin(connection)

    def _send_body(self, connection: _Connection, now: float) -> None:
        turn = connection.meter.turn()
        if self._shape.rate:
            turn = min(turn, whole_records(self._shape.rate / 2000))
        left = min(turn, connection.end - connection.at)
        while left > 0:
            at = connection.at % PERIOD
            view = connection.retry or self._data[at : at + left]
            try:
                count = connection.sock.send(view)
            except ssl.SSLWantWriteError:
                connection.retry = view
                raise
            connection.retry = None
            connection.at += count
            left -= count
            self._book(connection, count, now)

    def _book(self, connection: _Connection, count: int, now: float) -> None:
        connection.meter.book(count, now)
        self._all.book(count, now)
        self._stats.sent += count
        if not connection.slow:
            self._normal += count

    def _close(self, connection: _Connection) -> None:
        descriptor = connection.sock.fileno()
        if self._connections.get(descriptor) is not connection:
            return
        del self._connections[descriptor]
        self._epoll.unregister(descriptor)
        with contextlib.suppress(OSError, ssl.SSLError):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.unwrap()
        connection.sock.close()


def main() -> int:
    """Serve a pattern as the options say."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--size", type=parse_size, default=parse_size("4G"))
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options.add_argument("--shape", type=_shape, default=Shape(), help="JSON of a Shape")
    for name in Shape.__struct_fields__:
        options.add_argument(f"--{name.replace('_', '-')}", type=float, default=None)
    chosen = vars(options.parse_args())
    given = {name: chosen[name] for name in Shape.__struct_fields__ if chosen[name] is not None}
    whole = {name: int(given[name]) for name in given if name in _WHOLE}
    shape = msgspec.structs.replace(chosen["shape"], **(given | whole))
    tls = None
    if chosen["tls"]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*chosen["tls"])
    with socket.create_server(("127.0.0.1", chosen["port"]), backlog=512) as listener:
        line = Line(listener, chosen["size"], shape, tls)
        print(f"ready {listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            line.serve()
    return 0


_WHOLE = frozenset({"stall_every", "stall_from", "slow_connection"})


def _shape(text: str) -> Shape:
    return msgspec.convert(json.loads(text), Shape)


if __name__ == "__main__":
    sys.exit(main())
