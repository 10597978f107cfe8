"""Everything a torrent needs, for real: store, engine, AllDebrid and file host on loopback.

Only time is not: what the supervisor sleeps lasts until the test lets it pass (`time_passes`).
Tests wait for things to become so with `until`, which looks again whenever something was stored
or somebody went to sleep.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import bencodepy

from engine.alldebrid.client import AllDebrid, Settings
from engine.alldebrid.links import LinkCache
from engine.alldebrid.poller import Intervals, Poller
from engine.jobs.config import JobsConfig, Timing
from engine.jobs.keeper import StoredLinks
from engine.jobs.states import State
from engine.jobs.supervisor import Supervisor
from engine.jobs.views import AddRequest, TorrentView
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.transfer.download import Engine
from tests.fakes.alldebrid import KEY, FakeAllDebrid
from tests.fakes.filehost import FileHost
from tests.fakes.virtual_time import FastTime

PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""

PIECE = 64 * 1024


class Torrent:
    """A torrent to be downloaded: its bytes, its .torrent and its magnet."""

    def __init__(
        self,
        name: str,
        files: Mapping[str, bytes] | bytes,
        *,
        piece: int = PIECE,
        trackers: tuple[str, ...] = ("http://tracker.invalid/marked-passkey/announce",),
    ) -> None:
        self.name = name
        self.single = isinstance(files, bytes)
        self.files = {name: files} if isinstance(files, bytes) else dict(files)
        stream = b"".join(self.files.values())
        info = {
            b"name": name.encode(),
            b"piece length": piece,
            b"pieces": b"".join(
                hashlib.sha1(stream[at : at + piece]).digest()
                for at in range(0, len(stream), piece)
            ),
        }
        if self.single:
            info[b"length"] = len(stream)
        else:
            info[b"files"] = [
                {b"path": [part.encode() for part in path.split("/")], b"length": len(data)}
                for path, data in self.files.items()
            ]
        self.infohash = hashlib.sha1(bencodepy.encode(info)).hexdigest()
        self.metainfo = bencodepy.encode({b"announce": trackers[0].encode(), b"info": info})
        self.trackers = trackers

    @property
    def magnet(self) -> str:
        return f"{self.bare_magnet}&dn={self.name}"

    @property
    def bare_magnet(self) -> str:
        trackers = "".join(f"&tr={tracker}" for tracker in self.trackers)
        return f"magnet:?xt=urn:btih:{self.infohash}{trackers}"

    @property
    def paths(self) -> dict[str, bytes]:
        """The finished files by path below the save path."""
        if self.single:
            return self.files
        return {f"{self.name}/{path}": data for path, data in self.files.items()}


class Controlled:
    """Time that stands still for sleepers until the test lets it pass."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self.now = 1_700_000_000.0
        self._notify = notify
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, woken))
        self._notify()
        await woken

    def asleep(self) -> list[float]:
        """For each sleeper, the seconds until it wakes."""
        return sorted(due - self.now for due, woken in self._sleepers if not woken.done())

    def passes(self, seconds: float) -> None:
        self.now += seconds
        for due, woken in self._sleepers:
            if due <= self.now and not woken.done():
                woken.set_result(None)
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]


class NotifyingStore(Store):
    """A store that tells when something was stored."""

    def __init__(self, path: Path, notify: Callable[[], None]) -> None:
        super().__init__(path)
        self._notify = notify
        self.full = False
        """True while the disk of the database has no room."""

    async def run(self, work, **how):
        self._notify()
        if self.full:
            raise StoreError("there is no room left to write the database")
        result = await super().run(work, **how)
        self._notify()
        return result

    def call(self, work):
        if self.full:
            raise StoreError("there is no room left to write the database")
        result = super().call(work)
        self._notify()
        return result


