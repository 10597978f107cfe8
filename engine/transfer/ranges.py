"""What a response head means for a download: which bytes it brings, or why it must not be used.

Theory
    A file is put together from many answers, perhaps from several servers, perhaps over days.
    Wrong bytes are the one failure nobody notices, so every answer has to prove that it brings
    the bytes that were asked for, of the file that was begun: by status, Content-Range, total
    size, validator and content type. `check` returns a `Body` only for an answer that did.

Guarantees
    `check` is pure. It returns a Body or a Redirect or raises a TransferError, nothing else.
    `body.start` is the start that was asked for, `body.end` never lies behind the end that was.

What breaks if you edit
    The order of the checks is part of the meaning: a page of HTML has another size and another
    ETag than the file, but what it says is that the link has expired, not that the file changed.
"""

import datetime as dt
import email.utils
import re
import urllib.parse

import msgspec

from engine.transfer.errors import (
    FileChanged,
    LinkExpired,
    ServerBusy,
    ServerTrouble,
    TransferError,
    Unusable,
)
from engine.transfer.http1 import Framing, Head

REDIRECTS = frozenset({301, 302, 303, 307, 308})
EXPIRED = frozenset({400, 401, 403, 404, 410})
"""Debrid hosts answer an old link with any of these; 400 has been seen as well."""
MISSING = frozenset({404, 410})
"""Of these, what says that the file itself is not there."""
BUSY = frozenset({429, 503})
PASSING = frozenset({408, 421, 425})
"""4xx that say nothing against the link: time-out, wrong connection, too early."""

_CONTENT_RANGE = re.compile(r"bytes +([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes +\*/([0-9]{1,18})", re.IGNORECASE)
_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_SECONDS = re.compile(r"[0-9]{1,9}")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_AS_GIVEN = "".join(map(chr, range(0x21, 0x7F)))


