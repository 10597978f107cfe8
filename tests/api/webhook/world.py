"""A webhook for real: HTTP on loopback, an outbox and a store as in the service.

The programs behind it are what the test says: nobody answers, or one answer for each push.
"""

import asyncio
import base64
import http.client
import json
from collections.abc import Awaitable, Callable
from typing import Any

import bencodepy
import msgspec

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.webhook import absent
from api.webhook.app import routes
from api.webhook.config import WebhookConfig
from api.webhook.door import Door
from arrpush.arr import Arr
from arrpush.outbox import Outbox, OutboxConfig
from arrpush.payload import Target
from engine.http.exchange import UNREACHABLE, HttpTrouble
from engine.http.exchange import Answer as FromProgram
from engine.store.errors import StoreError
from engine.store.store import Store
from tests.fakes.served_app import ServedApp
from tests.fakes.sonarr_http import Answer
from tests.fakes.torrents import InMemoryTorrents

TOKEN = "markedtoken-0123456789"
NAME = "A.Show.S01E02.1080p.WEB.H264-GROUP"
URL = "https://indexer.example/dl/77?passkey=markedpass0123"
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"


def torrent(name: str = NAME, size: int = 77) -> bytes:
    """A .torrent with a passkey in it."""
    info = {b"length": size, b"name": name.encode(), b"piece length": 16384, b"pieces": b"p" * 20}
    return bencodepy.encode({b"announce": b"http://t/markedtracker/announce", b"info": info})


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class BreakableStore(Store):
    broken: Exception | None = None

    async def run(self, work: Any, **how: Any) -> Any:
        if self.broken is not None:
            raise self.broken
        return await super().run(work, **how)


class World:
    """The service as far as releases go. What it does runs in the server's thread."""

    def __init__(self, server: ServedApp, folder: Any) -> None:
        self.server = server
        self.port = server.port
        self.store = BreakableStore(folder / "store.db")
        self.answers: list[FromProgram] = []
        """What the programs say to the next pushes; without one nobody answers."""
        self.pushed: list[dict[str, Any]] = []
        programs = {
            target: Arr(target.value.capitalize(), "http://arr", "key", exchange=self._exchange)
            for target in Target
        }
        self.outbox = Outbox(self.store, programs, OutboxConfig())
        self.serve()
        self.do(self.outbox.start)

    def close(self) -> None:
        self.store.broken = None
        self.do(self.outbox.stop)
        self.store.close()

    def serve(self, token: str = TOKEN, *, known: bool = True, **config: Any) -> None:
        """Serve the webhook with other settings; without an outbox if that is not `known`."""
        settings = WebhookConfig(door=Door(token), **config)
        others = routes(self.outbox, settings) if known else absent.routes()
        api = ApiConfig(patience=settings.patience)
        self.app = create_app(InMemoryTorrents(), api, others=others)
        self.server.app = self.app

    def do(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Have something done on the server's loop."""

        async def once(_scope: Any, _receive: Any, send: Any) -> None:
            await work()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        self.server.app = once
        assert self.ask("GET", "/").status == 204
        self.server.app = self.app

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask without a token but for what is in the target and the headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body or None, given)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()

    def get(self, path: str = "", query: str = "") -> Answer:
        return self.ask("GET", f"/arrpush{path}?apikey={TOKEN}{query}")

    def post(self, body: Any, query: str = "&target=sonarr") -> Answer:
        """Announce a release as Autobrr does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        agent = {"Content_Type": "application/json", "User_Agent": "autobrr"}
        return self.ask("POST", f"/arrpush?apikey={TOKEN}{query}", content, **agent)

    def says(self, verdict: Any, status: int = 200) -> None:
        """Let a program answer the next push."""
        self.answers.append(FromProgram(status, {}, json.dumps(verdict).encode()))

    async def _exchange(
        self, method: str, url: str, *, content: bytes = b"", **_: Any
    ) -> FromProgram:
        if method == "POST":
            self.pushed.append(msgspec.json.decode(content))
        if not self.answers:
            raise HttpTrouble(UNREACHABLE, "nobody is there")
        return self.answers.pop(0)


class Gate:
    """Lets a program's answers through when the test says so."""

    def __init__(self, world: World) -> None:
        self._exchange = world._exchange
        self._open = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, *arguments: Any, **options: Any) -> FromProgram:
        self._loop = asyncio.get_running_loop()
        await self._open.wait()
        return await self._exchange(*arguments, **options)

    def open(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._open.set)


FULL_DISK = StoreError("there is no room left to write the database")
REJECTED = [{"approved": False, "rejected": True, "rejections": ["Unknown Series"]}]
