"""From a release to what is pushed: the JSON of `POST /api/v3/release/push`. Pure.

Rules
    Identity: the .torrent comes before the magnet, the magnet before the hash that was announced,
    which is ignored when it is no infohash. A .torrent and a magnet of different torrents are
    refused, for the program would fetch the one while we know the other.
    Title: the announced name, else the one in the .torrent, else that in the magnet.
    Where it is: the URL and the magnet as given. The program prefers a magnet, so one is made up
    only when there is nothing else.
    A field that is not known is left out where zero or nothing would mean something: a
    `downloadClientId` of 0 is taken for a client that does not exist, and nothing is grabbed.

What differs between the two: `imdbId` is a text for Sonarr and a number for Radarr, each knows one
more database of its own, and the bits of `indexerFlags` have other values.
"""

import datetime as dt
import enum
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from engine.metainfo import BadMetainfo, Magnet, Metainfo, parse_magnet

INDEXER = "autobrr"
"""What the release is said to come from when nobody says otherwise."""

LARGEST_SIZE = 2**63 - 1
"""Bytes; a larger number is refused there as a wrong type."""

LONGEST_TITLE = 1000
"""Characters; a file has a name of at most 255 bytes."""

LONGEST_NUMBER = 19
"""Digits of LARGEST_SIZE."""

