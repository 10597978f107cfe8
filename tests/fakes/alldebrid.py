"""An AllDebrid to test against: real HTTP on loopback, in a thread of its own, with bad moods.

The good behaviour is the simulator's (`engine.alldebrid.simulator`); the moods live here. Each
mood is a `Mood`: it lasts for `times` requests (None: until ended), or as long as a `with` block.

    with FakeAllDebrid() as fake:
        fake.hold(infohash, "Name", files={"Name/a.mkv": 1000})
        fake.rate_limits(times=2, retry_after=1)
        ...
        assert fake.count("magnet/upload") == 3
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from engine.alldebrid.simulator.account import (
    Held,
    HeldFile,
    Json,
    Magnet,
    Refused,
    SimulatedAccount,
    Stage,
    staged,
)
from engine.alldebrid.simulator.app import Call, Simulator
from engine.alldebrid.simulator.content import Counted, Fixed

KEY = "marked-fake-api-key-7f3a"
"""The key that the fake takes; tests look for it where it must not be."""

HTML = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"

ITEM_LISTS = {
    "magnet/upload": "magnets",
    "magnet/upload/file": "files",
    "magnet/files": "magnets",
}
"""Calls whose errors AllDebrid puts into the items of a successful answer."""


@dataclass(frozen=True)
class After:
    """When a held torrent becomes ready: after seconds on the fake's clock or status questions."""

    seconds: float = 0.0
    polls: int = 0


def after(*, seconds: float = 0.0, polls: int = 0) -> After:
    return After(seconds, polls)


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    endpoint: str
    version: str
    method: str
    form: dict[str, list[str]]
    files: tuple[tuple[str, str], ...]
    """Field and file name of each uploaded file."""
    key: str
    """"ok", "bad" or "none"."""


@dataclass
class Mood:
    """Something that goes wrong; a context manager that ends it."""

    kind: str
    endpoint: str = ""
    times: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    refused: Refused | None = None
    in_item: bool = False
    used: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.times = 0

    @property
    def over(self) -> bool:
        return self.times is not None and self.used >= self.times


@dataclass
class Gate:
    """What the account as a whole answers while it is blocked."""

    refused: Refused
    verdict: str = "waiting"
    new_key: str = ""


