"""Every system call on sockets: dialling, TLS, requests, receiving into given memory.

Theory
    A `Connection` belongs to one thread, which blocks in it; only `abort` may be called from
    elsewhere. It shuts the socket down, so that the blocked thread wakes with an error at once.
    Sockets have no time-out while a body is received: whoever watches the download decides what
    a stall is, and aborts. (A Python time-out would also switch MSG_WAITALL off.)

    Over plain TCP a receive asks for a whole view at once (MSG_WAITALL): one system call and one
    hand-over of the interpreter for many kilobytes. `SO_RCVTIMEO` returns what has come every
    `PATIENCE` seconds, so that a slow connection still shows its progress. What that means for TLS
    is told in `tls`.

OSError and ssl.SSLError become ConnectionTrouble or NotTrusted here and nowhere else.
"""

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

from engine.transfer.errors import (
    ConnectionTrouble,
    NotTrusted,
    ServerTrouble,
    Stopped,
    TransferError,
    Unusable,
)
from engine.transfer.http1 import Head, HeadParser
from engine.transfer.tls import Session
from engine.transfer.urls import Url

CONNECT_TIMEOUT = 10.0
"""Seconds for TCP to one address, and for the TLS handshake: three SYN retries and a slow CPU."""

NEXT_ADDRESS = 3.0
"""Seconds after which a host's next address is tried instead of one that does not answer."""

PATIENCE = 1
"""Seconds after which a plain receive returns what it has."""

IDLE_LIMIT = 15.0
"""Seconds an idle connection is kept: file hosts close theirs after 15 to 75 seconds."""

IDLE_KEPT = 16
"""Idle connections kept per origin: what one download uses at most."""

HEAD_STEP = 16 * 1024
"""Bytes received at a time while the head is read; what is body among them is copied once."""

STEP = 256 * 1024
"""Bytes asked for in one plain receive: enough to make the system call cheap, and short enough for
the writer to see progress."""


class Dialler:
    """Opens connections, with one TLS context for all. Any thread."""

    def __init__(self, ca_file: str | None = None) -> None:
        try:
            self._context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as problem:
            raise Unusable(f"{ca_file} is no file of certificates: {problem}") from None
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["http/1.1"])

    def dial(self, url: Url, stop: threading.Event) -> "Connection":
        """Connect to the URL's host; its addresses are tried in turn.

        Raises ConnectionTrouble, NotTrusted, or Stopped when `stop` is set meanwhile.
        """
        with _translated(url.host):
            found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            left = len(found) - number
            if stop.is_set():
                raise Stopped("stopped while connecting")
            sock = None
            try:
                with _translated(url.host):
                    sock = socket.socket(family, kind, protocol)
                sock.settimeout(NEXT_ADDRESS if left else CONNECT_TIMEOUT)
                with _translated(url.host):
                    sock.connect(address)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return Connection(url, sock, self._secure(url, sock))
            except BaseException as problem:
                if sock is not None:
                    sock.close()
                if not left or not isinstance(problem, ConnectionTrouble):
                    raise
        raise ConnectionTrouble(f"{url.host} has no address")

    def _secure(self, url: Url, sock: socket.socket) -> Session | None:
        """Make TLS on a connected socket, if the URL asks for it."""
        if url.scheme != "https":
            return None
        deadline = time.monotonic() + CONNECT_TIMEOUT

        def receive(view: memoryview, whole: bool) -> int:
            return sock.recv_into(view, len(view), socket.MSG_WAITALL if whole else 0)

        session = Session(self._context, url.host, sock.sendall, receive)
        session.handshake(lambda: sock.settimeout(max(0.001, deadline - time.monotonic())))
        return session


