"""Stars for the secrets of one payload, wherever somebody repeats them. Pure.

Theory
    A payload holds links with passkeys, and a program's answer may repeat any piece of them,
    escaped as it likes. So what a link is made of is collected: the link itself, the values in its
    query, what in its path looks like a key, and the same of links inside of it. Each is covered
    as it stands there, decoded and encoded. What is in the title or the infohash is no secret.

    JSON must be covered text by text, for escapes hide what stands between them. Any other text
    has the escapes of JSON and HTML taken out first (`plain`). One that was cut off when it was
    stored loses its last word too, which may be the beginning of a secret.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from arrpush import links
from arrpush.course import LONGEST_ANSWER

STARS = "********"

SHORTEST = 4
"""Characters of a secret; shorter ones would cover what is none."""

LONGEST = 8 * 1024
"""Characters of all links of one payload; with longer ones nothing is repeated at all. A magnet
with twenty trackers has some two thousand."""

NESTED = 2
"""How deep links inside of links are taken apart: a tracker in a magnet, and one step more."""

LINKS = ("downloadUrl", "magnetUrl", "infoUrl")
PUBLIC = ("title", "infoHash", "indexer")

_OURS = re.compile(
    rf"({'(?:/|%2F)'.join(links.PATH.strip('/').split('/'))}(?:/|%2F))[0-9a-f]+", re.IGNORECASE
)
_KEY = re.compile(r"(?=.*[0-9]).{8,}|.{16,}", re.DOTALL)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_LAST_WORD = re.compile(r"[^\s\"'<>`]*\Z")


class Cover:
    """Covers the secrets of one payload."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        known = [str(payload.get(name, "")) for name in LINKS]
        public = " ".join(str(payload.get(name, "")) for name in PUBLIC).lower()
        self._all = sum(map(len, known)) > LONGEST
        found = () if self._all else _secrets(known, public)
        self._secrets = sorted(found, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"<Cover of {'everything' if self._all else len(self._secrets)}>"

    def text(self, text: str) -> str:
        """Return a text that holds no secret."""
        if self._all and text:
            return STARS
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, STARS)
        return _OURS.sub(rf"\1{STARS}", text)


def plain(text: str) -> str:
    """Return a stored answer that is no JSON, so that secrets in it can be found."""
    if len(text.encode("utf-8", "replace")) >= LONGEST_ANSWER:
        text = _LAST_WORD.sub("", text)
    unescaped = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text.replace("\\/", "/"))
    return html.unescape(unescaped)


def _secrets(known: Iterable[str], public: str) -> Iterator[str]:
    """Return what is secret in links, in all its spellings and each once."""
    pieces = {piece for link in known for piece in _pieces(link, NESTED)}
    found = {one for piece in pieces for one in _spellings(piece)}
    return (one for one in found if len(one) >= SHORTEST and one.lower() not in public)


def _spellings(text: str) -> Iterator[str]:
    """Yield a piece of a link as it stands there, decoded, and encoded (once more)."""
    for one in {text, unquote(text), unquote_plus(text)}:
        escaped = quote(one, safe="")
        yield from (one, quote(one), quote(one, safe="/+"))
        yield from (escaped, re.sub("%..", _lower, escaped))


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _pieces(link: str, depth: int) -> Iterator[str]:
    """Yield a link and what is secret in it."""
    yield link
    try:
        parts = urlsplit(link)
    except ValueError:
        return
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at:
        yield userinfo
        yield from userinfo.split(":", 1)
    yield from filter(_KEY.fullmatch, parts.path.split("/"))
    for field in f"{parts.query}&{parts.fragment}".split("&"):
        value = field.partition("=")[2]
        yield value
        if depth and "/" in unquote(value):
            yield from _pieces(unquote(value), depth - 1)
