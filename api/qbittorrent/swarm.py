"""torrents/...: trackers, peers and seeding, which are AllDebrid's business.

Trackers are shown as they were added. What would change them is checked as in qBittorrent and has
no effect: nothing here announces. So it is with peers, whom nobody here would connect to.
"""

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from litestar import Response

from api.qbittorrent import present
from api.qbittorrent.answers import Refused, json, text
from api.qbittorrent.context import Context
from api.qbittorrent.endpoints import acts, reads, under
from api.qbittorrent.named import named
from api.qbittorrent.parameters import Parameters, digits
from api.qbittorrent.texts import tracker_host

LARGEST_PORT = 65_535

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)


class PeersAdded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the peers that were named for a torrent, in numbers."""

    added: int = 0
    failed: int


@reads("trackers")
async def trackers(context: Context, parameters: Parameters) -> Response[bytes]:
    """List the trackers of one torrent."""
    return json(present.trackers(named(context, parameters)))


@acts("addTrackers")
async def add_trackers(context: Context, parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing."""
    parameters.required("hash")
    parameters.required("urls")
    named(context, parameters)
    return text()


@acts("editTracker")
async def edit_tracker(context: Context, parameters: Parameters) -> Response[bytes]:
    """Check what is asked for, and do nothing.

    A tracker may be named as it was added or as it is shown, which is without its secrets. Only
    what is shown of it is compared: the rest is not kept where anybody could ask for it.
    """
    parameters.required("hash")
    old, new = parameters.required("origUrl"), parameters.required("newUrl")
    there = named(context, parameters).trackers
    if not is_url(new):
        raise Refused(HTTPStatus.BAD_REQUEST, "New tracker URL is invalid")
    if new in there and new != old:
        raise Refused(HTTPStatus.CONFLICT, "New tracker URL already exists")
    if tracker_host(old) not in map(tracker_host, there):
        raise Refused(HTTPStatus.CONFLICT, "Tracker not found")
    return text()


@acts("removeTrackers")
async def remove_trackers(context: Context, parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing."""
    parameters.required("hash")
    parameters.required("urls")
    named(context, parameters)
    return text()


@acts("addPeers")
async def add_peers(context: Context, parameters: Parameters) -> Response[bytes]:
    """Say of each torrent that none of the peers was added."""
    chosen, peers = parameters.hashes(), parameters.required("peers").split("|")
    if not any(map(is_peer, peers)):
        raise Refused(HTTPStatus.BAD_REQUEST, "No valid peers were specified")
    there = {view.record.hash for view in context.torrents.views()}
    failed = PeersAdded(failed=len(peers))
    return json(dict.fromkeys(_sorted(there, chosen), failed))


@acts("reannounce")
async def reannounce(parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing: AllDebrid announces when it sees fit."""
    parameters.hashes()
    return text()


@acts("setSuperSeeding")
async def set_super_seeding(parameters: Parameters) -> Response[bytes]:
    """Take note and do nothing: nothing is seeded."""
    parameters.hashes()
    parameters.required("value")
    return text()


def is_url(url: str) -> bool:
    """Return whether this may be the URL of a tracker, also without a scheme."""
    scheme, colon, _ = url.partition("/")[0].partition(":")
    return bool(url) and (not colon or _SCHEME.fullmatch(scheme) is not None)


def is_peer(peer: str) -> bool:
    """Return whether this is an address with a port: `192.0.2.1:6881` or `[2001:db8::1]:6881`."""
    host, _, port = peer.strip().rpartition(":")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return 0 < (digits(port) or 0) <= LARGEST_PORT


def _sorted(there: set[str], chosen: Iterable[str] | None) -> list[str]:
    return sorted(there if chosen is None else there.intersection(chosen))


ENDPOINTS = under(
    "torrents",
    trackers,
    add_trackers,
    edit_tracker,
    remove_trackers,
    add_peers,
    reannounce,
    set_super_seeding,
)
