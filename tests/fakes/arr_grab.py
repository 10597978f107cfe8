"""How a Sonarr or a Radarr grabs a release: it fetches, finds the infohash out, and adds.

* A magnet comes first. Only when the download client takes none (DHT is off and the magnet names
  no tracker) is the .torrent fetched instead.
* The program fetches a .torrent itself, with no cookies: it follows 301, 302 and 303, to a magnet
  as well, but neither 307 nor 308, and asks twice more after a 408 or a 5xx. The real one pauses
  then; this one does not, nor does it leave 2 seconds between two grabs from one host.
* Whatever it gets has to be a .torrent with an infohash of version 1.
* Then it adds to the download client as the user's program does: see `sonarr_program`.
"""

import base64
import binascii
import gzip
import hashlib
import http.client
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from tests.fakes.sonarr_program import Grab as Added
from tests.fakes.sonarr_program import Sonarr

TRIES = 3
MOST_REDIRECTS = 10
"""So that a circle ends."""
REDIRECTS = {301, 302, 303}
_BTIH = re.compile(r"xt=urn:btih:([0-9a-z]+)", re.IGNORECASE)
_NO_FILE_NAME = re.compile(r'[\\/<>?*|":]')


class Attempt(msgspec.Struct, kw_only=True):
    """A grab that was tried. Who pushed the release is told nothing of it."""

    title: str
    client: str = ""
    """The name of the download client it went to."""
    magnet: str = ""
    """What was added, if it was a magnet."""
    asked: list[str] = []
    """Every URL that was asked, retries and redirects included."""
    torrent: bytes = b""
    """What the last of them sent."""
    infohash: str = ""
    """40 hex digits in lower case, as soon as it was known."""
    error: str = ""
    """Why nothing was grabbed; empty when it was."""
    pending: bool = False
    """The download client let nobody log in: it is tried again later."""


class GrabFailed(Exception):
    """Nothing was grabbed."""


class ClientUnavailable(GrabFailed):
    """Nothing was grabbed yet: the download client let nobody log in."""


class MagnetNotSupported(GrabFailed):
    """The download client cannot do anything with the magnet."""


def grab(release: dict[str, Any], attempt: Attempt, program: Sonarr | None, agent: str) -> None:
    """Grab a release and write into `attempt` what came of it; `program` None takes anything."""
    try:
        _grab(release, attempt, program, agent)
    except ClientUnavailable as trouble:
        attempt.pending = True
        attempt.error = str(trouble)
    except (GrabFailed, OSError, EOFError, http.client.HTTPException, ValueError) as trouble:
        attempt.error = f"{type(trouble).__name__}: {trouble}"


def infohash_of_magnet(magnet: str) -> str:
    """Return 40 hex digits in lower case. Raises GrabFailed."""
    found = _BTIH.search(magnet)
    named = found[1] if found else ""
    try:
        raw = base64.b32decode(named.upper()) if len(named) == 32 else bytes.fromhex(named)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 20:
        raise GrabFailed("the magnet has no infohash")
    return raw.hex()


def infohash_of_torrent(torrent: bytes) -> str:
    """Return 40 hex digits in lower case, of exactly the bytes there are. Raises GrabFailed."""
    try:
        start, end = _entries(torrent, 0)[b"info"]
        _entries(torrent, start)[b"pieces"]
    except (ValueError, KeyError, RecursionError) as problem:
        raise GrabFailed("what was fetched is no .torrent") from problem
    return hashlib.sha1(torrent[start:end]).hexdigest()


def fetch(url: str, attempt: Attempt, agent: str) -> str:
    """Fetch a .torrent into `attempt`; return "", or the magnet that was named instead.

    Raises GrabFailed, OSError, HTTPException.
    """
    for _ in range(MOST_REDIRECTS):
        status, location, attempt.torrent = _ask_repeatedly(url, attempt, agent)
        if status >= 400:
            raise GrabFailed(f"HTTP {status}")
        if status not in REDIRECTS:
            return ""
        if not location:
            raise GrabFailed("redirected to nowhere")
        if location.startswith("magnet:"):
            return location
        url = urljoin(url, location)
    raise GrabFailed("redirected in a circle")


def _grab(release: dict[str, Any], attempt: Attempt, program: Sonarr | None, agent: str) -> None:
    url, magnet = release.get("downloadUrl") or "", release.get("magnetUrl") or ""
    if url.startswith("magnet:"):
        url, magnet = "", magnet or url
    try:
        if magnet:
            _add_magnet(magnet, attempt, program)
            return
    except MagnetNotSupported:
        if not url:
            raise
        attempt.magnet = ""
    if found := fetch(url, attempt, agent):
        _add_magnet(found, attempt, program)
    else:
        _add_file(attempt, program)


def _add_magnet(magnet: str, attempt: Attempt, program: Sonarr | None) -> None:
    attempt.magnet = magnet
    attempt.infohash = infohash_of_magnet(magnet)
    if program is not None:
        _check(program.grab_magnet(magnet), program)


def _add_file(attempt: Attempt, program: Sonarr | None) -> None:
    attempt.infohash = infohash_of_torrent(attempt.torrent)
    if program is not None:
        title = _NO_FILE_NAME.sub("", attempt.title)
        _check(program.grab_file(title, attempt.infohash, attempt.torrent), program)


def _check(added: Added, program: Sonarr) -> None:
    if added is Added.GRABBED:
        return
    warning = program.warnings[-1]
    if added is Added.PENDING:
        raise ClientUnavailable(warning)
    raise (MagnetNotSupported if "Magnet Links" in warning else GrabFailed)(warning)


def _ask_repeatedly(url: str, attempt: Attempt, agent: str) -> tuple[int, str, bytes]:
    for _ in range(TRIES):
        attempt.asked.append(url)
        status, location, body = _ask(url, agent)
        if status != 408 and status < 500:
            break
    return status, location, body


def _ask(url: str, agent: str) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=10)
    headers = {
        "User-Agent": agent,
        "Accept": "application/x-bittorrent",
        "Accept-Encoding": "gzip, br",
        "Connection": "close",
    }
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return response.status, response.headers.get("Location", ""), body
    finally:
        connection.close()


def _entries(data: bytes, at: int) -> dict[bytes, tuple[int, int]]:
    """Return where the values of a bencoded dictionary begin and end. Raises ValueError."""
    if data[at : at + 1] != b"d":
        raise ValueError("no dictionary")
    at += 1
    found = {}
    while data[at : at + 1] != b"e":
        start = _end(data, at)
        key = data[at:start].partition(b":")[2]
        at = _end(data, start)
        found[key] = (start, at)
    return found


def _end(data: bytes, at: int) -> int:
    """Return where a bencoded value ends. Raises ValueError."""
    first = data[at : at + 1]
    if first == b"i":
        return data.index(b"e", at) + 1
    if first in {b"l", b"d"}:
        at += 1
        while data[at : at + 1] != b"e":
            at = _end(data, at)
        return at + 1
    colon = data.index(b":", at, at + 12)
    end = colon + 1 + int(data[at:colon])
    if not data[at:colon].isdigit() or end > len(data):
        raise ValueError("no text")
    return end
