"""From what was posted to what is offered to the outbox.

Rules
    The .torrent comes from the body, else from the path. Without one that can be read, the release
    goes on with its URL, magnet or infohash; that is noted, for the program may not be able to
    fetch it by itself. So is a link that is none, as long as there is another. If nothing is left
    to fetch, it is refused.
    What takes longer for being large is done in a thread.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar, TypeVarTuple

import msgspec

from api.webhook import paths
from api.webhook.config import WebhookConfig
from arrpush.accepting import Offer
from arrpush.announcement import Announcement, BadAnnouncement, announcement, target_of
from arrpush.lenient import fields
from arrpush.payload import Release, usable
from engine.jobs.fetch import in_thread
from engine.jobs.intake import THREAD_FROM, parsed
from engine.metainfo import BadMetainfo, Metainfo

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Offered(msgspec.Struct, frozen=True):
    """What a webhook comes to."""

    offer: Offer
    note: str
    """What was left out, in one sentence; "" for nothing."""


class _Found(msgspec.Struct, frozen=True):
    """The .torrent of an announcement, if there is one."""

    data: bytes = b""
    torrent: Metainfo | None = None
    problems: tuple[str, ...] = ()
    """Why others could not be read."""


async def announced(body: bytes) -> Announcement:
    """Return what a body says. Raises BadJson and BadAnnouncement."""
    return await _aside(len(body), _read, body)


async def offered(said: Announcement, asked: str, base: str, config: WebhookConfig) -> Offered:
    """Return what is offered; `asked` is the target in the query, `base` where we were reached.

    Raises BadAnnouncement.
    """
    found = await _find(said, config)
    release, left_out = usable(_completed(said.release, found.torrent, config))
    note = "; ".join((*said.problems, *found.problems, *left_out))
    if note and not found.data and not (release.url or release.magnet or release.infohash):
        raise BadAnnouncement(note)
    said = msgspec.structs.replace(said, release=release)
    offer = Offer(release=release, target=target_of(asked, said), torrent=found.data, base=base)
    return Offered(offer, note)


async def _find(said: Announcement, config: WebhookConfig) -> _Found:
    problems: list[str] = []
    for name, load in _sources(said, config):
        try:
            data = await load()
            return _Found(data, await parsed(data), tuple(problems))
        except (BadMetainfo, paths.BadPath) as problem:
            problems.append(f"the .torrent {name} is left out: {problem}")
    return _Found(problems=tuple(problems))


def _sources(
    said: Announcement, config: WebhookConfig
) -> Iterator[tuple[str, Callable[[], Awaitable[bytes]]]]:
    """Yield where a .torrent may come from."""

    async def in_body() -> bytes:
        return said.data

    async def on_disk() -> bytes:
        # In a thread, however small: the disk may be one of the network.
        return await in_thread(paths.read, said.path, config.torrent_dirs, config.max_upload)

    if said.data:
        yield "in the body", in_body
    if said.path:
        yield "on disk", on_disk


def _completed(release: Release, torrent: Metainfo | None, config: WebhookConfig) -> Release:
    return msgspec.structs.replace(
        release,
        torrent=torrent,
        indexer=release.indexer or config.indexer,
        download_client=release.download_client or config.download_client,
    )


def _read(body: bytes) -> Announcement:
    return announcement(fields(body))


async def _aside(size: int, work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await in_thread(work, *args) if size > THREAD_FROM else work(*args)
