"""Links to kept .torrent files: whoever has one may fetch the file, until the link is too old.

The program that a release is pushed to fetches the .torrent by itself, and has neither a login nor
a token for it. So the link is the secret: it names infohash and end, and is signed with a key that
nobody else has. Nothing about it is stored, so it holds through a restart.
"""

import hmac

import msgspec

PATH = "/arrpush/torrent/"
"""Where the links lead, below the address we are reached at."""

NAME = "/release.torrent"
"""What the file is called; the log masks the part before it."""

KEY_BYTES = 32
_HASH = 20
_TIME = 6
_SIGNATURE = 16
"""Bytes: 128 bits cannot be guessed."""


class Link(msgspec.Struct, frozen=True):
    """What a link says."""

    infohash: str
    until: int
    """Unix seconds."""


def token(key: bytes, link: Link) -> str:
    """Return a link as it stands in a URL: hex digits."""
    body = bytes.fromhex(link.infohash) + link.until.to_bytes(_TIME, "big")
    return (body + _signature(key, body)).hex()


def read(key: bytes, text: str, now: float) -> str | None:
    """Return the infohash that a token of ours names; None for any other, or one that is over."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    body, signature = data[: _HASH + _TIME], data[_HASH + _TIME :]
    if not hmac.compare_digest(signature, _signature(key, body)):
        return None
    until = int.from_bytes(body[_HASH:], "big")
    return body[:_HASH].hex() if now < until else None


def url(base: str, key: bytes, link: Link) -> str:
    """Return the URL of a link; `base` is where we are reached, such as `http://nas:6500`."""
    return f"{base}{PATH}{token(key, link)}{NAME}"


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"arrpush link" + body, "sha256")[:_SIGNATURE]
