"""What an announcement says: the fields of a webhook become one release and who gets it. Pure.

Names
    Of the specification, of Autobrr's macros and of what is pushed, in this order where several
    name the same; case, blanks, `_` and `-` do not count. The first that is given wins. Not given
    is what is null, blank, or holds the `<no value>` of a template. Others are ignored.

    Title: the full name of the release first; `Title` is that for a push, but only the name of the
    show for Autobrr, so it is the last. Indexer: first the external identifier, which is the name
    of the indexer in the programs; then what is called indexer, as in Autobrr's own pushes.

Rules
    Nobody sends a release a second time, so what cannot be read is left out, and said
    (`problems`): a text that is an object, bytes of a .torrent that are none. Whether the rest is
    enough is for others to tell. What only helps (size, date, flags, numbers of databases) is left
    out without a word.
    A size of 0 is not given: Autobrr writes it when nobody told one, and the .torrent may.
    A date that cannot be the one of a torrent is not given: a delay profile would wait for it.
    No message repeats a value, and `repr` shows none: they may hold passkeys.

Which program
    What the query says, else what the body says. When both leave it open, the type of the release
    tells, and without one its name: an episode, a season or the date of a day is for Sonarr, and
    another year is for Radarr.
"""

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from arrpush.payload import Flag, Release, Target, size_of
from engine.metainfo import BadMetainfo, parse_magnet

NAME = ("ReleaseName", "TorrentName", "Name", "Title")
URL = ("TorrentUrl", "DownloadUrl")
MAGNET = ("MagnetURI", "MagnetUrl", "Magnet")
INFOHASH = ("TorrentHash", "InfoHash", "Hash")
DATA = ("TorrentDataRawBytes", "TorrentData")
PATH = ("TorrentPath", "TorrentPathName", "TorrentTmpFile")
INDEXER = (
    *("IndexerIdentifierExternal", "Indexers", "Indexer"),
    *("IndexerName", "IndexerIdentifier"),
)
SIZE = ("Size",)
INFO_URL = ("InfoUrl",)
PUBLISHED = ("PublishDate",)
CLIENT = ("DownloadClient", "DownloadClientName")
TARGET = ("Target",)
KIND = ("Type", "ReleaseType")
PROTOCOL = ("Protocol", "DownloadProtocol")
FREELEECH = ("Freeleech",)
FREELEECH_PERCENT = ("FreeleechPercent",)
ORIGIN = ("Origin",)
TAGS = ("Tags", "ReleaseTags")
IMDB = ("ImdbId", "MetaIMDB", "Imdb")
TVDB = ("TvdbId", "Tvdb")
TMDB = ("TmdbId", "Tmdb")
"""The names of one thing, as messages write them; so with all above, see the module's text."""

EARLIEST = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
"""No torrent is older; the zero time of Go and that of Unix are."""

LATEST = dt.timedelta(days=1)
"""How far a date may be ahead: clocks are wrong, and so are time zones."""

LARGEST_ID = 2**31 - 1
"""Of a database; the programs have 32 bits for it."""

LONGEST_LINE = 64
"""Characters of a date or a number that are looked at."""

LONGEST_NAME = 1000
"""Characters of a name that are looked at to tell what it is."""

NOT_TORRENTS = frozenset({"usenet", "nzb", "1"})
"""Protocols, the last as the programs number them."""

YES = frozenset({"true", "yes", "1"})
"""Texts for what is true."""

PERCENTS = {
    "25": Flag.FREELEECH_25,
    "50": Flag.HALFLEECH,
    "75": Flag.FREELEECH_75,
    "100": Flag.FREELEECH,
}
"""Percents of a download that do not count."""

WORDS = {
    "freeleech": Flag.FREELEECH,
    "freeleech100": Flag.FREELEECH,
    "freeleech75": Flag.FREELEECH_75,
    "freeleech50": Flag.HALFLEECH,
    "halfleech": Flag.HALFLEECH,
    "freeleech25": Flag.FREELEECH_25,
    "doubleupload": Flag.DOUBLE_UPLOAD,
    "internal": Flag.INTERNAL,
    "scene": Flag.SCENE,
    "oscene": Flag.SCENE,
    "nuked": Flag.NUKED,
}
"""Origins and tags."""

KINDS = {
    **dict.fromkeys(("episode", "season", "series", "show", "tv", "tvshow"), Target.SONARR),
    **dict.fromkeys(("movie", "movies", "film"), Target.RADARR),
}
"""Types of releases, Autobrr's and other spellings of them."""

OTHER_KINDS = frozenset(
    (
        *("app", "audiobook", "book", "comic", "education", "game", "magazine", "music"),
        *("album", "single", "ep"),
    )
)
"""Types that neither of the two programs takes."""

