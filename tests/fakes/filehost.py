"""A file host on loopback: real sockets, HTTP/1.1 or HTTPS done right, and faults on demand.

Theory
    One thread accepts, one thread serves each connection; both end with the host. `_lock` guards
    everything that is counted or listed; no system call is made while it is held. Where a thread
    has to wait (a stall, a slow line) it waits on events and looks every few milliseconds whether
    the client or the host has gone.

    What is counted as sent was handed to the system, or is just being handed over. A client that
    goes away may not have read the last of it: up to a few MiB over loopback. Once the host is
    idle (`wait_until_idle`) the counts are final.

Ranges, If-Range, ETag, Last-Modified, HEAD and keep-alive follow RFC 9110. Requests that break
the rules get a 400 and are listed in `complaints`, which a test may want to find empty.
"""

import contextlib
import email.utils
import itertools
import pathlib
import re
import select
import socket
import ssl
import struct
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Self

from tests.fakes.certificates import NAMES, Authority, Certificate
from tests.fakes.content import Blob, Content, Pattern, as_content
from tests.fakes.faults import (
    PATIENCE,
    Answer,
    Asked,
    Cut,
    Fault,
    Faults,
    Wire,
    fetched_again,
    replace_answer,
)

__all__ = ["Asked", "Blob", "Content", "Fault", "FileHost", "Pattern", "fetched_again"]

