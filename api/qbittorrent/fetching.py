"""What is behind a URL that was given in the place of a .torrent file.

Whoever may add torrents lets this machine ask a server of their choice, so it is bounded: http and
https only, a size, a time for everything together, a few redirects. Each of these is looked at
again like the first URL. A redirect to a magnet is a magnet: Prowlarr, Jackett and trackers do so.

Addresses of this house and of this machine may be asked, because that is where Prowlarr and
Jackett are. What lies on the link itself may not, nor do the addresses where a cloud tells a
machine its secrets, nor what is no single machine's address.

The cookie goes to the host of the URL and, after a redirect, to that host only, and never from
https to http. URLs hold passkeys, so no message here repeats any of one.
"""

import asyncio
import ipaddress
import re
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit

from api.qbittorrent.context import Fetched
from engine.http.exchange import Answer, HttpTrouble, exchange
from engine.jobs.views import BadTorrent

TIMEOUT = 30.0
"""Seconds for all redirects together. Sonarr waits 100 for the answer to torrents/add."""

REDIRECTS = 5
"""A tracker behind Prowlarr takes two."""

ACCEPT = "application/x-bittorrent, */*;q=0.5"

_MOVED = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)

_MAGNET = re.compile(r"magnet:", re.IGNORECASE)
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
"""Characters that two readers of a URL may take for the end of two different hosts."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this machine, by a name nobody means
            "169.254.0.0/16",  # link-local; the metadata of most clouds
            "100.100.100.200/32",  # metadata: Alibaba
            "168.63.129.16/32",  # metadata: Azure
            "192.0.0.192/32",  # metadata: Oracle
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "::/128",
            "fe80::/10",  # link-local
            "fec0::/10",  # site-local, deprecated
            "fd00:ec2::254/128",  # metadata: Amazon
            "fd20:ce::254/128",  # metadata: Google
            "ff00::/8",  # multicast
        ),
    )
)

_WITH_IPV4 = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (("::ffff:0:0/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))
)
"""Networks whose addresses hold one of IPv4 (mapped, NAT64, 6to4), so many bits from the end."""


async def fetch(url: str, cookie: str = "", *, largest: int, ca_file: str | None = None) -> Fetched:
    """Return what an http(s) URL leads to: a file of at most `largest` bytes, or a magnet.

    `cookie` is the text of a Cookie header; `ca_file` holds certificates to trust instead of the
    system's. Raises BadTorrent, with a reason that holds nothing of the URL.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + TIMEOUT
    home = _checked(url)
    for _ in range(REDIRECTS + 1):
        parts = _checked(url)
        headers = {"Accept": ACCEPT}
        if cookie and _is_home(parts, home):
            headers["Cookie"] = _header(cookie)
        try:
            answer = await exchange(
                "GET",
                url,
                headers=headers,
                largest=largest,
                timeout=end - loop.time(),
                ca_file=ca_file,
                allowed=may_be_asked,
            )
        except HttpTrouble as trouble:
            raise BadTorrent(f"the URL cannot be fetched: {trouble}") from None
        if answer.status not in _MOVED:
            return _fetched(answer)
        url = _target(url, answer)
        if _MAGNET.match(url):
            return Fetched(magnet=url)
    raise BadTorrent(f"the URL cannot be fetched: more than {REDIRECTS} redirects")


def may_be_asked(address: Address) -> bool:
    """Return whether a server of this address may be asked for a torrent."""
    return not any(address in network for network in _NEVER) and all(
        may_be_asked(ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF))
        for network, shift in _WITH_IPV4
        if address in network
    )


def _checked(url: str) -> SplitResult:
    """Return the parts of a URL that may be asked. Raises BadTorrent."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError:
        raise BadTorrent("the URL cannot be read") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or _ODD.search(url):
        raise BadTorrent("only http and https URLs and magnets can be fetched")
    return parts


def _is_home(parts: SplitResult, home: SplitResult) -> bool:
    return parts.hostname == home.hostname and parts.scheme in {home.scheme, "https"}


def _header(cookie: str) -> str:
    """Return a cookie as it may stand in a header. Raises BadTorrent."""
    if not cookie.isascii() or not cookie.isprintable():
        raise BadTorrent("the cookie holds characters that no cookie has")
    return cookie


def _target(url: str, answer: Answer) -> str:
    """Return where a redirect leads. Raises BadTorrent."""
    location = answer.headers.get("location", "").strip()
    if _MAGNET.match(location):
        return location
    try:
        return urljoin(url, location.replace(" ", "%20"))
    except ValueError:
        raise BadTorrent("the URL cannot be fetched: it is redirected to what is none") from None


def _fetched(answer: Answer) -> Fetched:
    """Return what came. Raises BadTorrent for what is neither a .torrent nor a magnet."""
    if answer.status != HTTPStatus.OK:
        raise BadTorrent(f"the URL cannot be fetched: the server answered {answer.status}")
    if answer.body.startswith(b"d"):
        return Fetched(metainfo=answer.body)
    text = answer.body.decode("utf-8", "replace").strip() if len(answer.body) < 1 << 17 else ""
    if _MAGNET.match(text):
        return Fetched(magnet=text)
    if "html" in answer.headers.get("content-type", "").lower():
        raise BadTorrent("the URL leads to a web page, not to a .torrent; is a cookie missing?")
    raise BadTorrent("the URL leads to something that is no .torrent")