class FakeAllDebrid:
    """A fake AllDebrid. Its methods may be called from any thread, also while it is asked."""

    def __init__(self, *, key: str = KEY, max_active: int = 30) -> None:
        self.key = key
        self.requests: list[Seen] = []
        self.upload_sizes: list[int] = []
        self._late = 0.0
        self._moods: list[Mood] = []
        self._ready: dict[str, After] = {}
        self._polls: dict[int, int] = {}
        self._stages: dict[str, Stage] = {}
        self._gate: Gate | None = None
        self._shape = ""
        self._max_chunks = 0
        self._numbers_as_text = False
        self._delay: tuple[int, bool] | None = None
        self._delayed: dict[int, tuple[str, int]] = {}
        self._delayed_ids = itertools.count(501)
        self._generations: dict[str, int] = {}
        self._server = _Server(self, _MoodySimulator(self, max_active=max_active))

    def __repr__(self) -> str:
        return f"<FakeAllDebrid requests={len(self.requests)}>"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """The base URL, without a version."""
        return f"http://127.0.0.1:{self._server.port}"

    # What it holds

    def hold(
        self,
        infohash: str,
        name: str,
        files: Mapping[str, bytes | int],
        *,
        ready: bool | After = True,
        file_host: Callable[[str], str] | None = None,
    ) -> Held:
        """Let AllDebrid be able to fetch a torrent.

        `files` maps paths to content, or to a size for content made up. `file_host` makes the
        direct link for a path; without it the fake serves the content itself. Not `ready` means
        in the queue until `becomes_ready`.
        """
        held = Held(
            infohash.lower(),
            name,
            tuple(
                HeldFile(
                    tuple(path.split("/")),
                    Counted(data, seed) if isinstance(data, int) else Fixed(data),
                    file_host,
                )
                for seed, (path, data) in enumerate(files.items())
            ),
        )
        self._server.simulator.hold(held)
        if ready is False:
            self._stages[held.infohash] = Stage(0)
        elif isinstance(ready, After):
            self._ready[held.infohash] = ready
        return held

    def magnet_id(self, infohash: str) -> int:
        """The id of a torrent on the account; 0 when it is not there."""
        ids = (
            magnet.id
            for magnet in list(self._account.magnets.values())
            if magnet.named.infohash == infohash.lower()
        )
        return next(ids, 0)

    def becomes_ready(self, infohash: str) -> None:
        self._stages.pop(infohash.lower(), None)
        self._ready.pop(infohash.lower(), None)

    def progresses(
        self, infohash: str, fraction: float, *, speed: int = 0, seeders: int = 0
    ) -> None:
        """The torrent is being downloaded and is so far."""
        self._stages[infohash.lower()] = Stage(1, fraction, speed, seeders)

    def fails_torrent(self, infohash: str, code: int = 15, text: str = "") -> None:
        """The torrent has this status from now on (any code, also one nobody knows)."""
        self._stages[infohash.lower()] = Stage(code, text=text)

    def loses_torrent(self, infohash: str) -> None:
        """The torrent is no longer on the account."""
        self._account.magnets.pop(self.magnet_id(infohash), None)

    def loses_content(self, infohash: str) -> None:
        """The page links of the torrent are down."""
        self._account.library.pop(infohash.lower(), None)

    def time_passes(self, seconds: float) -> None:
        """Move the fake's clock, on which `after(seconds=...)` counts."""
        self._late += seconds

    def forgets_sessions(self) -> None:
        """Every live session has to start again."""
        self._account.sessions.clear()

    # What it was asked

    def count(self, endpoint: str) -> int:
        return len(self.asked(endpoint))

    def asked(self, endpoint: str) -> list[Seen]:
        """The requests to one endpoint, oldest first."""
        return [seen for seen in list(self.requests) if seen.endpoint == endpoint]

    # Moods

    def answers_error(
        self,
        endpoint: str,
        code: str,
        *,
        times: int | None = 1,
        message: str = "",
        token: str = "",
        status: int = 200,
        in_item: bool | None = None,
    ) -> Mood:
        """The call is refused; in an item of a successful answer where AllDebrid does that."""
        return self._mood(
            Mood(
                "error",
                endpoint,
                times,
                status,
                refused=Refused(code, message, token),
                in_item=endpoint in ITEM_LISTS if in_item is None else in_item,
            )
        )

    def rate_limits(
        self,
        *,
        times: int | None = 1,
        retry_after: float | str | None = None,
        status: int = 429,
        endpoint: str = "",
    ) -> Mood:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self._mood(Mood("body", endpoint, times, status, headers, HTML))

    def serves_html(self, *, times: int | None = 1, status: int = 200, endpoint: str = "") -> Mood:
        return self._mood(Mood("body", endpoint, times, status, body=HTML))

    def answers_raw(
        self, body: str, *, times: int | None = 1, status: int = 200, endpoint: str = ""
    ) -> Mood:
        """The body of the answer is exactly this."""
        return self._mood(Mood("body", endpoint, times, status, body=body))

    def drops_connection(self, *, times: int | None = 1, endpoint: str = "") -> Mood:
        """The connection is cut when the request has been read, without an answer."""
        return self._mood(Mood("drop", endpoint, times))

    def stalls(self, *, times: int | None = 1, endpoint: str = "") -> Mood:
        """The request gets no answer while the connection stays open, until the fake is closed."""
        return self._mood(Mood("stall", endpoint, times))

    def lists_no_files(self, *, times: int | None = 1) -> Mood:
        """Ready torrents have no files yet."""
        return self._mood(Mood("no files", "magnet/files", times))

    def leaves_out_ids(self, *, times: int | None = 1, value: int | None = None) -> Mood:
        """Uploads are taken but have no id in the answer: null, or `value`."""
        mood = Mood("no id", "magnet/upload", times, status=-1 if value is None else value)
        return self._mood(mood)

    def leaves_out_hashes(self, *, times: int | None = 1) -> Mood:
        """Uploads are taken but their hash is not in the answer."""
        return self._mood(Mood("no hash", "magnet/upload", times))

    def gives_empty_links(self, *, times: int | None = 1) -> Mood:
        return self._mood(Mood("no link", "link/unlock", times))

    def goes_down(self) -> Mood:
        """Connections are refused until `comes_back`, or the end of the with block."""
        self._server.close_port()
        return _Down(self)

    def comes_back(self) -> None:
        self._server.open_port()

    def blocks_account(self, code: str = "AUTH_BLOCKED", *, token: str = "") -> Mood:
        """Every call with a key is refused until `approves_account` or `unblocks_account`."""
        self._gate = Gate(Refused(code, token=token))
        return _Blocked(self)

    def approves_account(self, *, new_key: str = "") -> None:
        """The user approves; AllDebrid may give a new key, and then takes only that."""
        if self._gate is not None:
            self._gate.verdict = "allowed"
            self._gate.new_key = new_key or self.key
            self.key = self._gate.new_key

    def denies_account(self) -> None:
        """The user says no in the e-mail; the account stays blocked."""
        if self._gate is not None:
            self._gate.verdict = "denied"

    def lets_token_expire(self) -> None:
        if self._gate is not None:
            self._gate.verdict = "expired"

    def unblocks_account(self) -> None:
        self._gate = None

    def delays_links(self, *, polls: int = 1, fails: bool = False) -> None:
        """Links are ready only after so many questions, or fail then."""
        self._delay = (polls, fails)

    def expires_link(self, path: str) -> None:
        """Direct links given so far for a path the fake serves itself are dead; new ones work."""
        self._generations[path] = self._generations.get(path, 0) + 1
        self._server.simulator.drop_links(path)

    def caps_connections(self, count: int) -> None:
        """Direct links come with a cap on connections."""
        self._max_chunks = count

    def answers_array(self) -> None:
        """Lists of torrents come as arrays, as documented."""
        self._shape = ""

    def answers_object(self) -> None:
        """A list of one torrent comes as that object."""
        self._shape = "object"

    def answers_map(self) -> None:
        """Lists of torrents come as objects keyed by id."""
        self._shape = "map"

    def answers_numbers_as_text(self) -> None:
        self._numbers_as_text = True

    # Inside

    @property
    def _account(self) -> SimulatedAccount:
        return self._server.simulator.account

    def _mood(self, mood: Mood) -> Mood:
        self._moods.append(mood)
        return mood

    def take(self, endpoint: str, *kinds: str) -> Mood | None:
        """The mood that meets this request, if any; it counts as used."""
        for mood in self._moods:
            if mood.kind in kinds and not mood.over and endpoint.startswith(mood.endpoint):
                mood.used += 1
                return mood
        return None

    def clock(self) -> float:
        return time.monotonic() + self._late

    def note(self, call: Call) -> None:
        given = "none" if not call.key else "ok" if call.key == self.key else "bad"
        form = {name: list(values) for name, values in call.form.items()}
        files = tuple((name, filename) for name, filename, _ in call.files)
        self.requests.append(Seen(call.endpoint, call.version, call.method, form, files, given))
        self.upload_sizes.extend(len(data) for _, _, data in call.files)

    def stage_of(self, magnet: Magnet, elapsed: float) -> Stage:
        infohash = magnet.named.infohash
        if infohash in self._stages:
            return self._stages[infohash]
        wait = self._ready.get(infohash)
        if wait is None:
            return staged(elapsed, 0.0, magnet.size, shared=magnet.held is not None)
        if wait.polls:
            polls = self._polls.get(magnet.id, 0)
            return Stage(4, 1.0) if polls > wait.polls else Stage(1, polls / (wait.polls + 1))
        return staged(elapsed, wait.seconds, magnet.size, shared=True)

    def count_poll(self) -> None:
        for magnet_id in list(self._account.magnets):
            self._polls[magnet_id] = self._polls.get(magnet_id, 0) + 1

    def check_account(self, call: Call) -> None:
        """Raise what the account as a whole answers."""
        gate = self._gate
        if call.endpoint == "user/verif":
            return
        if gate is not None and gate.verdict != "allowed":
            raise gate.refused
        if call.endpoint != "ping" and call.key and call.key != self.key:
            raise Refused("AUTH_BAD_APIKEY", "The auth apikey is invalid")

    def verify(self, call: Call) -> Json:
        gate = self._gate
        if gate is None or gate.verdict == "expired" or call.value("token") != gate.refused.token:
            raise Refused("PIN_EXPIRED")
        if gate.verdict == "allowed":
            return {"verif": "allowed", "apikey": gate.new_key}
        return {"verif": gate.verdict, "resendable": True}

    def generation(self, path: str) -> int:
        return self._generations.get(path, 0)

    def spoil(self, call: Call, data: Json) -> Json:
        """What becomes of a good answer."""
        if call.endpoint.startswith("magnet/upload"):
            self._spoil_upload(call, data)
        elif call.endpoint == "magnet/files":
            if self.take(call.endpoint, "no files"):
                data = {"magnets": [{**item, "files": []} for item in _items(data)]}
            data = self._shaped(data)
        elif call.endpoint == "magnet/status":
            data = self._shaped(data)
        elif call.endpoint == "link/unlock":
            data = self._spoil_link(call, data)
        return _with_text_numbers(data) if self._numbers_as_text else data

    def _spoil_upload(self, call: Call, data: Json) -> None:
        for item in _items(data, ITEM_LISTS[call.endpoint]):
            if "id" in item and (mood := self.take(call.endpoint, "no id")):
                item["id"] = None if mood.status < 0 else mood.status
            if "hash" in item and self.take(call.endpoint, "no hash"):
                del item["hash"]

    def _spoil_link(self, call: Call, data: Json) -> Json:
        data = {**data, "max_chunks": self._max_chunks}
        if self.take(call.endpoint, "no link"):
            return {**data, "link": ""}
        if self._delay is not None:
            delayed_id = next(self._delayed_ids)
            self._delayed[delayed_id] = (str(data.pop("link")), 0)
            return {**data, "delayed": delayed_id}
        return data

    def delayed(self, call: Call) -> Json:
        delayed_id = int(call.value("id"))
        if self._delay is None or delayed_id not in self._delayed:
            raise Refused("DELAYED_INVALID_ID")
        link, asked = self._delayed[delayed_id]
        polls, fails = self._delay
        self._delayed[delayed_id] = (link, asked + 1)
        if asked < polls:
            return {"status": 1, "time_left": polls - asked}
        return {"status": 3, "time_left": 0} if fails else {"status": 2, "link": link}

    def _shaped(self, data: Json) -> Json:
        items = _items(data)
        if self._shape == "object" and len(items) == 1:
            return {**data, "magnets": items[0]}
        if self._shape == "map" and items:
            keyed = {
                str(item["id"]): {name: value for name, value in item.items() if name != "id"}
                for item in items
            }
            return {**data, "magnets": keyed}
        return data


