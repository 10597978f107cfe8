"""The outbox: releases that were announced here, on their way to Sonarr and Radarr.

Theory
    A release is accepted when it is stored (`accepting`), delivered to its program by the one
    `Delivery` of that program, and watched until its torrent is added here (`grabs`). Each of them
    reads the store and writes what became of it there, so a process that ends at any point goes on
    from there at the next start.

    The .torrent that came along with an announcement was fetched with cookies that the program does
    not have. So the program is given a link to it here instead of the indexer's URL (`links`), and
    whatever it adds then, AllDebrid is given these bytes.

Guarantees
    Nothing raises into whoever adds torrents but StoreError. Nothing here is waited for by the
    program's calls to us: they must be answered while a push is under way.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from arrpush import attempts, catalogue, course, links
from arrpush.accepting import Desk, Offer, Taken
from arrpush.arr import Arr
from arrpush.callers import Callers
from arrpush.delivery import Delivery, Ways
from arrpush.grabs import Grabs
from arrpush.line import Timing
from arrpush.payload import Target
from arrpush.steady import steadily
from engine.store import kept, pushes, releases, values
from engine.store.errors import StoreError
from engine.store.records import PushRecord, TorrentRecord
from engine.store.store import Connection, Store

LINK_KEY = "arrpush_link_key"
"""Name of the value in the store that links are signed with."""

DAY = 24 * 3600

CHORES = 6 * 3600.0
"""Seconds between two times that what is too old is forgotten."""

MOST_KEPT = 256 * 1024 * 1024
"""Bytes of .torrent files that are kept together: some thousands of them."""

GRABBED_SINCE = DAY
"""Seconds that a .torrent is kept when nobody should need it: a grab may be tried again."""

logger = logging.getLogger("arrpush.outbox")


class OutboxConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of the outbox is settable."""

    url: str = ""
    """Where the programs reach us, without a slash at the end; "" to find out."""
    patience: float = 2 * DAY
    """Seconds that a release waits for its program."""
    keep: float = 90 * DAY
    """Seconds that what is known of releases is kept."""
    keep_most: int = 10_000
    """Releases that are known at most."""
    keep_torrents: float = 7 * DAY
    """Seconds that a .torrent is kept, and that a link to it leads there."""


class NotSetUp(Exception):
    """There is no such program here; the message says what is to be set."""