class Connection:
    """One open connection; see the module's theory for who may call what."""

    def __init__(self, url: Url, sock: socket.socket, tls: Session | None) -> None:
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE, 0))
        self.origin = url.origin
        self.idle_since = 0.0
        self._host = url.host
        self._socket = sock
        self._tls = tls
        self._left: memoryview = memoryview(b"")
        self.aborted = False
        """True once somebody else gave the connection up."""

    def __repr__(self) -> str:
        return f"<Connection {self.origin}{' aborted' if self.aborted else ''}>"

    def ask(self, request: bytes) -> Head:
        """Send a request and return the head of the answer. Raises ConnectionTrouble and others."""
        if self._unread:
            raise ServerTrouble(f"{self._host} sent more than the answer it announced")
        send = self._socket.sendall if self._tls is None else self._tls.send
        with _translated(self._host):
            send(request)
        parser = HeadParser()
        step = memoryview(bytearray(HEAD_STEP))
        while True:
            count = self._receive(step, 0)
            if not count:
                raise ConnectionTrouble(f"{self._host} closed the connection without an answer")
            answer = parser.feed(step[:count])
            if answer is not None:
                head, rest = answer
                self._left = memoryview(rest)
                return head

    def receive_into(self, view: memoryview, to_come: int = 0) -> int:
        """Fill the beginning of `view`, with as much as comes soon; return how many bytes.

        `to_come`: how many bytes will come for sure, those in `view` among them; without it, what
        is there is enough. Returns 0 when the server closed. Raises ConnectionTrouble.
        """
        return self._take(view) or self._receive(view, to_come)

    def abort(self) -> None:
        """Wake the thread that is blocked in this connection; it gets ConnectionTrouble."""
        self.aborted = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close at once, without a word to the server."""
        self._socket.close()

    def is_fresh(self) -> bool:
        """Tell whether an idle connection may be used again.

        An idle connection has nothing to say: what can be read is the end, or a mistake.
        """
        try:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            return not self._unread and not poll.poll(0)
        except (OSError, ValueError):
            return False

    @property
    def _unread(self) -> bool:
        return bool(self._left) or (self._tls is not None and self._tls.unread)

    def _take(self, view: memoryview) -> int:
        """Hand out what came together with the head."""
        if not self._left:
            return 0
        count = min(len(view), len(self._left))
        view[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _receive(self, view: memoryview, to_come: int) -> int:
        """Receive; what had come before an abort counts, and nothing is asked for after it."""
        count = -1
        while count < 0:
            if self.aborted:
                raise self._given_up()
            try:
                if self._tls is not None:
                    count = self._tls.receive_into(view, to_come)
                else:
                    step = view[:STEP]
                    flags = socket.MSG_WAITALL if to_come >= len(step) else 0
                    count = self._socket.recv_into(step, len(step), flags)
            except BlockingIOError:  # SO_RCVTIMEO passed without a byte: whoever watches decides
                pass
            except OSError as problem:
                raise _translate(problem, self._host) from None
        if not count and self.aborted:
            raise self._given_up()
        return count

    def _given_up(self) -> ConnectionTrouble:
        return ConnectionTrouble(f"the connection to {self._host} was given up")


class Pool:
    """Idle connections, kept for the next request to the same origin. Any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[str, list[Connection]] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"<Pool { {origin: len(idle) for origin, idle in self._idle.items()} }>"

    def take(self, origin: str) -> Connection | None:
        """Return the connection that was used last, if one is still good."""
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                connection = idle.pop() if idle else None
            if connection is None:
                return None
            if self._clock() - connection.idle_since < IDLE_LIMIT and connection.is_fresh():
                return connection
            connection.close()

    def put(self, connection: Connection) -> None:
        """Keep a connection whose last answer was read to its end."""
        connection.idle_since = self._clock()
        with self._lock:
            if self._closed:
                unwanted = [connection]
            else:
                self._idle.setdefault(connection.origin, []).append(connection)
                unwanted = self._sort_out()
        for each in unwanted:
            each.close()

    def close(self) -> None:
        """Close what is idle, and whatever is put here from now on."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for connection in (each for kept in idle.values() for each in kept):
            connection.close()

    def _sort_out(self) -> list[Connection]:
        """Take out and return what is too old or too many, of all origins; the lock is held."""
        oldest = self._clock() - IDLE_LIMIT
        unwanted = []
        for origin, idle in list(self._idle.items()):
            good = [each for each in idle if each.idle_since >= oldest][-IDLE_KEPT:]
            unwanted += [each for each in idle if each not in good]
            self._idle[origin] = good
            if not good:
                del self._idle[origin]
        return unwanted


@contextlib.contextmanager
def _translated(host: str) -> Iterator[None]:
    """Turn what the system raises into our errors."""
    try:
        yield
    except OSError as problem:
        raise _translate(problem, host) from None


def _translate(problem: OSError, host: str) -> TransferError:
    """Return our error for the system's; the message names the host and no more of the URL."""
    match problem:
        case ssl.SSLCertVerificationError():
            return NotTrusted(f"{host} is not trusted: {problem.verify_message}")
        case ssl.SSLError():
            reason = (problem.reason or "broken connection").lower().replace("_", " ")
            return ConnectionTrouble(f"TLS with {host} failed: {reason}")
        case socket.gaierror():
            return ConnectionTrouble(f"{host} cannot be found: {problem.strerror}")
        case TimeoutError():
            return ConnectionTrouble(f"{host} does not answer")
        case _:
            reason = problem.strerror or type(problem).__name__
            return ConnectionTrouble(f"the connection to {host} failed: {reason}")
