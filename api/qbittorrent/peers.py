"""Who asks: the other end of the connection, or who is behind a reverse proxy that is trusted.

Everybody can write an X-Forwarded-For header, so it counts only from proxies that the settings
name, and only as far back as they go.
"""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def asking(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the address that a request counts for.

    `peer` is the other end of the connection, `forwarded` the X-Forwarded-For headers in order.
    Each proxy adds at the end whom it heard, so the last one that is no proxy of ours is meant.
    """
    if not trusted:
        return peer
    chain = [part.strip() for line in forwarded for part in line.split(",")]
    found = peer
    while chain and _is_in(found, trusted):
        before = chain.pop()
        if _parsed(before) is None:
            break
        found = before
    return found


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