_NOTHING = ("<no value>", "<nil>")
_UNMEANT = re.compile(r"[\s_-]+")
_BYTES = re.compile(r"\[([0-9\s]*+)\]")
_UNIX = re.compile(r"[0-9]{1,19}(?:\.[0-9]+)?")
_BASE64 = re.compile(r"([A-Za-z0-9+/]*+)=*+")
_ID = re.compile(r"(?:tt)?([0-9]{1,19})", re.IGNORECASE)
_WORD_END = re.compile(r"[,|/]")
_BREAK = r"(?<![^\W_])"
_SERIES = re.compile(
    rf"{_BREAK}(?:s[0-9]{{1,4}}[\W_]{{0,3}}e[0-9]{{1,4}}"
    r"|(?:s[0-9]{1,2}|s20[0-9]{2}|e[0-9]{2,3}|[0-9]{1,2}x[0-9]{2,3})(?![^\W_])"
    r"|(?:season|series|saison|staffel|temporada|stagione)[\W_]{0,3}[0-9]{1,2}(?![^\W_])"
    r"|(?:19|20)[0-9]{2}[\W_](?:0[1-9]|1[0-2])[\W_](?:0[1-9]|[12][0-9]|3[01])(?![^\W_])"
    r"|(?:0[1-9]|[12][0-9]|3[01])[\W_](?:0[1-9]|1[0-2])[\W_](?:19|20)[0-9]{2}(?![^\W_]))",
    re.IGNORECASE,
)
_ANIME = re.compile(r"\[[^\]]*+\].* - [0-9]{2,3}(?:v[0-9])?(?![^\s\[(.])")
_YEAR = re.compile(rf"{_BREAK}(?:19|20)[0-9]{{2}}(?![^\W_])")


class BadAnnouncement(ValueError):
    """Fields that make no release; the sentence names the field and what would be right."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What was announced; "" stands for not given. `repr` has no values."""

    release: Release
    """Without what the .torrent says: that is for whoever has read it."""
    data: bytes = b""
    """Of the .torrent."""
    problems: tuple[str, ...] = ()
    """What was left out, and what would have been right; one sentence each."""
    path: str = ""
    """Of the .torrent on disk, untrusted."""
    target: str = ""
    """What the body itself says, in lower case."""
    kind: str = ""
    """The type of the release, in lower case."""

    def __repr__(self) -> str:
        return f"<Announcement data={len(self.data)} path={bool(self.path)}>"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def announcement(fields: Mapping[str, Any], now: Callable[[], dt.datetime] = _now) -> Announcement:
    """Return what a body says. Raises BadAnnouncement.

    `now` returns an aware time; it is asked whether a date lies ahead.
    """
    given = _given(fields)
    problems: list[str] = []

    def text(names: tuple[str, ...]) -> str:
        try:
            return _text(given, names)
        except BadAnnouncement as problem:
            problems.append(str(problem))
            return ""

    _check_protocol(given, text(PROTOCOL))
    data, problem = _data(given)
    release = Release(
        name=text(NAME),
        url=text(URL),
        magnet=text(MAGNET),
        infohash=text(INFOHASH),
        indexer=text(INDEXER),
        size=_size(given),
        info_url=text(INFO_URL),
        published=_published(given, now),
        download_client=text(CLIENT),
        flags=frozenset(_flags(given)),
        imdb=_number(given, IMDB),
        tvdb=_number(given, TVDB),
        tmdb=_number(given, TMDB),
    )
    path, target, kind = text(PATH), text(TARGET).lower(), text(KIND).lower()
    left_out = (*problems, problem) if problem else tuple(problems)
    return Announcement(
        release=release, data=data, problems=left_out, path=path, target=target, kind=kind
    )


def target_of(asked: str, said: Announcement) -> Target:
    """Return who gets it; `asked` is what the query says, "" nothing. Raises BadAnnouncement."""
    word = asked.strip().lower() or said.target or "auto"
    if word in {target.value for target in Target}:
        return Target(word)
    if word != "auto":
        raise BadAnnouncement("the target must be sonarr, radarr or auto")
    kind = _plain(said.kind)
    if kind in OTHER_KINDS:
        raise BadAnnouncement(
            "Type names what neither Sonarr nor Radarr takes; auto is for an episode, a season"
            " or a movie"
        )
    found = KINDS.get(kind) or _target_by_name(_name(said.release)[:LONGEST_NAME])
    if not found:
        raise BadAnnouncement(
            "neither the type nor the name tells whether this is for Sonarr or Radarr;"
            " the target must be sonarr or radarr, or Type be episode or movie"
        )
    return found


def _target_by_name(name: str) -> Target | None:
    if _SERIES.search(name) or _ANIME.match(name):
        return Target.SONARR
    return Target.RADARR if _YEAR.search(name) else None


