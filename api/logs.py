"""What the service logs, and what it never logs.

Theory
    One handler on the root logger writes to stderr: one JSON object a line, or one short line for
    reading when stderr is a terminal. Everything that is written passes `Masker.mask` after
    message, arguments and traceback have become text, so it does not matter how a secret got there.

    Two nets: secrets that were registered (`hide`) are found wherever they stand, also quoted for
    a URL or a repr; and what looks like a secret is masked without being known, such as unlocked
    links, the query of any URL, and the value of `apikey=`, `passkey=` or `tr=`.

Guarantees
    Logging never raises and never writes an unmasked record, not even one whose arguments do not
    fit its format. One record is one line, whatever names from outside are in it; only a
    traceback for reading takes more.
"""

import datetime as dt
import json
import logging
import re
import sys
import threading
import time
from typing import TextIO
from urllib.parse import quote, quote_plus

import msgspec

STARS = "********"

SHORTEST_SECRET = 4
"""Characters. Masking every `a` of a log would show what the secret is, not hide it."""

_URL = re.compile(r"\b(?P<scheme>https?|wss?|udp)://(?P<rest>[^\s\"'<>`]+)", re.IGNORECASE)

_SECRET_HOST = re.compile(r"(^|\.)(debrid\.it|alldeb\.ovh)$", re.IGNORECASE)
"""AllDebrid's file hosts: nothing behind the host name is for the log."""

_SECRET_PATH = re.compile(
    # /dl/ and /f/ lead to unlocked and to page links; tokens and passkeys are long and mix
    # letters with digits, or are hexadecimal.
    r"/(dl|f|links?)(/|$)|/(?=[\w~.-]*[0-9])(?=[\w~.-]*[A-Za-z])[A-Za-z0-9_~-]{16,}(/|$)",
    re.IGNORECASE,
)

_NAMED = re.compile(
    # `name=value` of a query or a log line, its percent-encoded form, and `"name": "value"`. The F
    # of an encoded question mark belongs to no name.
    r"(?:(?<![A-Za-z])|(?<=%3F))"
    r"(?P<name>(?:api|pass|auth|rss|torrent|secret|access)[_-]?key|(?:access_?)?token"
    r"|tr(?:\.[0-9]+)?|auth|password|passwd|pwd|pass|secret|sid|signature|sig)"
    r"(?P<between>\s?=\s?|%3D|[\"']\s?:\s?|(?<=key):\s?)"
    r"(?:b?\"[^\"\n]*\"|b?'[^'\n]*'|[^\s&\"'<>,;)}\]]+)",
    re.IGNORECASE,
)

_SCHEMES = re.compile(
    # A digit or padding in it, so that "Basic authorization" stays readable.
    r"\b(?P<scheme>Bearer|Basic)\s+(?=[^\s\"']*[0-9=])[A-Za-z0-9._~+/=-]{6,}",
    re.IGNORECASE,
)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Masker:
    """Knows secrets and puts stars in their place. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Both are replaced as a whole, under the lock; reading needs none.
        self._known: re.Pattern[str] | None = None
        self._secrets: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<Masker of {len(self._secrets)} spellings>"

    def hide(self, secret: str) -> None:
        """Mask `secret` from now on; one that is shorter than SHORTEST_SECRET is left alone."""
        if len(secret) < SHORTEST_SECRET:
            return
        spellings = {
            secret,
            quote(secret, errors="replace"),
            quote(secret, safe="", errors="replace"),
            quote_plus(secret, errors="replace"),
            repr(secret)[1:-1],
            ascii(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        with self._lock:
            self._secrets |= spellings
            # Longest first: a secret that begins like another must not leave its end behind.
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        """Return `text` with stars for known secrets and for what looks like one."""
        if self._known is not None:
            text = self._known.sub(STARS, text)
        return redact(text)


def redact(text: str) -> str:
    """Return `text` with stars for what looks like a secret; see the module's theory."""
    text = _SCHEMES.sub(rf"\g<scheme> {STARS}", text)
    text = _URL.sub(_redact_url, text)
    return _NAMED.sub(rf"\g<name>\g<between>{STARS}", text)


