"""Which addresses may be talked to: https anywhere, plain http only to this house.

Pure; resolves no names, so a name counts as private only when it is `localhost` or ends in
`.localhost` (RFC 6761). No message here carries the address: links are secrets.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
"""Characters that two URL parsers may read as two different hosts."""

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Loopback, RFC 1918, link-local, and their IPv6 counterparts."""


class BadAddress(ValueError):
    """Not an http(s) URL we would send anything to; the message says why in one sentence."""


def allowed_url(url: str) -> str:
    """Return `url` as it may be used: plain http to a public host becomes https.

    Raises BadAddress when it is no http or https URL with a host.
    """
    parts = _split(url)
    if parts.scheme == "https" or is_private(parts.hostname or ""):
        return url
    netloc = parts.netloc.removesuffix(":80")
    return parts._replace(scheme="https", netloc=netloc).geturl()


def base_url(url: str) -> str:
    """Return the address of an API server, allowed and without a trailing slash.

    Raises BadAddress, also for a query or a fragment: paths are appended to a base.
    """
    parts = _split(url)
    if parts.query or parts.fragment:
        raise BadAddress("the address has a query or a fragment, a base address has neither")
    return allowed_url(url).rstrip("/")


def is_private(host: str) -> bool:
    """Tell whether `host` (a name or an address without brackets) is this machine or this house."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _PRIVATE)


def _split(url: str) -> SplitResult:
    if _ODD.search(url):
        raise BadAddress("the address holds a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError:
        raise BadAddress("the address cannot be read as a URL") from None
    if parts.scheme not in {"http", "https"}:
        raise BadAddress("the address does not start with https:// or http://")
    if not parts.hostname:
        raise BadAddress("the address names no host")
    return parts
