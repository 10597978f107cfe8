"""URLs of downloads: parsed strictly once, never shown.

Rules
    A link is a secret. `repr` shows scheme, host and port; no message carries the path, the query
    or the user's name.

    What a `Url` holds can be put on the wire as it stands: it is ASCII without spaces and without
    control characters, so no header can be smuggled in through a link or a redirect.

    Path and query are sent as they were given, percent-encoding and all: some hosts sign them.

    Redirects are judged by `follow`, which needs to see the whole trail: once a download began
    over https, no later hop may leave it for plain http on a public address.
"""

import base64
import ipaddress
import re
import urllib.parse
from collections.abc import Sequence

import msgspec

from engine.transfer.errors import NotTrusted, Unusable

MAX_URL = 16 * 1024
"""Characters. Signed links reach about 2 KiB; common servers stop reading at 8 KiB."""

MAX_HOST = 253
"""Characters of a name in DNS (RFC 1035)."""

MAX_REDIRECTS = 5
"""Hops. Sites need one or two; browsers give up at 20, but each hop is a round trip."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_AUTHORITY_END = re.compile(r"[/?#]")
# All printable ASCII: `quote` then touches only spaces and what is not ASCII.
_AS_GIVEN = "".join(map(chr, range(0x21, 0x7F)))


class Url(msgspec.Struct, frozen=True, kw_only=True):
    """An absolute http or https URL, ready for the wire. Make it with `parse_url`."""

    scheme: str
    """`http` or `https`."""
    host: str
    """Lower-case ASCII name, or an IP address without brackets."""
    port: int
    target: str
    """Path and query as sent in the request line; begins with `/`. A secret."""
    authorization: str = ""
    """Value of the Authorization header, made of the user part; empty when there was none."""

    def __repr__(self) -> str:
        return f"Url({self.origin}/...)"

    @property
    def authority(self) -> str:
        """Value of the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what connections, limits and credentials belong to."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_private(self) -> bool:
        """True for `localhost` and for loopback, private and link-local addresses.

        Other names count as public: nobody can tell without asking the network.
        """
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        # Every ::ffff:a.b.c.d passes for private, whatever the IPv4 address in it is.
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or address.is_private or address.is_link_local


def parse_url(text: str) -> Url:
    """Return `text` as a Url; a fragment is dropped, a user part becomes Basic authorization.

    Spaces and characters beyond ASCII in path and query are percent-encoded, everything else is
    kept. Raises Unusable, in words that do not repeat the URL.
    """
    text = text.strip(" ")
    if len(text) > MAX_URL:
        raise Unusable(f"the URL is longer than {MAX_URL} characters")
    if _CONTROLS.search(text):
        raise Unusable("the URL holds control characters; they must be percent-encoded")
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise Unusable("the URL must begin with http:// or https://")
    cut = _AUTHORITY_END.search(rest)
    authority, tail = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    userinfo, _, address = authority.rpartition("@")
    host, port = _split_port(address)
    return Url(
        scheme=scheme,
        host=_host(host),
        port=DEFAULT_PORTS[scheme] if port is None else port,
        target=_target(tail.partition("#")[0]),
        authorization=_basic(userinfo) if userinfo else "",
    )


def resolve(base: Url, location: str) -> Url:
    """Return where a Location header leads, seen from `base`.

    The authorization of `base` goes along only within its own origin. Raises Unusable.
    """
    if _CONTROLS.search(location):
        raise Unusable("the server redirects to a URL with control characters")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", location):
        try:
            location = urllib.parse.urljoin(base.origin + base.target, location)
        except ValueError:
            raise Unusable("the server redirects to something that is no URL") from None
    target = parse_url(location)
    if base.authorization and not target.authorization and target.origin == base.origin:
        return msgspec.structs.replace(target, authorization=base.authorization)
    return target


def follow(trail: Sequence[Url], location: str) -> Url:
    """Return the next URL to ask, after the URLs of `trail` (the first is where it began).

    Raises NotTrusted when it would leave https for plain http on a public address, Unusable when
    there are too many hops, when they go in a circle, or when `location` is no URL.
    """
    target = resolve(trail[-1], location)
    if len(trail) > MAX_REDIRECTS:
        raise Unusable(f"the server redirects more than {MAX_REDIRECTS} times")
    began_safe = any(url.scheme == "https" for url in trail)
    if began_safe and target.scheme == "http" and not target.is_private:
        raise NotTrusted(f"{trail[-1].host} redirects from https to plain http")
    if any((url.origin, url.target) == (target.origin, target.target) for url in trail):
        raise Unusable(f"{target.host} redirects in a circle")
    return target


def _split_port(address: str) -> tuple[str, int | None]:
    """Split `host:port`; brackets stay on an IPv6 host."""
    host, colon, digits = address.rpartition(":")
    if not colon or digits.endswith("]"):
        return address, None
    if not digits:
        return host, None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536):
        raise Unusable("the URL's port must be a number from 1 to 65535")
    return host, int(digits)


def _host(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        try:
            address = ipaddress.IPv6Address(text[1:-1])
        except ValueError:
            raise Unusable("the URL's address in brackets is no IPv6 address") from None
        if address.scope_id:
            raise Unusable("the URL's IPv6 address must not name an interface")
        return str(address)
    if not text:
        raise Unusable("the URL names no host")
    try:
        # Long names first: the codec's time grows faster than the name.
        name = "" if len(text) > MAX_HOST else text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    name = name.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise Unusable("the URL's host is no valid name")
    return name


def _target(text: str) -> str:
    try:
        encoded = urllib.parse.quote(text, safe=_AS_GIVEN)
    except UnicodeEncodeError:
        raise Unusable("the URL holds characters that are no text") from None
    return encoded if encoded.startswith("/") else f"/{encoded}"


def _basic(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    try:
        plain = b":".join(urllib.parse.unquote_to_bytes(part) for part in (user, password))
    except UnicodeEncodeError:
        raise Unusable("the URL's user part holds characters that are no text") from None
    return "Basic " + base64.b64encode(plain).decode("ascii")