class RangeIgnored(ServerTrouble):
    """A whole file came where its middle was asked for: this server may know no ranges at all."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the file before an answer; the defaults mean "nothing yet"."""

    size: int | None = None
    """Bytes of the whole file."""
    etag: str = ""
    last_modified: str = ""
    html_ok: bool = False
    """True when the file itself is HTML; otherwise HTML is taken for an error page."""

    @property
    def validator(self) -> str:
        """What If-Range should carry: the strong ETag, else the date, else nothing."""
        if is_strong(self.etag):
            return self.etag
        return self.last_modified if _PRINTABLE.fullmatch(self.last_modified) else ""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes `start` to `end` of the file (half-open), which follow the head."""

    start: int
    end: int | None
    """None only when nobody knows: no ranges, and a body without a length."""
    size: int | None
    """Bytes of the whole file; None exactly when `end` is."""
    etag: str
    """Strong ETag; empty when there was none, or a weak one."""
    last_modified: str
    keep_alive: bool
    """True if the connection may be used again once the body was read to its end."""
    framing: Framing
    ranged: bool
    """False when the server sent the whole file instead: no second connection can help it."""
    html: bool = False
    """True when the content type is HTML, which only `Expected.html_ok` lets pass."""


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """The file is elsewhere; `urls.follow` says whether to go there."""

    location: str
    """As the server gave it, maybe relative, beyond ASCII percent-encoded. A secret."""
    status: int

    def __repr__(self) -> str:
        return f"Redirect({self.status})"


def is_strong(etag: str) -> bool:
    """Tell whether an ETag promises identical bytes: quoted, and not marked weak."""
    return _STRONG.fullmatch(etag) is not None


def check(
    head: Head, *, asked: tuple[int, int | None], expected: Expected, now: float
) -> Body | Redirect:
    """Return what `head` brings for the half-open range `asked`, of which None means to the end.

    `now` is Unix time in seconds, for dates in Retry-After. Raises LinkExpired, FileChanged,
    ServerBusy (with `retry_after`), ServerTrouble, RangeIgnored or Unusable; then no byte of the
    body may be used, and the connection is to be closed.
    """
    if head.status in (200, 206):
        _check_kind(head, expected)
        _check_validator(head, expected)
        if head.status == 206:
            return _partial(head, asked, expected)
        return _whole(head, asked, expected)
    if head.status in REDIRECTS:
        return _redirect(head)
    if head.status == 416:
        return _unsatisfied(head, asked, expected)
    raise _refusal(head, now)


def _check_kind(head: Head, expected: Expected) -> None:
    """Refuse bodies that are no plain bytes of the file."""
    kind = _content_type(head)
    if kind in _HTML and not expected.html_ok:
        raise LinkExpired(
            "the server sent a web page instead of the file: the link has expired, "
            "or the server does not serve this address (a data centre or VPN)"
        )
    if kind == "multipart/byteranges":
        raise ServerTrouble("the server sent several ranges where one was asked for")
    if set(head.words("Content-Encoding")) - {"identity"}:
        raise ServerTrouble("the server sent the file compressed, which was not asked for")


def _check_validator(head: Head, expected: Expected) -> None:
    etag = head.one("ETag")
    if is_strong(etag) and is_strong(expected.etag):
        # Strong ETags settle it; the date may differ between mirrors of the same bytes.
        if etag != expected.etag:
            raise FileChanged("the file has changed on the server: its ETag is another one")
        return
    date = head.one("Last-Modified")
    if date and expected.last_modified and date != expected.last_modified:
        raise FileChanged("the file has changed on the server: its date is another one")


def _partial(head: Head, asked: tuple[int, int | None], expected: Expected) -> Body:
    start, end, size = _content_range(head)
    if expected.size is not None and size != expected.size:
        raise FileChanged(
            f"the file has changed on the server: {size} bytes instead of {expected.size}"
        )
    if start != asked[0] or end > (size if asked[1] is None else asked[1]):
        raise ServerTrouble(
            f"the server sent bytes {start} to {end} where {asked[0]} to {asked[1]} were asked for"
        )
    if head.length not in (None, end - start):
        raise ServerTrouble(f"the server sent {head.length} bytes for a range of {end - start}")
    return _body(head, start=start, end=end, size=size, ranged=True)


def _whole(head: Head, asked: tuple[int, int | None], expected: Expected) -> Body:
    if asked[0] != 0 and expected.size is not None and head.length not in (None, expected.size):
        raise ServerTrouble(
            f"the server sent {head.length} bytes where the file has {expected.size}"
        )
    if expected.validator and not (head.one("ETag") or head.one("Last-Modified")):
        raise FileChanged("the server sent the whole file where If-Range asked for the rest")
    if asked[0] != 0:
        raise RangeIgnored("the server sent the whole file where a range was asked for")
    size = head.length if head.framing is Framing.LENGTH else None
    if expected.size is not None and size != expected.size:
        # Hosts also say "too many requests" this way: a short text, with status 200.
        raise ServerTrouble(
            f"the server sent {'an unknown number of' if size is None else size} bytes "
            f"where the file has {expected.size}"
        )
    return _body(head, start=0, end=size, size=size, ranged=False)


def _unsatisfied(head: Head, asked: tuple[int, int | None], expected: Expected) -> Body:
    found = _UNSATISFIED.fullmatch(head.one("Content-Range"))
    if found is None:
        raise ServerTrouble("the server refused the range (416) without saying why")
    size = int(found[1])
    if expected.size not in (None, size):
        raise FileChanged(
            f"the file has changed on the server: {size} bytes instead of {expected.size}"
        )
    if size != 0 or asked[0] != 0:
        raise ServerTrouble(f"the server refused the range (416) of a file of {size} bytes")
    # An empty file has no range that could be sent. What follows the head is an error page.
    body = _body(head, start=0, end=0, size=0, ranged=True)
    return msgspec.structs.replace(body, keep_alive=body.keep_alive and head.length == 0)


def _body(head: Head, *, start: int, end: int | None, size: int | None, ranged: bool) -> Body:
    etag = head.one("ETag")
    return Body(
        start=start,
        end=end,
        size=size,
        etag=etag if is_strong(etag) else "",
        last_modified=head.one("Last-Modified"),
        keep_alive=head.keep_alive,
        framing=head.framing,
        ranged=ranged,
        html=_content_type(head) in _HTML,
    )


def _redirect(head: Head) -> Redirect:
    location = head.one("Location")
    if not location:
        raise ServerTrouble(f"the server redirects ({head.status}) without saying where")
    # Raw bytes are kept as the bytes they are: a head is read as latin-1.
    encoded = urllib.parse.quote(location, safe=_AS_GIVEN, encoding="latin-1")
    return Redirect(location=encoded, status=head.status)


def _refusal(head: Head, now: float) -> TransferError:
    """Return the error that a status without a body of ours stands for."""
    status = head.status
    if status in EXPIRED:
        message = f"the server no longer serves the link (HTTP {status})"
        return LinkExpired(message, missing=status in MISSING)
    if status in BUSY:
        wait = _retry_after(head, now)
        return ServerBusy(f"the server asks for fewer requests (HTTP {status})", wait)
    if status in PASSING or status >= 500:
        return ServerTrouble(f"the server has trouble of its own (HTTP {status})")
    if status >= 400:
        return Unusable(f"the server refuses the request (HTTP {status})")
    return ServerTrouble(f"the server answered a download with HTTP {status}")


def _content_range(head: Head) -> tuple[int, int, int]:
    """Return start, end (half-open) and total of a 206; raises ServerTrouble without all three."""
    text = head.one("Content-Range")
    found = _CONTENT_RANGE.fullmatch(text)
    if found is None:
        raise ServerTrouble(f"the server sent a part with {'a bad' if text else 'no'} range")
    if found[3] == "*":
        raise ServerTrouble("the server sent a part without the size of the whole")
    first, last, size = (int(number) for number in found.groups())
    if not first <= last < size:
        raise ServerTrouble(f"the server sent a range that can't be: {first}-{last} of {size}")
    return first, last + 1, size


def _content_type(head: Head) -> str:
    return ",".join(head.values("Content-Type")).partition(";")[0].strip().lower()


def _retry_after(head: Head, now: float) -> float | None:
    """Return seconds to wait, None where the header is missing or makes no sense."""
    text = head.values("Retry-After")[-1:]
    if not text:
        return None
    if _SECONDS.fullmatch(text[0]):
        return float(text[0])
    try:
        date = email.utils.parsedate_to_datetime(text[0])
        utc = date if date.tzinfo else date.replace(tzinfo=dt.UTC)
        return max(0.0, utc.timestamp() - now)
    # The parser of the standard library lets several kinds of surprise through.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