def one_line(text: str) -> str:
    """Return `text` with control characters escaped: a torrent's name must not move the cursor."""
    return _CONTROLS.sub(_escape, text)


CLEAR_LINE = "\r\x1b[K"
"""Back to the first column, and empty the line: ECMA-48."""

MASKER = Masker()
"""The process's own: there is one log, so there is one list of what must not be in it."""

hide = MASKER.hide
"""Keep a secret out of the log from now on; any thread."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, masker: Masker = MASKER) -> None:
        super().__init__()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line without its end; never raises."""
        moment = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        entry = {
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "module": record.module,
            "function": record.funcName,
            "exception": _traceback(self, record),
        }
        clean = {key: _encodable(self._masker.mask(value or "")) for key, value in entry.items()}
        if not clean["exception"]:
            del clean["exception"]
        # Valid in JSON as they stand, but to many readers the end of a line.
        return _CONTROLS.sub(_json_escape, msgspec.json.encode(clean).decode())


class LineFormatter(logging.Formatter):
    """`12:34:56 WARNING engine.alldebrid.client message`, local time, for a terminal."""

    def __init__(self, masker: Masker = MASKER) -> None:
        super().__init__()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line without its end, and its traceback below; never raises."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock} {record.levelname:<7} {record.name} {_message(record)}"
        text = one_line(self._masker.mask(line))
        traceback = _traceback(self, record)
        return f"{text}\n{_safe_lines(self._masker.mask(traceback))}" if traceback else text


class MessageFormatter(logging.Formatter):
    """The message alone, as one line; for those who have time and level in fields of their own."""

    def __init__(self, masker: Masker = MASKER) -> None:
        super().__init__()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the message as a line, without a traceback; never raises."""
        return _encodable(one_line(self._masker.mask(_message(record))))


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream; a stream that is gone is no reason to stop the service."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Drop the record: what logging would print here is the record without its mask."""


class TerminalHandler(LogHandler):
    """Writes lines where a progress bar may stand: the bar gives way and is drawn again below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line behind what empties the one the cursor is in."""
        return f"{CLEAR_LINE}{super().format(record)}"


def configure(level: str, stream: TextIO | None = None, *, masker: Masker = MASKER) -> None:
    """Send everything of `level` (`DEBUG`, `INFO`, ...) and above to `stream`, stderr by default.

    Replaces what was set up before. Warnings of the `warnings` module are logged too.
    """
    stream = stream or sys.stderr
    terminal = stream.isatty()
    handler = TerminalHandler(stream) if terminal else LogHandler(stream)
    handler.setFormatter(LineFormatter(masker) if terminal else JsonFormatter(masker))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - whatever an argument's __str__ does
        return f"message={str(record.msg)!r} cannot be put together: {type(error).__name__}"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    # Not kept in record.exc_text: another handler would take it for its own.
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        try:
            parts.append(formatter.formatException(record.exc_info))
        except Exception as error:  # noqa: BLE001 - whatever an exception's __str__ does
            parts.append(f"traceback cannot be put together: {type(error).__name__}")
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _redact_url(match: re.Match[str]) -> str:
    rest = match["rest"]
    place, mark, _query = _partition_any(rest, "?#")
    authority, slash, path = place.partition("/")
    userinfo, at, host = authority.rpartition("@")
    name = host.partition(":")[0]
    if slash and path and (_SECRET_HOST.search(name) or _SECRET_PATH.search(f"/{path}")):
        path = STARS
    query = f"{mark}{STARS}" if mark else ""
    user = f"{STARS}@" if at or userinfo else ""
    return f"{match['scheme']}://{user}{host}{slash}{path}{query}"


def _partition_any(text: str, marks: str) -> tuple[str, str, str]:
    """Split at the first of several characters."""
    at = min((place for mark in marks if (place := text.find(mark)) >= 0), default=len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _encodable(text: str) -> str:
    # A file name that is no UTF-8 comes as lone surrogates, which no JSON can hold.
    return text.encode("utf-8", "backslashreplace").decode()


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _safe_lines(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))