class _Down(Mood):
    def __init__(self, fake: FakeAllDebrid) -> None:
        super().__init__("down")
        self._fake = fake

    def end(self) -> None:
        super().end()
        self._fake.comes_back()


class _Blocked(Mood):
    def __init__(self, fake: FakeAllDebrid) -> None:
        super().__init__("blocked")
        self._fake = fake

    def end(self) -> None:
        super().end()
        self._fake.unblocks_account()


class _MoodySimulator(Simulator):
    """The simulator with the fake's moods on top."""

    def __init__(self, fake: FakeAllDebrid, *, max_active: int) -> None:
        super().__init__(clock=fake.clock)
        self._fake = fake
        self.account = _MoodyAccount(fake, max_active=max_active)

    async def respond(self, request: web.Request, call: Call) -> web.StreamResponse:
        fake = self._fake
        fake.note(call)
        mood = fake.take(call.endpoint, "body", "drop", "stall", "error")
        if mood is None:
            return await super().respond(request, call)
        if mood.kind in {"drop", "stall"}:
            if mood.kind == "stall":
                await asyncio.Event().wait()
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if mood.kind == "body":
            return web.Response(status=mood.status, headers=mood.headers, text=mood.body)
        assert mood.refused is not None
        return web.json_response(_refusal(mood, call), status=mood.status)

    def data(self, call: Call) -> Json:
        fake = self._fake
        fake.check_account(call)
        if call.endpoint == "user/verif":
            return fake.verify(call)
        if call.endpoint == "link/delayed":
            return fake.delayed(call)
        if call.endpoint == "magnet/status":
            fake.count_poll()
        return fake.spoil(call, super().data(call))

    def token_of(self, file: HeldFile) -> str:
        return f"{super().token_of(file)}g{self._fake.generation('/'.join(file.path))}"

    def drop_links(self, path: str) -> None:
        dead = [token for token, file in self._served.items() if "/".join(file.path) == path]
        for token in dead:
            del self._served[token]


