"""The client's half of HTTP/1.1, without I/O: requests out, response heads in.

Rules
    Nothing here reads, writes or waits. Bytes may arrive in any split; the result is the same.

    Whatever a server sends, the parsers either understand it or raise ServerTrouble, after a
    bounded number of bytes. They are strict where a misreading would put wrong bytes into a file
    (lengths, framing, folded lines) and lenient where it could not (bare LF, missing reason).

    What a head means for a download is decided in `ranges`; bodies without a length are taken
    apart in `chunked`.
"""

import enum
import re
from collections.abc import Iterable

import msgspec

from engine.transfer.errors import ServerTrouble
from engine.transfer.urls import Url

MAX_HEAD = 64 * 1024
"""Bytes of one head, interim ones before it included. Servers themselves stop at 8 to 32 KiB."""

MAX_HEADERS = 200
"""Header lines in one head. CDNs send about 30."""

USER_AGENT = "alldebrid-client"

_OPENING = b"HTTP/1."
_TARGET = re.compile(r"/[\x21-\x7e]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: (.*))?")
_NUMBER = re.compile(r"[0-9]{1,18}")  # stays below 2**63, the largest file offset
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset(
    {"host", "range", "if-range", "accept-encoding", "connection", "content-length"}
    | {"transfer-encoding", "te", "upgrade", "expect"}
)


class Framing(enum.Enum):
    """How a body says where it ends."""

    LENGTH = "length"
    """After Content-Length bytes."""
    CHUNKED = "chunked"
    """After its last chunk: feed it to a ChunkedDecoder."""
    UNTIL_CLOSE = "until-close"
    """When the server closes the connection; a break looks the same."""


class Head(msgspec.Struct, frozen=True):
    """Status line and headers of a final response (never 1xx)."""

    minor: int
    """1 for HTTP/1.1, 0 for HTTP/1.0."""
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    """Lower-case names and trimmed values (latin-1), in the order sent. Location is a secret."""

    def __repr__(self) -> str:
        return f"Head({self.status}, {len(self.headers)} headers)"

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, in the order sent; `name` in any letter case."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key == wanted)

    def one(self, name: str) -> str:
        """Return the value of a header that may stand once, "" if it is missing.

        Raises ServerTrouble when it stands there twice with different values.
        """
        found = set(self.values(name))
        if len(found) > 1:
            raise ServerTrouble(f"the server sent several different {name} headers")
        return found.pop() if found else ""

    def words(self, name: str) -> tuple[str, ...]:
        """Return the members of a comma-separated header, lower-case, over all its lines."""
        listed = ",".join(self.values(name)).split(",")
        return tuple(word.strip().lower() for word in listed if word.strip())

    @property
    def length(self) -> int | None:
        """Content-Length in bytes, None if missing. Raises ServerTrouble if it is no number."""
        text = self.one("Content-Length")
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise ServerTrouble("the server sent a Content-Length that is no number")
        return int(text)

    @property
    def framing(self) -> Framing:
        """How the body ends. Raises ServerTrouble where two headers claim different things."""
        codings = self.words("Transfer-Encoding")
        if not codings:
            return Framing.UNTIL_CLOSE if self.length is None else Framing.LENGTH
        if codings != ("chunked",):
            raise ServerTrouble("the server sent a transfer encoding that was not asked for")
        if self.minor == 0 or self.values("Content-Length"):
            raise ServerTrouble("the server sent a body with two contradicting lengths")
        return Framing.CHUNKED

    @property
    def keep_alive(self) -> bool:
        """True if the connection may be used again once the body has been read to its end."""
        words = self.words("Connection")
        if "close" in words or self.framing is Framing.UNTIL_CLOSE:
            return False
        return self.minor == 1 or "keep-alive" in words