class World:
    def __init__(self, folder: Path, fake: FakeAllDebrid, host: FileHost) -> None:
        self.folder = folder
        self.fake = fake
        self.host = host
        self.free = 10**15
        self.total = 10**16
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.time = Controlled(self._notify)
        self.settings: dict[str, object] = {}
        self.ended: Callable[[], None] | None = None
        """Told when the stored endings have changed; None: there are none."""
        self._resources = contextlib.AsyncExitStack()

    # The service

    async def start(self, *, another_account: bool = False, **settings: object) -> Supervisor:
        """Start a supervisor over what is stored; `settings` last over restarts."""
        self.settings |= settings
        stack = self._resources = contextlib.AsyncExitStack()
        self.store = NotifyingStore(self.folder / "config" / "store.db", self._notify)
        stack.callback(self.store.close)
        engine = Engine()
        stack.callback(engine.close)
        fast = FastTime()
        client = AllDebrid(
            lambda: KEY,
            Settings(base_url=self.fake.url),
            clock=fast.clock,
            sleep=fast.sleep,
            random=lambda: 0.5,
        )
        stack.push_async_callback(client.close)
        poller = Poller(client, Intervals(active=0.01, idle=0.05, full=600))
        polling = asyncio.create_task(poller.run())
        stack.push_async_callback(_end, polling)
        unlocker = LinkCache(client.unlock, StoredLinks(self.store), clock=self.time.clock)
        stack.push_async_callback(unlocker.close)
        self.jobs = Supervisor(
            JobsConfig(
                **{
                    "download_dir": self.folder / "downloads",
                    "connections": 2,
                    "ring": 4 << 20,
                    "batch": 1 << 20,
                    "flush_interval": 0.01,
                    "patience": 0.05,
                    "storage": "ssd",
                    **self.settings,
                }
            ),
            store=self.store,
            client=client,
            poller=poller,
            unlocker=unlocker,
            engine=engine,
            timing=Timing(
                now=self.time.clock,
                monotonic=self.time.clock,
                sleep=self.time.sleep,
                uniform=lambda low, high: (low + high) / 2,
            ),
            free_space=lambda _: self.free,
            total_space=lambda _: self.total,
            ended=self.ended,
        )
        await self.jobs.start(another_account=another_account)
        stack.push_async_callback(self.jobs.stop)
        return self.jobs

    async def stop(self) -> None:
        await self._resources.aclose()

    async def restart(self, **settings: object) -> Supervisor:
        await self.stop()
        return await self.start(**settings)

    # Torrents

    def hold(self, torrent: Torrent, *, ready=True, name: str | None = None) -> None:
        """Let AllDebrid have the torrent, with the bytes at the file host."""
        prefix = f"/{torrent.infohash}/"
        for path, data in torrent.paths.items():
            self.host.adds_file(prefix + path, data)
        held = self.fake.hold(
            torrent.infohash,
            name or torrent.name,
            files=torrent.paths,
            ready=ready,
            file_host=lambda path: self.host.renew(prefix + path),
        )
        for magnet in self.fake._account.magnets.values():
            if magnet.named.infohash == torrent.infohash:
                magnet.held = held  # what AllDebrid knows of a torrent grows while it fetches

    def served(self, torrent: Torrent, path: str = "") -> str:
        """The path of a torrent's file at the file host."""
        return f"/{torrent.infohash}/{path or next(iter(torrent.paths))}"

    async def add(self, torrent: Torrent, *, magnet: bool = False, **fields: object) -> str:
        if magnet:
            return await self.jobs.add(AddRequest(magnet=torrent.magnet, **fields))
        return await self.jobs.add(AddRequest(metainfo=torrent.metainfo, **fields))

    def view(self, torrent: Torrent) -> TorrentView:
        view = self.jobs.view(torrent.infohash)
        assert view is not None
        return view

    def state(self, torrent: Torrent) -> State | None:
        view = self.jobs.view(torrent.infohash)
        return view.state if view else None

    def reason(self, torrent: Torrent) -> str:
        return self.view(torrent).record.reason

    async def reaches(self, torrent: Torrent, *states: State) -> None:
        """Wait until the torrent is in one of the states."""
        await self.until(lambda: self.state(torrent) in states)

    async def completes(self, torrent: Torrent) -> None:
        """Wait until the torrent is complete, and compare its files byte for byte."""
        await self.reaches(torrent, State.COMPLETED, State.ERROR)
        assert (self.state(torrent), self.reason(torrent)) == (State.COMPLETED, "")
        self.has_files(torrent)

    def has_files(self, torrent: Torrent) -> None:
        view = self.view(torrent)
        for file, data in zip(
            self.jobs.files(torrent.infohash), self.bytes_of(torrent), strict=True
        ):
            path = Path(view.record.save_path) / file.path
            assert path.read_bytes() == data, file.path
            assert file.flushed == file.size
        assert not self.incomplete(torrent).exists()

    def bytes_of(self, torrent: Torrent) -> list[bytes]:
        """The files' bytes, in the order the supervisor has the files."""
        by_path = {path.partition("/")[2]: data for path, data in torrent.paths.items()}
        return [by_path[file.path.partition("/")[2]] for file in self.jobs.files(torrent.infohash)]

    def incomplete(self, torrent: Torrent) -> Path:
        return self.folder / "downloads" / "incomplete" / torrent.infohash

    @property
    def complete(self) -> Path:
        return self.folder / "downloads" / "complete"

    async def kinds(self, torrent: Torrent) -> list[str]:
        """The kinds of the torrent's events; states by their name."""
        return [
            event.detail.partition(":")[0] if event.kind == "state" else event.kind
            for event in await self.jobs.events(torrent.infohash)
        ]

    # Time

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def turns(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so that nobody tells of, turning the loop meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)

    def _sleep_like(self, seconds: float) -> float:
        """Return a sleep of about that long, or 0; servers add jitter to what they ask for."""
        like = [left for left in self.time.asleep() if abs(left - seconds) <= 0.05 * seconds]
        return like[-1] if like else 0.0

    async def sleeps(self, seconds: float) -> None:
        """Wait until somebody sleeps about that long."""
        await self.until(lambda: self._sleep_like(seconds) > 0)

    async def goes_on(self, seconds: float) -> None:
        """Wait until somebody sleeps about that long, and let the time pass."""
        await self.sleeps(seconds)
        self.time.passes(self._sleep_like(seconds))

    def _notify(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)


@contextlib.asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    with FakeAllDebrid() as fake, FileHost() as host:
        world = World(folder, fake, host)
        try:
            yield world
        finally:
            await world.stop()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