_DIGITS = re.compile(rf"[0-9]{{1,{LONGEST_NUMBER}}}")
_NO_LINK = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\\"<>]")
_NO_WORD = re.compile(r"[\W_]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class BadRelease(ValueError):
    """What was announced is not enough for a push; the sentence repeats nothing of it."""


class Target(enum.Enum):
    """Who gets the push; the value is how users write it."""

    SONARR = "sonarr"
    RADARR = "radarr"


class Flag(enum.Enum):
    """What an indexer says of a release, and the bit of it for Sonarr and for Radarr."""

    FREELEECH = (1, 1)
    HALFLEECH = (2, 2)
    DOUBLE_UPLOAD = (4, 4)
    INTERNAL = (8, 32)
    SCENE = (16, 128)
    FREELEECH_75 = (32, 256)
    FREELEECH_25 = (64, 512)
    NUKED = (128, 2048)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What was announced, as it came: nothing is checked yet, and "" stands for not known.

    `repr` leaves links out: they may hold passkeys.
    """

    name: str = ""
    url: str = ""
    """Of the .torrent; a magnet URI here counts as one."""
    magnet: str = ""
    infohash: str = ""
    """40 hex digits or 32 base32 letters."""
    torrent: Metainfo | None = None
    """What the .torrent says, where its bytes are known."""
    indexer: str = ""
    size: object = None
    """Bytes. What is no number is 0; None takes the size that the .torrent tells."""
    info_url: str = ""
    published: dt.datetime | None = None
    """Without a time zone it is UTC."""
    download_client: str = ""
    """The name of the download client in the program that shall fetch it."""
    flags: frozenset[Flag] = frozenset()
    imdb: int = 0
    """The number behind `tt`; this and the next two are 0 when not known."""
    tvdb: int = 0
    tmdb: int = 0

    def __repr__(self) -> str:
        return f"<Release {self.name!r} indexer={self.indexer!r} size={self.size!r}>"


def payload(release: Release, target: Target, now: Callable[[], dt.datetime]) -> dict[str, Any]:
    """Return the JSON object to push. Raises BadRelease.

    `now` returns an aware time; it is asked when nobody knows when the release was published.
    """
    magnet = _magnet(release)
    infohash = _infohash(release, magnet)
    title = _title(release, magnet)
    url = "" if _is_magnet(release.url) else release.url.strip()
    if url:
        check_url(url)
    uri = magnet.uri if magnet else ""
    if not url and not uri:
        uri = _made_up(release, infohash, title)
    always = {
        "title": title,
        "protocol": "torrent",
        "indexer": _text(release.indexer) or INDEXER,
        "size": _size(release),
        "infoUrl": _text(release.info_url),
        "publishDate": utc(release.published or now()),
        "guid": guid(infohash, title),
    }
    known = {
        "downloadUrl": url,
        "magnetUrl": _text(uri),
        "infoHash": infohash,
        "downloadClient": _text(release.download_client),
        **_special(release, target),
    }
    return always | {name: value for name, value in known.items() if value}


def usable(release: Release) -> tuple[Release, tuple[str, ...]]:
    """Return a release without the links that cannot be used, and what is wrong with those.

    They stay where nothing else would be left: then `payload` says what is wrong.
    """
    problems: list[str] = []
    kept = release
    try:
        _infohash(release, _magnet(release))
    except BadRelease as problem:
        problems.append(f"the magnet is left out: {problem}")
        url = "" if _is_magnet(release.url) else release.url
        kept = msgspec.structs.replace(release, magnet="", url=url)
    try:
        if kept.url and not _is_magnet(kept.url):
            check_url(kept.url.strip())
    except BadRelease as problem:
        problems.append(f"the URL is left out: {problem}")
        kept = msgspec.structs.replace(kept, url="")
    if kept.url or infohash_of(kept):
        return kept, tuple(problems)
    return release, ()


def infohash_of(release: Release) -> str:
    """Return the infohash as 40 lower-case hex digits, "" when nothing tells it.

    Raises BadRelease where .torrent and magnet contradict each other, or the magnet is none.
    """
    return _infohash(release, _magnet(release))


def size_of(value: object) -> int:
    """Return a size in bytes; 0 for what is no whole number, negative or beyond 64 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= LARGEST_SIZE else 0


def utc(moment: dt.datetime) -> str:
    """Return a time as `2026-01-31T12:00:00Z`."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def guid(infohash: str, title: str) -> str:
    """Return what identifies the release: the torrent, else the words of its title."""
    if infohash:
        return f"torrent:{infohash}"
    return f"title:{_NO_WORD.sub('.', title.casefold()).strip('.')}"


def check_url(url: str) -> None:
    """Raise BadRelease unless a program can fetch a .torrent from there."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when it is none
        usable = parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        usable = None
    if not usable or _NO_LINK.search(url):
        raise BadRelease("the URL of the .torrent is no http or https URL")


def _special(release: Release, target: Target) -> dict[str, int | str]:
    """Return what the two programs want in different forms, or only one of them wants."""
    sonarr = target is Target.SONARR
    flags = sum(flag.value[0 if sonarr else 1] for flag in release.flags)
    if sonarr:
        imdb = f"tt{release.imdb:07}" if release.imdb else ""
        return {"indexerFlags": flags, "imdbId": imdb, "tvdbId": release.tvdb}
    return {"indexerFlags": flags, "imdbId": release.imdb, "tmdbId": release.tmdb}


def _is_magnet(text: str) -> bool:
    return text.strip()[:7].lower() == "magnet:"


def _magnet(release: Release) -> Magnet | None:
    text = release.magnet.strip() or (release.url if _is_magnet(release.url) else "")
    if not text:
        return None
    try:
        return parse_magnet(text)
    except BadMetainfo as problem:
        raise BadRelease(str(problem)) from None


def _infohash(release: Release, magnet: Magnet | None) -> str:
    if release.torrent and magnet and release.torrent.infohash != magnet.infohash:
        raise BadRelease("the .torrent and the magnet are two different torrents")
    if source := release.torrent or magnet:
        return source.infohash
    try:
        # The one that is announced may be of BitTorrent v2, or a text such as "unknown".
        return parse_magnet(release.infohash).infohash if release.infohash.strip() else ""
    except BadMetainfo:
        return ""


def _title(release: Release, magnet: Magnet | None) -> str:
    torrent = release.torrent
    # A .torrent without a name is called by its infohash, which tells no program anything.
    inside = torrent.name if torrent and torrent.name != torrent.infohash else ""
    names = (_text(name) for name in (release.name, inside, magnet.name if magnet else ""))
    title = next(filter(None, names), "")
    if not title:
        raise BadRelease("the release has no name, and nothing else tells one")
    if len(title) > LONGEST_TITLE:
        raise BadRelease(f"the name of the release has more than {LONGEST_TITLE} characters")
    return title


def _made_up(release: Release, infohash: str, title: str) -> str:
    if not infohash:
        raise BadRelease("the release has no URL, no magnet and no infohash")
    trackers = release.torrent.trackers if release.torrent else ()
    parts = [f"xt=urn:btih:{infohash}", f"dn={quote(title, safe='')}"]
    parts += [f"tr={quote(_text(tracker), safe='')}" for tracker in trackers]
    return f"magnet:?{'&'.join(parts)}"


def _size(release: Release) -> int:
    if release.size is None and release.torrent:
        return release.torrent.size
    return size_of(release.size)


def _text(text: str) -> str:
    """Return what JSON can hold and one line shows."""
    return _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode()).strip()