def build_request(
    url: Url,
    start: int,
    end: int | None = None,
    *,
    validator: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Return a GET for bytes `start` to `end` (half-open; None: to the end of the file).

    `validator` goes into If-Range: `Expected.validator` knows the right one. `headers` are extra
    ones; those that decide about framing or ranges are ours alone. Raises ValueError for a range
    or a header that can't be sent: that is a bug of the caller, not the server's.
    """
    if start < 0 or (end is not None and end <= start):
        raise ValueError(f"no byte lies in the range {start} to {end}")
    if not _TARGET.fullmatch(url.target):
        raise ValueError("the URL's path and query hold characters that must be encoded")
    extra = list(headers)
    for name, _ in extra:
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is set by the request itself")
    fields = [
        ("Host", url.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Range", f"bytes={start}-{'' if end is None else end - 1}"),
        ("If-Range", validator),
        ("Authorization", url.authorization),
        ("Connection", "keep-alive"),
    ]
    replaced = {name.lower() for name, _ in extra}
    kept = [(name, value) for name, value in fields if value and name.lower() not in replaced]
    lines = [f"GET {url.target} HTTP/1.1".encode("ascii")]
    lines += [_field(name, value) for name, value in kept + extra]
    return b"\r\n".join([*lines, b"", b""])


class HeadParser:
    """Reads one response head. Feed it until it answers, then make a new one.

    Interim answers (1xx) are skipped. Work is linear in the bytes fed, and at most MAX_HEAD bytes
    are ever held beyond one feed. One thread at a time.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._line_at = 0  # where the line that is being read begins
        self._searched = 0  # up to here there is no line end behind _line_at
        self._lines: list[str] = []

    def __repr__(self) -> str:
        return f"HeadParser({len(self._buffer)} bytes, {len(self._lines)} lines)"

    @property
    def started(self) -> bool:
        """True once a byte has arrived: before that, a closed connection was merely idle."""
        return bool(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> tuple[Head, bytes] | None:
        """Take bytes; return the head and the bytes of the body among them, None if unfinished.

        Raises ServerTrouble for anything that is no HTTP/1.x head, as soon as that is certain.
        """
        self._buffer += data
        while (line := self._next_line()) is not None:
            if line:
                self._add(line)
            elif (head := self._finish()) is not None:
                return head, bytes(self._buffer[self._line_at :])
        self._check_length(len(self._buffer))
        begun = self._buffer[self._line_at : self._line_at + len(_OPENING)]
        if not self._lines and not _OPENING.startswith(begun):
            raise ServerTrouble("the server does not speak HTTP/1.1")
        return None

    def _next_line(self) -> str | None:
        found = self._buffer.find(b"\n", self._searched)
        if found < 0:
            self._searched = len(self._buffer)
            return None
        line = self._buffer[self._line_at : found].removesuffix(b"\r").decode("latin-1")
        self._line_at = self._searched = found + 1
        self._check_length(self._line_at)
        if _UNSAFE.search(line):
            raise ServerTrouble("the server sent control characters in a response head")
        return line

    def _check_length(self, size: int) -> None:
        # Asked where a line ends and where the input does: the split makes no difference.
        if size > MAX_HEAD:
            raise ServerTrouble(f"the server sent a response head of more than {MAX_HEAD} bytes")

    def _add(self, line: str) -> None:
        if not self._lines:
            _status(line)  # whatever follows a bad status line is not worth waiting for
        self._lines.append(line)
        if len(self._lines) > MAX_HEADERS + 1:
            raise ServerTrouble(f"the server sent more than {MAX_HEADERS} headers")

    def _finish(self) -> Head | None:
        """Return the head that the collected lines are; None for an interim one."""
        head = _parse_head(self._lines)
        if head.status >= 200:
            return head
        if head.status == 101:
            raise ServerTrouble("the server switched to a protocol that was not asked for")
        self._lines = []
        return None


def _field(name: str, value: str) -> bytes:
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name holds characters that names can't have")
    if _UNSAFE.search(value) or value != value.strip(" \t"):
        raise ValueError(f"the header {name} holds control characters or outer spaces")
    try:
        return f"{name}: {value}".encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"the header {name} holds characters beyond latin-1") from None


def _status(line: str) -> tuple[int, int, str]:
    """Return minor version, status and reason."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise ServerTrouble("the server sent a status line that is not HTTP/1.1")
    return int(found[1]), int(found[2]), (found[3] or "").strip()


def _parse_head(lines: list[str]) -> Head:
    minor, status, reason = _status(lines[0] if lines else "")
    return Head(minor, status, reason, tuple(_parse_field(line) for line in lines[1:]))


def _parse_field(line: str) -> tuple[str, str]:
    # A folded line begins with a space, so it has no valid name and is refused here too.
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise ServerTrouble("the server sent a header line without a name")
    return name.lower(), value.strip(" \t")