class _MoodyAccount(SimulatedAccount):
    def __init__(self, fake: FakeAllDebrid, *, max_active: int) -> None:
        super().__init__(seconds=0.0, clock=fake.clock, max_active=max_active)
        self._fake = fake

    def stage(self, magnet: Magnet) -> Stage:
        return self._fake.stage_of(magnet, self._clock() - magnet.since)

    def restart(self, magnet: Magnet) -> None:
        super().restart(magnet)
        self._fake.becomes_ready(magnet.named.infohash)


class _Server:
    """The thread with the loop in which the fake answers."""

    def __init__(self, fake: FakeAllDebrid, simulator: _MoodySimulator) -> None:
        self.simulator = simulator
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake alldebrid")
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    def start(self) -> None:
        self._thread.start()
        self._run(self._start())

    def stop(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open_port(self) -> None:
        self._run(self._listen())

    def close_port(self) -> None:
        self._run(self._hang_up())

    def _run(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    async def _start(self) -> None:
        self._runner = web.AppRunner(
            self.simulator.app(), access_log=None, shutdown_timeout=0.05, handle_signals=False
        )
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        if self._site is None:
            assert self._runner is not None
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
            await self._site.start()
            self.port = self._runner.addresses[0][1]

    async def _hang_up(self) -> None:
        assert self._runner is not None
        if self._site is not None:
            await self._site.stop()
            self._site = None
        assert self._runner.server is not None
        for connection in list(self._runner.server.connections):
            with contextlib.suppress(AttributeError):
                connection.transport.abort()

    async def _stop(self) -> None:
        await self._hang_up()
        assert self._runner is not None
        await self._runner.cleanup()
        await self._loop.shutdown_asyncgens()


def _refusal(mood: Mood, call: Call) -> Json:
    assert mood.refused is not None
    error = mood.refused.error()
    if not mood.in_item:
        return {"status": "error", "error": error}
    ids: list[Json] = [{"id": magnet_id} for magnet_id in call.form.get("id[]", ())] or [{}]
    items = [{**item, "error": error} for item in ids]
    return {"status": "success", "data": {ITEM_LISTS.get(call.endpoint, "magnets"): items}}


def _items(data: Json, key: str = "magnets") -> list[Json]:
    items = data.get(key)
    return items if isinstance(items, list) else []


def _with_text_numbers(value):
    if isinstance(value, dict):
        return {name: _with_text_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_text_numbers(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