MAX_REQUEST_HEAD = 32 * 1024
GLANCE = 0.01
"""Seconds between two looks at whether a waiting connection is still wanted."""
LAST_MODIFIED = 1_700_000_000
"""Unix time of every file's first version."""

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_REQUEST_LINE = re.compile(r"([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.([01])")
_REASONS = {
    200: "OK",
    206: "Partial Content",
    302: "Found",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


class _File:
    def __init__(self, content: Content, etag: str, modified: int) -> None:
        self.content = content
        self.etag = etag
        self.last_modified = email.utils.formatdate(modified, usegmt=True)
        self.link = 0  # how often the link was renewed
        self.expired = False
        self.gone = 403  # the status of links that have expired


class FileHost(Faults):
    """Serves `files` (path to bytes or Pattern) from entering the context to leaving it.

    Methods may be called from any thread, before entering too.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | Content] | None = None,
        *,
        tls: bool = False,
        ipv6: bool = False,
        names: tuple[str, ...] = NAMES,
        certificate: Certificate = Certificate.GOOD,
    ) -> None:
        """With `tls`, the right certificate is for `names`; `certificate` is the one shown."""
        super().__init__()
        # Reentrant, so that what happens at a request (`meanwhile`) may use the host's methods.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._files = {
            path: _File(as_content(given), f'"{number}-1"', LAST_MODIFIED)
            for number, (path, given) in enumerate((files or {}).items(), 1)
        }
        self._tls = tls
        self._ipv6 = ipv6
        self._authority = Authority(names) if tls else None
        self._certificate = certificate
        self._limit: int | None = None
        self._heeds_conditions = True
        self._versions = itertools.count(2)
        self._asked: list[Asked] = []
        self._active = 0
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._context: ssl.SSLContext | None = None
        self._resources = contextlib.ExitStack()
        self.stopping = threading.Event()
        self.port = 0
        self.ca_file = ""
        """Path of the certificate to trust, with `tls`."""
        self.connections = 0
        """Connections accepted so far."""
        self.peak_connections = 0
        """Most connections open at one time."""
        self.peak_active = 0
        """Most requests in progress at one time."""
        self.complaints: list[str] = []
        """What was wrong with requests."""

    def __repr__(self) -> str:
        return (
            f"<FileHost port={self.port} files={len(self._files)} requests={len(self._asked)} "
            f"open={len(self._open)}>"
        )

    def __enter__(self) -> Self:
        if self._authority:
            folder = self._resources.enter_context(tempfile.TemporaryDirectory())
            self.ca_file = str(pathlib.Path(folder) / "ca.pem")
            self._authority.write(pathlib.Path(self.ca_file))
            self.shows(self._certificate)
        for listener in self._listen():
            self._resources.callback(listener.close)
            # Closing alone would not wake a thread that waits in accept.
            self._resources.callback(listener.shutdown, socket.SHUT_RDWR)
            self._start(self._accept, listener)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close everything and wait for all threads."""
        self.stopping.set()
        self._resources.close()
        with self._lock:
            connections = list(self._open.values())
        for connection in connections:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown, which pulls TLS from under the thread that uses it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        # Twice or more: a thread that accepts may have started one more before it ended.
        while self._threads:
            with self._lock:
                threads, self._threads = self._threads, []
            for thread in threads:
                thread.join(PATIENCE)
                assert not thread.is_alive(), f"{thread.name} does not end"

    # Files and links.

    def url(self, path: str, *, name: str = "127.0.0.1") -> str:
        """The file's link as it is now; `name` may be localhost or ::1."""
        file = self._files.get(path)
        prefix = f"/link-{file.link}" if file and file.link else ""
        scheme = "https" if self._tls else "http"
        authority = f"[{name}]" if ":" in name else name
        return f"{scheme}://{authority}:{self.port}{prefix}{urllib.parse.quote(path)}"

    def adds_file(self, path: str, content: bytes | Content) -> str:
        """Serve another file from now on; returns its link."""
        with self._lock:
            number = next(self._versions)
            self._files[path] = _File(as_content(content), f'"{number}-1"', LAST_MODIFIED)
        return self.url(path)

    def changes_file(
        self, path: str, content: bytes | Content | None = None, *, etag: str | None = None
    ) -> None:
        """Serve another version: other content if given, in any case another ETag and date."""
        with self._lock:
            file = self._files[path]
            version = next(self._versions)
            new = file.content if content is None else as_content(content)
            changed = _File(new, etag or f'"changed-{version}"', LAST_MODIFIED + version)
            changed.link, changed.expired, changed.gone = file.link, file.expired, file.gone
            self._files[path] = changed

    def expires(self, path: str, *, status: int = 403) -> None:
        """Let the file's link end: from now on it answers `status`. `renew` gives another one."""
        with self._lock:
            self._files[path].expired = True
            self._files[path].gone = status

    def renew(self, path: str) -> str:
        """Return a fresh link to the file; all older ones have expired."""
        with self._lock:
            file = self._files[path]
            file.expired = False
            file.link += 1
        return self.url(path)

    def shows(self, certificate: Certificate) -> None:
        """Show another certificate to whoever connects from now on."""
        assert self._authority, "without TLS there is no certificate"
        self._context = self._authority.issue(certificate)

    def ignores_conditions(self) -> None:
        """Send the range asked for, whatever If-Range says (as some caches do)."""
        self._heeds_conditions = False

    def max_connections(self, limit: int | None) -> None:
        """Answer 503 while more than `limit` requests are in progress (as nginx's limit_conn)."""
        self._limit = limit

    # What was asked and served.

    @property
    def requests(self) -> list[Asked]:
        """All requests so far, oldest first."""
        with self._lock:
            return list(self._asked)

    def wait_for_requests(self, count: int) -> None:
        """Wait until `count` requests were read."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._asked) >= count, PATIENCE), self

    @property
    def open_connections(self) -> int:
        with self._lock:
            return len(self._open)

    def wait_until_idle(self) -> None:
        """Wait until no request is in progress: then all counts are final."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._active == 0, PATIENCE), self

    @property
    def served(self) -> int:
        """Bytes of files sent so far."""
        return sum(asked.sent for asked in self.requests)

    def served_ranges(self, path: str | None = None) -> list[tuple[int, int]]:
        """Half-open ranges of a file (or of all files) that were sent, in order of request."""
        return [
            (asked.start, asked.start + asked.sent)
            for asked in self.requests
            if asked.sent and path in (None, asked.path)
        ]

    def served_again(self, path: str) -> int:
        """Bytes of a file that were sent more than once, counted each time after the first."""
        return fetched_again(self.served_ranges(path))

    # The threads.

    def _listen(self) -> Iterator[socket.socket]:
        while True:
            first = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.port = first.getsockname()[1]
            if not self._ipv6:
                yield first
                return
            try:
                second = socket.create_server(("::1", self.port), family=socket.AF_INET6)
            except OSError:  # somebody has that port there: try another
                first.close()
                continue
            yield from (first, second)
            return

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, name=f"filehost {target.__name__}")
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            # Started under the lock, or the next one would sort it out as ended.
            thread.start()
            self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            connection = raw
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(
                    raw, server_side=True, do_handshake_on_connect=False
                )
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open[number] = connection
                self.peak_connections = max(self.peak_connections, len(self._open))
            if self.stopping.is_set():
                self._forget(number)
                connection.close()
                return
            self._start(self._serve, number, connection)

    def _serve(self, number: int, connection: socket.socket) -> None:
        line = _Line(self, connection)
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            while self._exchange(number, line):
                pass
            line.say_goodbye()
        except Cut as cut:
            if cut.reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except (OSError, ssl.SSLError):
            pass  # the client went away, or does not trust us
        finally:
            self._forget(number)
            connection.close()

    def _forget(self, number: int) -> None:
        with self._lock:
            self._open.pop(number, None)

    def _exchange(self, number: int, line: "_Line") -> bool:
        """Read a request and answer it; return whether the connection goes on."""
        text = line.read_head()
        if not text:
            return False
        with self._changed:
            asked, answer = self._decide(number, text)
            self._asked.append(asked)
            self._active += 1
            self.peak_active = max(self.peak_active, self._active)
            if self._limit is not None and self._active > self._limit:
                replace_answer(answer, 503, {}, b"too many connections")
                answer.keep_alive = False
            for fault in self.faults:
                fault.change(asked, answer)
            asked.status, asked.start = answer.status, answer.start
            asked.at = time.monotonic()
            self._changed.notify_all()
        try:
            return answer.status != 0 and line.send(asked, answer)
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    # The right answers: nothing below waits or calls the system.

    def _decide(self, connection: int, text: str) -> tuple[Asked, Answer]:
        number = len(self._asked) + 1
        request_line, *lines = text.split("\r\n")
        found = _REQUEST_LINE.fullmatch(request_line)
        fields = [_HEADER.fullmatch(line) for line in lines]
        headers = {field[1].lower(): field[2] for field in fields if field}
        problem = ""
        if not found:
            problem = "malformed request line"
        elif not all(fields) or len(headers) != len(lines):
            problem = "malformed or repeated header"
        elif found[3] == "1" and "host" not in headers:
            problem = "no Host header"
        method, target, minor = found.groups() if found else ("", "", "1")
        path, file, status = self._find(target)
        asked = Asked(number, connection, method, target, path, headers, _asked_range(headers))
        answer = Answer(status, {}, Blob(b""), 0, 0, is_file=False)
        if problem:
            self.complaints.append(problem)
            replace_answer(answer, 400, {}, problem.encode())
            answer.keep_alive = False
            return asked, answer
        if method not in ("GET", "HEAD"):
            replace_answer(answer, 405, {"Allow": "GET, HEAD"}, b"")
        elif file is None or status != 200:
            replace_answer(answer, status, {}, b"gone")
        else:
            condition = asked.headers.get("if-range", "") if self._heeds_conditions else ""
            _serve_file(asked, answer, file, condition)
        words = headers.get("connection", "").lower()
        answer.keep_alive = "keep-alive" in words if minor == "0" else "close" not in words
        return asked, answer

    def _find(self, target: str) -> tuple[str, _File | None, int]:
        """Return the path meant, its file and the status its link gets."""
        path = urllib.parse.unquote(target.partition("?")[0])
        link = 0
        if found := re.fullmatch(r"/link-([0-9]+)(/.*)", path):
            link, path = int(found[1]), found[2]
        file = self._files.get(path)
        if file is None:
            return path, None, 404
        good = link == file.link and not file.expired
        return path, file, 200 if good else file.gone


