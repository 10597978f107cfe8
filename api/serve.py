"""The service: everything put together, started, served and ended in order.

Order of start: the instance's lock, the store, AllDebrid's client and poller, the torrents, and
only then the port is served, so that nobody sees a service that does not know its torrents yet.
The end goes the other way round; a second signal ends the process at once, which loses no more
than a crash does: nothing.

Without a key the service runs against a simulated AllDebrid (`api.simulated`) and shows a sample
torrent from end to end (`api.demo`).
"""

import asyncio
import contextlib
import functools
import ipaddress
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn
from litestar.handlers import HTTPRouteHandler
from uvicorn.server import Server, ServerState

from api import programs
from api.connections import Connection
from api.instance import AlreadyRunning, only_one
from api.key import Account, Key
from api.logs import MessageFormatter
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.fetching import fetch
from api.qbittorrent.recent import RECENT
from api.qbittorrent.sessions import Sessions
from api.settings import Settings, SettingsError
from api.simulated import SimulatorFailed, apart, simulated_alldebrid
from engine.alldebrid.client import AllDebrid
from engine.alldebrid.client import Settings as AllDebridSettings
from engine.alldebrid.links import LinkCache
from engine.alldebrid.poller import Intervals, Poller
from engine.jobs.config import JobsConfig
from engine.jobs.keeper import StoredLinks
from engine.jobs.supervisor import Supervisor
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.transfer.disk import is_rotational
from engine.transfer.download import Engine
from engine.transfer.errors import TransferError

if TYPE_CHECKING:
    from arrpush.outbox import Outbox

DATABASE = "alldebrid-client.db"

SIMULATED_POLLS = Intervals(active=0.5)
"""How often the simulated AllDebrid is asked: it has no limits to respect."""

DRAIN = 5
"""Seconds that requests under way get when the service ends."""

logger = logging.getLogger("api.serve")
logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it does is our doing, and logged here


class CannotStart(Exception):
    """The service cannot start; the message says why in one line."""


START_TROUBLE = (
    CannotStart, AlreadyRunning, SimulatorFailed, SettingsError, StoreError, TransferError
)  # fmt: skip
"""Why the service may not start; each says so in one line."""


def serve(settings: Settings, complain: Callable[[str], None]) -> int:
    """Run the service until it is told to end; return the exit status. Main thread only.

    `complain` prints one line of error: why it cannot start.
    """
    RECENT.setFormatter(MessageFormatter())
    logging.getLogger().addHandler(RECENT)
    try:
        _make_folder("CONFIG_DIR", settings.config_dir)
        _make_folder("DOWNLOAD_DIR", settings.download_dir)
        with only_one(settings.config_dir), _listening(settings) as listener:
            return asyncio.run(_serve(settings, listener))
    except START_TROUBLE as problem:
        complain(str(problem))
        return 1


async def _serve(settings: Settings, listener: socket.socket) -> int:
    async with contextlib.AsyncExitStack() as stack:
        simulated = not settings.alldebrid_api_key
        if simulated:
            from api import demo  # noqa: PLC0415 - a real service never shows it

            demo.announce()
            url = await stack.enter_async_context(simulated_alldebrid())
            settings = await asyncio.to_thread(apart, settings, url)
        served = await stack.enter_async_context(_served(settings, simulated=simulated))
        sessions = Sessions(lifetime=settings.api_session_timeout)
        server = _Server(_server_config(settings, served, sessions))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        ending = _on_signals()
        _say_where(settings, listener)
        showing = None
        if simulated:
            port = listener.getsockname()[1]
            showing = asyncio.create_task(demo.show(settings.host, port, sessions.open()))
        await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
        if showing is not None:
            await _end(showing)  # first: it would take the closing door for a failure
        if served.outbox is not None:
            served.outbox.hurry()
        server.end()
        await serving
        await _end(ending)
    return 0


class _Served(msgspec.Struct, frozen=True):
    """What is behind the API."""

    torrents: Supervisor
    outbox: "Outbox | None"
    """None where there is nobody to push releases to."""
    webhook: Sequence[HTTPRouteHandler]
    """The routes by which releases are announced."""