class Outbox:
    """Everything between an announcement and a grab. The event loop's thread only."""

    def __init__(
        self,
        store: Store,
        programs: Mapping[Target, Arr],
        config: OutboxConfig | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._store = store
        self._config = config or OutboxConfig()
        self._timing = timing or Timing()
        self._programs = {target.value: arr for target, arr in programs.items()}
        self._desk = Desk(store, self._timing.now)
        self._grabs = Grabs(store, self._programs, self._timing, self._changed)
        ways = Ways(
            body=self._body,
            changed=self._changed,
            log=attempts.log,
            patience=self._config.patience,
        )
        self._deliveries = {
            target: Delivery(target, arr, store, ways, self._timing)
            for target, arr in self._programs.items()
        }
        self._link_key = b""
        urls = {target: arr.url for target, arr in self._programs.items()}
        self._callers = Callers(store, urls, self._timing.monotonic)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._hurried = False
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<Outbox to {', '.join(self._programs) or 'nobody'}>"

    async def start(self) -> None:
        """Deliver what is stored, and from then on what is accepted. Raises StoreError."""
        self._link_key = bytes.fromhex(await self._store.run(_link_key))
        await self._callers.load()
        self._tasks = [
            asyncio.create_task(work, name="arrpush")
            for work in (
                self._grabs.run(),
                steadily(self._tidy, self._timing, logger, "chores"),
                *(delivery.run() for delivery in self._deliveries.values()),
            )
        ]

    def hurry(self) -> None:
        """Let nobody wait any more: the service is about to end."""
        self._hurried = True
        for waiting in self._waiting.values():
            for event in waiting:
                event.set()

    async def stop(self) -> None:
        """Deliver nothing more; what is under way is looked after at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._callers.stop()

    # What is announced

    async def accept(self, offer: Offer) -> Taken:
        """Take a release; when this returns, nothing but its program can stop it.

        Raises NotSetUp, BadRelease and StoreError.
        """
        name = offer.target.value
        if name not in self._programs:
            raise NotSetUp(
                f"{name.capitalize()} is not set up here; set {name.upper()}_URL and"
                f" {name.upper()}_API_KEY"
            )
        base = offer.base or self._config.url
        taken = await self._desk.accept(msgspec.structs.replace(offer, base=base))
        if not taken.known:
            self._deliveries[name].wake()
        return taken

    async def get(self, push_id: str) -> PushRecord | None:
        """Return what became of a release, or None. Raises StoreError."""
        return await self._store.run(lambda db: pushes.get(db, push_id))

    async def recent(self, most: int) -> list[PushRecord]:
        """Return the last releases, the most recent first. Raises StoreError."""
        return await self._store.run(lambda db: pushes.recent(db, most))

    async def wait(self, push_id: str, seconds: float) -> PushRecord | None:
        """Return what became of a release, once it has ended or that time is over.

        Raises StoreError.
        """
        changed = asyncio.Event()
        with self._listening(push_id, changed), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    changed.clear()
                    record = await self.get(push_id)
                    if record is None or course.ended(record) or self._hurried:
                        return record
                    await changed.wait()
        return await self.get(push_id)

    # What the programs fetch and add

    async def torrent(self, token: str) -> bytes | None:
        """Return the .torrent that a link leads to, or None. Raises StoreError."""
        key = self._link_key
        infohash = links.read(key, token, self._timing.now()) if key else None
        if infohash is None:
            return None
        self._grabs.fetched(infohash)
        return await self._store.run(lambda db: kept.get(db, infohash))

    async def original(self, infohash: str) -> bytes | None:
        """Return the .torrent that an announcement came with, or None. Raises StoreError."""
        return await self._store.run(lambda db: kept.get(db, infohash))

    async def added(self, infohash: str, name: str, size: int, agent: str = "") -> None:
        """Note that a torrent was added here; `agent` is the User-Agent of who did.

        Raises StoreError.
        """
        await self._grabs.added(infohash, name, size, self._callers.program(agent))

    def called(self, agent: str, base: str, address: str) -> None:
        """Note that a User-Agent has reached us at `base`; see `Callers.called`."""
        self._callers.called(agent, base, address)

    def finished(self, torrent: TorrentRecord) -> None:
        """Note a torrent that is complete; returns at once."""
        now = self._timing.now()
        with contextlib.suppress(StoreError):  # it is known by the name it was added with
            self._store.submit(
                lambda db: catalogue.learn(db, torrent.name, torrent.hash, now, size=torrent.size)
            )

    # What is behind all that

    def _changed(self, record: PushRecord) -> None:
        for waiting in self._waiting.get(record.id, ()):
            waiting.set()
        if record.state == course.State.APPROVED:
            self._grabs.wake()
        elif record.state == course.State.WAITING and record.target in self._deliveries:
            self._deliveries[record.target].wake()

    @contextlib.contextmanager
    def _listening(self, push_id: str, changed: asyncio.Event) -> Iterator[None]:
        self._waiting.setdefault(push_id, set()).add(changed)
        try:
            yield
        finally:
            self._waiting[push_id].discard(changed)
            if not self._waiting[push_id]:
                del self._waiting[push_id]

    def _body(self, db: Connection, record: PushRecord) -> dict[str, Any]:
        """Return the JSON to push; a work.

        A program prefers a magnet to a URL, so there is none beside a link of ours.
        """
        body: dict[str, Any] = msgspec.json.decode(record.payload)
        if record.guessed or not kept.has(db, record.infohash):
            return body
        base = self._base(record)
        if not base:
            magnet = f"magnet:?xt=urn:btih:{record.infohash}&dn={quote(record.title, safe='')}"
            return {**body, "magnetUrl": body.get("magnetUrl", magnet)}
        body.pop("magnetUrl", None)
        now = int(self._timing.now())
        kept.touch(db, record.infohash, now)
        link = links.Link(record.infohash, now + int(self._config.keep_torrents))
        return {**body, "downloadUrl": links.url(base, self._link_key, link)}

    def _base(self, record: PushRecord) -> str:
        """Return where the program reaches us: as set, as it calls us, as who announced did."""
        if not record.base:
            return ""
        return self._config.url or self._callers.base(record.target) or record.base

    async def _tidy(self) -> None:
        for record in await self._store.run(self._forget):
            self._changed(record)
        await self._timing.sleep(CHORES)

    def _forget(self, db: Connection) -> list[PushRecord]:
        """Forget what is too old, and return what was given up with it; a work."""
        now = self._timing.now()
        given_up = list(self._strangers(db, now))
        for record in given_up:
            pushes.save(db, record)
        old, most = int(now - self._config.keep), self._config.keep_most
        pushes.prune(db, old, most)
        releases.prune(db, old, most)
        keep = int(now - self._config.keep_torrents)
        kept.prune(db, keep, int(now - GRABBED_SINCE), MOST_KEPT)
        return given_up

    def _strangers(self, db: Connection, now: float) -> Iterator[PushRecord]:
        """Yield what has waited too long for a program that is not set up any more; a work."""
        before = int(now - self._config.patience)
        for target in {one.value for one in Target} - self._programs.keys():
            for record in pushes.overdue(db, course.State.WAITING, target, before):
                said = f"{target.capitalize()} is not set up here any more"
                yield course.expired(msgspec.structs.replace(record, said=said), now)


def _link_key(db: Connection) -> str:
    """Return what links are signed with, made up the first time; a work."""
    known = values.get(db, LINK_KEY)
    if known is None:
        known = secrets.token_hex(links.KEY_BYTES)
        values.put(db, LINK_KEY, known)
    return known