class _Line(Wire):
    """One connection as its thread sees it."""

    def __init__(self, host: FileHost, connection: socket.socket) -> None:
        self._host = host
        self._connection = connection
        self._pending = b""
        self._due = 0.0  # when the bytes sent so far should have arrived at the rate set

    def read_head(self) -> str:
        """Return the next request's head without its empty line; "" when there is none."""
        while b"\r\n\r\n" not in self._pending:
            data = self._connection.recv(MAX_REQUEST_HEAD)
            if not data or len(self._pending) > MAX_REQUEST_HEAD:
                return ""
            self._pending += data
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def send(self, asked: Asked, answer: Answer) -> bool:
        self._pause(answer.delay)
        self._send_head(answer)
        if asked.method != "HEAD":
            at = 0
            for position, fault in sorted(answer.incidents, key=lambda each: each[0]):
                self._send_body(asked, answer, at, position)
                at = position
                fault.strike(self)
            self._send_body(asked, answer, at, answer.length)
            if answer.chunk:
                self._connection.sendall(b"0\r\n\r\n")
        return answer.keep_alive

    def say_goodbye(self) -> None:
        """End TLS in good order, so that the client knows nothing is missing."""
        if isinstance(self._connection, ssl.SSLSocket):
            self._connection.setblocking(False)
            # Our half is sent at once; the client's is not waited for.
            with contextlib.suppress(OSError, ssl.SSLError):
                self._connection.unwrap()

    def wait_for(self, event: threading.Event) -> None:
        while not event.wait(GLANCE):
            self._check_wanted()

    def _send_head(self, answer: Answer) -> None:
        headers = {"Server": "FileHost", "Date": email.utils.formatdate(usegmt=True)}
        headers |= answer.headers
        headers.setdefault("Connection", "keep-alive" if answer.keep_alive else "close")
        lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        for piece in _pieces_of_head(head, answer):
            self._connection.sendall(piece)
            if len(piece) < len(head):
                # Long enough for a waiting client to take this piece before the next is there.
                time.sleep(0.0001)

    def _send_body(self, asked: Asked, answer: Answer, start: int, end: int) -> None:
        """Send the body's bytes from `start` to `end` (positions in the body)."""
        at = answer.start + start
        for view in answer.content.views(at, answer.start + end):
            part = _corrupted(view, at, answer.wrong) if answer.wrong else view
            for piece in _pieces(part, answer):
                if answer.chunk:
                    self._connection.sendall(b"%x\r\n" % len(piece))
                self._send_piece(asked, answer, piece)
                if answer.chunk:
                    self._connection.sendall(b"\r\n")
            at += len(view)

    def _send_piece(self, asked: Asked, answer: Answer, piece: memoryview) -> None:
        if answer.rate:
            self._due = max(self._due, time.monotonic()) + len(piece) / answer.rate
            self._pause(self._due - time.monotonic())
        # Counted first: when the client has a byte, a test must find it counted.
        asked.sent += len(piece) if answer.is_file else 0
        try:
            while piece:
                piece = piece[self._connection.send(piece) :]
        finally:
            asked.sent -= len(piece) if answer.is_file else 0

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._host.stopping.wait(min(left, GLANCE))
            self._check_wanted()

    def _check_wanted(self) -> None:
        """Raise Cut when the host stops or the client has closed the connection."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        if self._host.stopping.is_set() or poll.poll(0):
            raise Cut(reset=False)


def _serve_file(asked: Asked, answer: Answer, file: _File, condition: str) -> None:
    """Fill in the answer to a GET of a file: the whole, a part, or 416."""
    size = file.content.size
    answer.content, answer.start, answer.end = file.content, 0, size
    answer.is_file = True
    answer.headers = {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
        "Last-Modified": file.last_modified,
    }
    # A weak ETag never matches here: it does not promise the same bytes.
    current = not condition or (
        condition in (file.etag, file.last_modified) and not condition.startswith("W/")
    )
    span = _satisfy(asked.headers.get("range", ""), size)
    if span is not None and current:
        answer.start, answer.end = span
        if answer.length <= 0:
            replace_answer(answer, 416, {"Content-Range": f"bytes */{size}"}, b"no such range")
            return
        answer.status = 206
        answer.headers["Content-Range"] = f"bytes {answer.start}-{answer.end - 1}/{size}"
    answer.headers["Content-Length"] = str(answer.length)


def _pieces_of_head(head: bytes, answer: Answer) -> Iterator[bytes]:
    if answer.head_cut:
        cut = answer.head_cut % len(head)
        yield from (head[:cut], head[cut:])
        return
    step = answer.head_step or len(head)
    yield from (head[at : at + step] for at in range(0, len(head), step))


def _asked_range(headers: Mapping[str, str]) -> tuple[int, int | None] | None:
    found = _RANGE.fullmatch(headers.get("range", ""))
    if not found or not found[1]:
        return None
    return int(found[1]), int(found[2]) + 1 if found[2] else None


def _satisfy(text: str, size: int) -> tuple[int, int] | None:
    """Return the half-open range meant, empty if it can't be served, None if it is to be ignored.

    Several ranges at once are ignored, which RFC 9110 allows.
    """
    found = _RANGE.fullmatch(text)
    if not found or found[0] == "bytes=-":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= start:
        return None
    return start, min(end, size)


def _pieces(view: memoryview, answer: Answer) -> Iterator[memoryview]:
    """Cut a view for chunks, or for a slow line: some 50 pieces a second."""
    step = answer.chunk or (max(1, int(answer.rate / 50)) if answer.rate else len(view))
    for at in range(0, len(view), step):
        yield view[at : at + step]


def _corrupted(view: memoryview, at: int, wrong: set[int]) -> memoryview:
    inside = [offset - at for offset in wrong if at <= offset < at + len(view)]
    if not inside:
        return view
    data = bytearray(view)
    for position in inside:
        data[position] ^= 0xFF
    return memoryview(data)
