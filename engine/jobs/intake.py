"""From what was added to a torrent's first record, and from .torrent files to what they say."""

import msgspec

from engine.jobs.fetch import in_thread
from engine.jobs.layout import Layout, planned
from engine.jobs.names import is_real_name
from engine.jobs.snapshot import Facts, facts_of
from engine.jobs.views import AddRequest, BadTorrent
from engine.metainfo import BadMetainfo, Metainfo, parse_magnet, parse_torrent

THREAD_FROM = 1 << 20
"""Bytes from which on a .torrent is read in a thread: the worst one of some MiB takes half a
second, for which the event loop must not stand still. Most are far smaller, and read at once."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What an AddRequest says of its torrent."""

    infohash: str
    name: str
    """A real name, or the infohash until there is one."""
    size: int = 0
    magnet: str = ""
    facts: Facts
    layout: Layout | None = None
    """Its files, as far as the .torrent tells; None for a magnet."""


async def received(request: AddRequest) -> Arrival:
    """Read a request without holding up the event loop. Raises BadTorrent."""
    if len(request.metainfo) > THREAD_FROM:
        return await in_thread(arrival, request)
    return arrival(request)


async def parsed(metainfo: bytes) -> Metainfo:
    """Read a .torrent that was taken before, without holding up the event loop."""
    if len(metainfo) > THREAD_FROM:
        return await in_thread(parse_torrent, metainfo)
    return parse_torrent(metainfo)


def arrival(request: AddRequest) -> Arrival:
    """Read a request. Pure; any thread may call. Raises BadTorrent."""
    if bool(request.magnet) == bool(request.metainfo):
        raise BadTorrent("give either a magnet URI or the bytes of a .torrent file")
    try:
        return _magnet(request) if request.magnet else _torrent(request)
    except BadMetainfo as error:
        raise BadTorrent(str(error)) from error


def _magnet(request: AddRequest) -> Arrival:
    magnet = parse_magnet(request.magnet)
    return Arrival(
        infohash=magnet.infohash,
        name=_name(request.rename, magnet.name, magnet.infohash),
        magnet=magnet.uri,
        facts=facts_of(None, magnet.uri),
    )


def _torrent(request: AddRequest) -> Arrival:
    meta = parse_torrent(request.metainfo)
    layout = planned(meta)
    return Arrival(
        infohash=meta.infohash,
        name=_name(request.rename, meta.name, meta.infohash),
        size=sum(file.size for file in layout.files),
        facts=facts_of(meta, ""),
        layout=layout,
    )


def _name(*candidates: str) -> str:
    return next((name for name in candidates if is_real_name(name)), candidates[-1])