@contextlib.asynccontextmanager
async def _served(settings: Settings, *, simulated: bool) -> AsyncIterator[_Served]:
    """Run everything behind the API."""
    ca_file = settings.ca_file
    store = Store(settings.config_dir / DATABASE)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, store.close)
        key = await Key.load(settings, store)
        client = AllDebrid(
            (lambda: "simulated") if simulated else key.current,
            AllDebridSettings(base_url=settings.alldebrid_api_url, ca_file=ca_file),
            on_new_key=None if simulated else key.renewed,
        )
        stack.push_async_callback(client.close)
        poller = Poller(client, SIMULATED_POLLS if simulated else None)
        stack.push_async_callback(_end, asyncio.create_task(poller.run()))
        unlocker = LinkCache(client.unlock, StoredLinks(store))
        stack.push_async_callback(unlocker.close)
        engine = Engine(ca_file=ca_file)
        stack.callback(engine.close)
        known = programs.known(settings, simulated=simulated)
        hand_over = programs.hand_over(settings, store, known)
        outbox = programs.outbox(settings, store, known)
        supervisor = Supervisor(
            _jobs_config(settings),
            store=store,
            client=client,
            poller=poller,
            unlocker=unlocker,
            engine=engine,
            ended=hand_over.hear if hand_over else None,
            finished=outbox.finished if outbox else None,
        )
        account = Account(settings, store)
        await supervisor.start(another_account=await account.is_another())
        stack.push_async_callback(supervisor.stop)
        await account.remember()
        if hand_over is not None:
            hand_over.start()
            stack.push_async_callback(hand_over.stop)
        if outbox is not None:
            programs.log_attempts(settings)
            await outbox.start()
            stack.push_async_callback(outbox.stop)
        yield _Served(supervisor, outbox, programs.webhook(settings, outbox))


class _Server(Server):
    """Uvicorn, but the signals are ours: everything behind it has to end in order too.

    Its own main loop looks ten times a second whether it has to end, and what time it is; this
    one sleeps until it is told, so that a service with nothing to do does nothing.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _ServerState()
        self._told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Stop serving; `serve` returns when the requests under way are done."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self._told.wait()


class _ServerState(ServerState):
    """What Uvicorn's connections share, with a Date header that is made when it is sent."""

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"date", formatdate(time.time(), usegmt=True).encode())]

    @default_headers.setter
    def default_headers(self, _: list[tuple[bytes, bytes]]) -> None:
        """Ignore what Uvicorn would have sent."""


def _server_config(settings: Settings, served: _Served, sessions: Sessions) -> uvicorn.Config:
    fetch_torrent = functools.partial(
        fetch, largest=settings.api_max_upload, ca_file=settings.ca_file
    )
    config = _api_config(settings)
    return uvicorn.Config(
        create_app(
            served.torrents,
            config,
            fetch_torrent=fetch_torrent,
            releases=served.outbox,
            others=served.webhook,
            sessions=sessions,
        ),
        interface="asgi3",
        http=Connection,
        ws="none",
        lifespan="off",  # the application has nothing to start or to end
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a login ban has to see who really asks
        timeout_graceful_shutdown=DRAIN,
    )


def _api_config(settings: Settings) -> ApiConfig:
    return ApiConfig(
        login=settings.login,
        session_timeout=settings.api_session_timeout,
        failed_logins=settings.api_max_failed_logins,
        ban_duration=settings.api_ban_duration,
        hosts=settings.api_hosts,
        own_name=socket.gethostname(),
        proxies=settings.api_trusted_proxies,
        max_upload=settings.api_max_upload,
        port=settings.port,
        unfinished_path=str(_jobs_config(settings).incomplete),
    )


def _jobs_config(settings: Settings) -> JobsConfig:
    storage = settings.storage_type
    if storage == "auto":
        # Unknown disks are treated as spinning ones: what is right for those hurts no other.
        storage = "ssd" if is_rotational(settings.download_dir) is False else "hdd"
    return JobsConfig(
        download_dir=settings.download_dir,
        connections=settings.connections,
        ring=settings.ram_buffer_per_download,
        batch=settings.write_batch_size,
        flush_interval=settings.flush_interval,
        max_concurrent=settings.max_concurrent_downloads,
        download_limit=settings.download_limit,
        alternative_download_limit=settings.alternative_download_limit,
        storage="ssd" if storage == "ssd" else "hdd",
        delete_magnets=settings.alldebrid_delete_magnets,
        preallocate=settings.preallocate,
    )


def _make_folder(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise CannotStart(
            f"{name}={folder}: cannot be written ({problem.strerror}); accepted: a folder that this"
            " user may write"
        ) from None


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the port before anything else starts: a second service must not get far."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named so that asyncio sees TCP and switches Nagle's algorithm off: with it every answer on a
    # kept connection takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.closing(listener):
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((settings.host, settings.port))
            listener.listen(128)
        except OSError as problem:
            raise CannotStart(
                f"HOST={settings.host} PORT={settings.port}: cannot listen there"
                f" ({problem.strerror}); accepted: an address of this machine and a port that is"
                " free"
            ) from None
        yield listener


def _on_signals() -> "asyncio.Task[bool]":
    """Return what is done when the service is told to end; a second signal ends it at once."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop() -> None:
        logger.info("service=ending")
        told.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return asyncio.create_task(told.wait())


def _say_where(settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    logger.info(
        "service=started address=%s port=%d downloads=%s", host, port, settings.download_dir
    )
    if settings.login.open and not _is_private(host):
        logger.warning(
            "service=open reason='no API_USERNAME and API_PASSWORD: whoever reaches port %d of this"
            " machine may use it'",
            port,
        )


def _is_private(host: str) -> bool:
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not address.is_unspecified and (address.is_loopback or address.is_private)


async def _end(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
