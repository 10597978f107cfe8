"""Autobrr as far as the receiver of its webhook sees it: macros filled in, and one POST.

* The payload is a Go template. What is filled in is not escaped: a name with a quote breaks the
  JSON around it, unless the template says `toRawJson`. Bytes that are just filled in become Go's
  list of numbers. A macro that does not exist lets the action fail, and nothing is sent.
* A payload in which the word TorrentPathName, TorrentDataRawBytes or TorrentHash occurs anywhere
  makes it fetch the .torrent first. Of a magnet there is none: the action fails, nothing is sent.
* It sends once, with `Content-Type` and `User-Agent` and no other header of its own. Userinfo in
  the address becomes Basic, the rest of the address is taken as it is. Redirects are followed.
* Any answer is a success, whatever its status; nobody reads the body. Nothing is ever repeated.
* The file that the .torrent is in is gone when the action is done.

This template knows only `{{ .Macro }}`, with functions before it or behind bars after it; anything
else of the language raises NotImplementedError.
"""

import base64
import datetime as dt
import http.client
import json
import re
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import bencodepy
import msgspec

from tests.fakes.arr_grab import GrabFailed, infohash_of_torrent

HEADERS = {"Content-Type": "application/json", "User-Agent": "autobrr"}
TIMEOUT = 120.0
"""Seconds."""
MOST_REDIRECTS = 10
NEEDS_TORRENT = ("TorrentPathName", "TorrentDataRawBytes", "TorrentHash")

TEXTS = """
    Artists AudioChannels AudioFormat Bitrate Category Container Cookie Description DownloadUrl
    FilterName Group GroupID HDR Implementation Indexer IndexerIdentifier
    IndexerIdentifierExternal IndexerName InfoUrl MagnetURI MetaIMDB Origin PreTime Protocol
    Region ReleaseTags Resolution SizeString SkipDuplicateProfileName Source Tags Title
    TorrentHash TorrentID TorrentName TorrentPathName TorrentTmpFile TorrentUrl Type Uploader
    RecordLabel Website
"""
NUMBERS = """
    CurrentDay CurrentHour CurrentMinute CurrentMonth CurrentSecond CurrentYear CurrentTimeUnixMS
    CurrentUnixTimeMS Episode FilterID FreeleechPercent Leechers LogScore Season Seeders Size
    SkipDuplicateProfileID Year Month Day
"""
FLAGS = "Freeleech HasCue HasLog IsDuplicate Proper Repack"
LISTS = "Audio Bonus Categories Codec Language Other"
RAW = "TorrentDataRawBytes"
MACROS: dict[str, Any] = {
    **dict.fromkeys(TEXTS.split(), ""),
    **dict.fromkeys(NUMBERS.split(), 0),
    **dict.fromkeys(FLAGS.split(), False),
    **dict.fromkeys(LISTS.split(), ()),
    RAW: b"",
}
"""Every macro there is, with what it is when nobody knows better."""


class ActionFailed(Exception):
    """Nothing was sent."""


class AutobrrRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What was announced. Bytes that are no UTF-8 stand in texts as lone surrogates."""

    name: str = "A.Show.S01E02.1080p.WEB.H264-GROUP"
    title: str = "A Show"
    torrent: bytes | None = None
    """What it gets from the indexer, cookie and all; None when the indexer has trouble."""
    torrent_url: str = "https://indexer.invalid/download/1?passkey=marked-passkey"
    magnet: str = ""
    infohash: str = ""
    """Only where the announcement tells it."""
    size: int = 0
    """Bytes; exact when the .torrent was fetched."""
    indexer: str = "hdb"
    indexer_name: str = "HDBits"
    external: str = ""
    """What the indexer is called in Sonarr and Radarr."""
    info_url: str = "https://indexer.invalid/details/1"
    type: str = "episode"
    protocol: str = "torrent"
    cookie: str = "uid=1; pass=marked-cookie"
    more: dict[str, Any] = {}
    """Other macros, by their names."""


class Call(msgspec.Struct, kw_only=True):
    """One action as it went."""

    release: AutobrrRelease
    payload: bytes = b""
    path: str = ""
    """Where the .torrent was."""
    sent: bool = False
    """Something went out, or was about to."""
    status: int = 0
    """0 without an answer. Autobrr does not look at it, nor at the next two."""
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""
    error: str = ""
    """Why the action failed, empty when it did not: all that Autobrr knows."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Autobrr:
    """One webhook action. Any number of threads may announce at a time."""

    def __init__(
        self,
        url: str,
        *,
        folder: Path | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`folder` is where it puts the .torrents that it fetches."""
        self.url = url
        self.folder = folder
        self.now = now
        self.calls: list[Call] = []
        """In the order in which they ended."""

    def __repr__(self) -> str:
        return f"<Autobrr {len(self.calls)} calls>"

    def announces(self, template: str, release: AutobrrRelease) -> Call:
        """Run the action on a release. Raises nothing that Autobrr would not raise either."""
        call = Call(release=release)
        try:
            known, raw = self._fetch(template, call)
            call.payload = fill(template, macros(known, raw, call.path, self.now()))
            call.sent = True
            self._post(call)
        except (ActionFailed, OSError, http.client.HTTPException, ValueError) as trouble:
            call.error = f"{type(trouble).__name__}: {trouble}"
        finally:
            if call.path:
                Path(call.path).unlink()
            self.calls.append(call)
        return call

    def _fetch(self, template: str, call: Call) -> tuple[AutobrrRelease, bytes]:
        """Return what is known when the template is filled in; the .torrent if it needs one."""
        release = call.release
        if not any(word in template for word in NEEDS_TORRENT):
            return release, b""
        if release.magnet.startswith("magnet:?"):
            raise ActionFailed("downloading magnet links is not supported")
        if release.protocol != "torrent":
            raise ActionFailed(f"protocol {release.protocol} is not supported")
        if not release.torrent_url or release.torrent is None:
            raise ActionFailed("could not download the .torrent")
        try:
            infohash, size = infohash_of_torrent(release.torrent), _content_size(release.torrent)
        except GrabFailed as problem:
            raise ActionFailed("what was downloaded is no .torrent") from problem
        with tempfile.NamedTemporaryFile(prefix="autobrr-", dir=self.folder, delete=False) as file:
            file.write(release.torrent)
        call.path = file.name
        known = msgspec.structs.replace(release, infohash=infohash, size=size)
        return known, release.torrent

    def _post(self, call: Call) -> None:
        """Send, and follow redirects as Go does. Raises OSError, HTTPException, ValueError."""
        method, url, body = "POST", self.url, call.payload
        for _ in range(MOST_REDIRECTS):
            self._send(call, method, url, body)
            location = call.headers.get("location")
            if not location or call.status not in {301, 302, 303, 307, 308}:
                return
            url = urljoin(url, location)
            if call.status < 307:
                method, body = "GET", b""
        raise ActionFailed("stopped after 10 redirects")

    def _send(self, call: Call, method: str, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        connection = _connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in {**HEADERS, **_basic(parts.username, parts.password)}.items():
                connection.putheader(name, value)
            connection.putheader("Accept-Encoding", "gzip")  # by Go itself
            if method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            call.body = response.read()
            call.headers = {name.lower(): value for name, value in response.getheaders()}
            call.status = response.status
        finally:
            connection.close()


def macros(release: AutobrrRelease, raw: bytes, path: str, now: dt.datetime) -> dict[str, Any]:
    """Return every macro with its value: texts, numbers, flags, lists of texts, and bytes."""
    assert release.more.keys() <= MACROS.keys(), release.more
    return MACROS | {
        "TorrentName": release.name,
        "Title": release.title,
        "TorrentUrl": release.torrent_url,
        "DownloadUrl": release.torrent_url,
        "MagnetURI": release.magnet,
        "TorrentHash": release.infohash,
        RAW: raw,
        "TorrentPathName": path,
        "TorrentTmpFile": path,
        "Size": release.size,
        "SizeString": _human(release.size),
        "Indexer": release.indexer,
        "IndexerIdentifier": release.indexer,
        "IndexerIdentifierExternal": release.external or release.indexer,
        "IndexerName": release.indexer_name,
        "InfoUrl": release.info_url,
        "Type": release.type,
        "Protocol": release.protocol,
        "Implementation": "irc",
        "Cookie": release.cookie,
        "CurrentYear": now.year,
        "CurrentMonth": now.month,
        "CurrentDay": now.day,
        "CurrentHour": now.hour,
        "CurrentMinute": now.minute,
        "CurrentSecond": now.second,
        "CurrentTimeUnixMS": int(now.timestamp() * 1000),
        "CurrentUnixTimeMS": int(now.timestamp() * 1000),
        **release.more,
    }


def fill(template: str, values: dict[str, Any]) -> bytes:
    """Fill a template in. Raises ActionFailed, and NotImplementedError for more than it knows."""
    rest = _ACTION.sub("", template)
    if "{{" in rest:
        raise ActionFailed("could not parse the template: unclosed action")
    filled = b""
    end = 0
    for action in _ACTION.finditer(template):
        filled += _bytes(template[end : action.start()])
        filled += _printed(_evaluated(action[1], values))
        end = action.end()
    return filled + _bytes(template[end:])


_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIRST = re.compile(r"(|\w+\s+)\.(\w+)")


def _evaluated(action: str, values: dict[str, Any]) -> Any:
    first, *piped = (part.strip() for part in action.split("|"))
    found = _FIRST.fullmatch(first)
    if not found or not {*found[1].split(), *piped} <= set(_FUNCTIONS):
        raise NotImplementedError(action)
    if found[2] not in values:
        raise ActionFailed(f"can't evaluate field {found[2]} in type domain.Macro")
    value = values[found[2]]
    for name in (*found[1].split(), *piped):
        value = _FUNCTIONS[name](value)
    return value


def _printed(value: Any) -> bytes:
    """Print as Go does."""
    if isinstance(value, bool):
        return str(value).lower().encode()
    if isinstance(value, bytes):
        return f"[{' '.join(map(str, value))}]".encode()
    if isinstance(value, tuple | list):
        return b"[" + b" ".join(map(_bytes, value)) + b"]"
    return _bytes(str(value))


def _raw_json(value: Any) -> str:
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode() if value else None
    if isinstance(value, tuple | list):
        value = [_clean(one) for one in value] or None
    if isinstance(value, str):
        value = _clean(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _escaped_json(value: Any) -> str:
    text = _raw_json(value)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _base64(value: Any) -> str:
    if not isinstance(value, str):
        raise ActionFailed("error calling b64enc: wrong type for value; expected string")
    return base64.b64encode(_bytes(value)).decode()


def _to_string(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return _printed(value).decode("utf-8", "surrogateescape")


_FUNCTIONS: dict[str, Callable[[Any], str]] = {
    "toRawJson": _raw_json,
    "toJson": _escaped_json,
    "toString": _to_string,
    "b64enc": _base64,
}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _clean(text: str) -> str:
    return _bytes(text).decode("utf-8", "replace")


def _content_size(torrent: bytes) -> int:
    """Return the bytes of all files."""
    info = bencodepy.decode(torrent)[b"info"]
    return info.get(b"length") or sum(file[b"length"] for file in info.get(b"files", ()))


def _human(size: int) -> str:
    """Return a size as `1.5 GB`."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return (
        f"{value:.1f} {units[0]}" if value < 10 and units[0] != "B" else f"{value:.0f} {units[0]}"
    )


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    if scheme != "http":
        raise ActionFailed(f'unsupported protocol scheme "{scheme}"')
    return http.client.HTTPConnection(host, port, timeout=TIMEOUT)


def _basic(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