def _name(release: Release) -> str:
    """Return the name that the release will go by."""
    if release.name:
        return release.name
    if release.torrent:
        return release.torrent.name
    try:
        return parse_magnet(release.magnet or release.url).name
    except BadMetainfo:
        return ""


def _plain(text: str) -> str:
    return _UNMEANT.sub("", text).lower()


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given, under plain names."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if not _is_nothing(value):
            found.setdefault(_plain(name), value)
    return found


def _is_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return not value or value.isspace() or any(nothing in value for nothing in _NOTHING)
    return value is None or value in ([], b"")


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
    """Return the first of the names that is given and its value; the last and None if none is."""
    for name in names:
        if _plain(name) in given:
            return name, given[_plain(name)]
    return names[-1], None


def _text(given: Mapping[str, Any], names: tuple[str, ...]) -> str:
    name, value = _first(given, names)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64:
        return str(value)
    if not isinstance(value, str | None):
        raise BadAnnouncement(f"{name} must be text in quotes")
    return (value or "").strip()


def _check_protocol(given: Mapping[str, Any], protocol: str) -> None:
    if protocol.lower() in NOT_TORRENTS:
        name, _value = _first(given, PROTOCOL)
        raise BadAnnouncement(f"{name} must be torrent: releases of the Usenet are not taken")


def _size(given: Mapping[str, Any]) -> int | None:
    """Return bytes; 0 for what is no number, None when nobody knows."""
    _name, value = _first(given, SIZE)
    return None if value in (None, 0, "0") else size_of(value)


def _number(given: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """Return the number of a database; 0 for what is none."""
    found = _ID.fullmatch(_line(_first(given, names)[1]))
    number = int(found[1]) if found else 0
    return number if number <= LARGEST_ID else 0


def _flags(given: Mapping[str, Any]) -> Iterator[Flag]:
    percent = _line(_first(given, FREELEECH_PERCENT)[1]).removesuffix("%")
    if percent in PERCENTS:
        yield PERCENTS[percent]
    elif percent in {"", "0"} and _line(_first(given, FREELEECH)[1]).lower() in YES:
        yield Flag.FREELEECH
    for names in (ORIGIN, TAGS):
        for word in _words(_first(given, names)[1]):
            if flag := WORDS.get(_plain(word)):
                yield flag


def _words(value: Any) -> list[str]:
    """Return the words of a list, or of a text as Autobrr writes one."""
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return _WORD_END.split(value) if isinstance(value, str) else []


def _line(value: Any) -> str:
    """Return what only helps as a short text; "" for what cannot be one."""
    if isinstance(value, int) and value.bit_length() >= 64:
        return ""
    return str(value).strip()[:LONGEST_LINE] if isinstance(value, int | float | str) else ""


def _published(given: Mapping[str, Any], now: Callable[[], dt.datetime]) -> dt.datetime | None:
    text = _line(_first(given, PUBLISHED)[1])
    if not text:
        return None
    latest = now() + LATEST
    try:
        moment = _moment(text)
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        # Each reader of dates has its own errors for what is none.
        return None
    return moment.astimezone(dt.UTC) if EARLIEST <= moment <= latest else None


def _moment(text: str) -> dt.datetime:
    """Return the aware time that is told, else raise one of several errors."""
    if _UNIX.fullmatch(text):
        return dt.datetime.fromtimestamp(_seconds(float(text)), dt.UTC)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _seconds(number: float) -> float:
    """Return Unix seconds, also of milliseconds, which are more than seconds will be for ages."""
    return number / 1000 if number > 10**11 else number


def _data(given: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the bytes of the .torrent, and why there are none."""
    name, value = _first(given, DATA)
    if value is None or isinstance(value, bytes):
        return value or b"", ""
    try:
        return _bytes(value), ""
    except (ValueError, TypeError):
        return b"", (
            f"{name} must be the .torrent in base64, in a template of Autobrr"
            " {{ .TorrentDataRawBytes | toString | b64enc }}"
        )


def _bytes(value: Any) -> bytes:
    """Read bytes. Raises ValueError or TypeError."""
    if isinstance(value, list):
        return bytes(value)
    if not isinstance(value, str):
        raise TypeError
    text = value.strip()
    if listed := _BYTES.fullmatch(text):
        return bytes(map(int, listed[1].split()))
    if text[:5].lower() == "data:":
        return _data_uri(text)
    return _base64(text)


def _data_uri(text: str) -> bytes:
    head, comma, body = text.partition(",")
    if not comma:
        raise ValueError
    decoded = unquote_to_bytes(body)
    return _base64(decoded.decode("ascii")) if head.lower().endswith(";base64") else decoded


def _base64(text: str) -> bytes:
    """Read base64 of either alphabet, with line breaks, with or without padding."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    found = _BASE64.fullmatch(plain)
    if not found:
        raise ValueError
    return base64.b64decode(found[1] + "=" * (-len(found[1]) % 4))
