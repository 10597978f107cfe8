"""What a magnet URI says: which torrent, under what name, from which trackers (BEP 9).

Seen in the wild and taken: hashes in hex or base32 and in any letter case, several `xt`, numbered
parameters (`xt.1`, `tr.2`), an escaped `urn%3Abtih%3A`, `&amp;` from web pages, a bare hash.
No message repeats any of the input: trackers may hold passkeys.
"""

import base64
import re
from urllib.parse import unquote, unquote_plus

import msgspec

from engine.metainfo.errors import BadMetainfo

MAX_URI = 128 * 1024
"""Characters. Hundreds of trackers fit; what is longer is no magnet."""

_HEX = re.compile(r"[0-9a-f]{40}", re.ASCII | re.IGNORECASE)
_BASE32 = re.compile(r"[a-z2-7]{32}", re.ASCII | re.IGNORECASE)


class Magnet(msgspec.Struct, frozen=True):
    """A magnet. `repr` leaves trackers and URI out: they may hold passkeys."""

    infohash: str
    """40 lower-case hex digits."""
    name: str
    """`dn`, untrusted; "" when there is none."""
    trackers: tuple[str, ...]
    """Every `tr`, in order."""
    uri: str
    """What to hand on: the URI as it was given, all trackers kept."""

    def __repr__(self) -> str:
        return f"<Magnet {self.infohash} name={self.name!r} trackers={len(self.trackers)}>"


def parse_magnet(uri: str) -> Magnet:
    """Read a magnet URI or a bare infohash. Raises BadMetainfo."""
    text = uri.strip().replace("&amp;", "&")
    if bare := _read_hash(text):
        return Magnet(bare, "", (), f"magnet:?xt=urn:btih:{bare}")
    query = _query(text)
    parameters = [_parameter(part) for part in query.split("&")]
    names = [unquote_plus(value).strip() for key, value in parameters if key == "dn"]
    return Magnet(
        infohash=_infohash([unquote(value) for key, value in parameters if key == "xt"]),
        name=next(filter(None, names), ""),
        # A plus sign in a tracker's URL is a plus sign: no URL holds a space.
        trackers=tuple(unquote(value) for key, value in parameters if key == "tr" and value),
        uri=f"magnet:?{query}",
    )


def _query(text: str) -> str:
    """Return what follows `magnet:?`."""
    scheme, _, query = text.partition("?")
    if scheme.lower() not in {"magnet:", "magnet://", "magnet:/"}:
        raise BadMetainfo(
            "this is neither a magnet URI (magnet:?xt=urn:btih:...) nor an infohash of"
            " 40 hex digits or 32 base32 letters"
        )
    if len(text) > MAX_URI:
        raise BadMetainfo(f"the magnet URI is longer than {MAX_URI} characters")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise BadMetainfo("the magnet URI holds characters that are no text") from None
    return query


def _parameter(part: str) -> tuple[str, str]:
    """Split `xt.1=value` into `xt` and the value, which is still escaped."""
    key, _, value = part.partition("=")
    return key.partition(".")[0].lower(), value


def _infohash(topics: list[str]) -> str:
    """Return the v1 infohash among the exact topics (`xt`)."""
    btih = [topic[9:] for topic in topics if topic[:9].lower() == "urn:btih:"]
    hashes = {found for found in map(_read_hash, btih) if found}
    if len(hashes) > 1:
        raise BadMetainfo("the magnet URI names several torrents; it must have one btih")
    if hashes:
        return hashes.pop()
    if btih:
        raise BadMetainfo(
            "the magnet URI's btih must be a hash of 40 hex digits or 32 base32 letters"
        )
    if any(topic[:9].lower() == "urn:btmh:" for topic in topics):
        raise BadMetainfo(
            "this magnet URI is for a BitTorrent v2-only torrent (btmh), which AllDebrid cannot"
            " fetch; a magnet with a btih is needed"
        )
    raise BadMetainfo("the magnet URI names no torrent: it has no xt=urn:btih:...")


def _read_hash(text: str) -> str:
    """Return a hex or base32 infohash as 40 lower-case hex digits; "" if it is neither."""
    if _HEX.fullmatch(text):
        return text.lower()
    if _BASE32.fullmatch(text):
        return base64.b32decode(text.upper()).hex()
    return ""
