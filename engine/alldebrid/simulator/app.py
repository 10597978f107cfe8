"""The simulated AllDebrid as a web application: the API under /v4 and /v4.1, files under /dl.

It behaves as the documentation says, without AllDebrid's bad moods; whoever needs those puts them
on top by overriding `respond` or `data`.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import quote

import msgspec
from aiohttp import web

from engine.alldebrid.simulator import filehost
from engine.alldebrid.simulator.account import (
    MAX_ACTIVE,
    READY,
    Held,
    HeldFile,
    Json,
    Refused,
    SimulatedAccount,
)
from engine.alldebrid.simulator.torrent import (
    Named,
    NotATorrent,
    named_by_file,
    named_by_magnet,
)

LARGEST_UPLOAD = 64 * 1024 * 1024
"""Bytes of a request; .torrent files of huge packs reach some 10 MB."""

SECONDS = 6.0
"""How long a torrent takes to get ready: long enough to see it happen."""

FILTERS: dict[str, Callable[[int], bool]] = {
    "active": lambda code: code < READY,
    "ready": lambda code: code == READY,
    "expired": lambda code: code == 11,
    "error": lambda code: code > READY,
}


class Call(msgspec.Struct, frozen=True):
    """One request to the API, read."""

    version: str
    endpoint: str
    method: str
    base: str
    """Scheme, host and port by which the client reached us."""
    key: str
    form: Mapping[str, Sequence[str]] = {}
    files: tuple[tuple[str, str, bytes], ...] = ()
    """Field, file name and content of each uploaded file."""

    def value(self, name: str) -> str:
        """Return the first value of a field; empty when it is missing."""
        return (self.form.get(name) or ("",))[0]


class Simulator:
    """A simulated AllDebrid; `app()` is what a server runs. One event loop.

    `seconds` is how long a torrent takes, `rate` limits the file host in bytes per second (0: not).
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        rate: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        max_active: int = MAX_ACTIVE,
    ) -> None:
        self.account = SimulatedAccount(seconds=seconds, clock=clock, max_active=max_active)
        self._pace = filehost.Pace(rate)
        self._served: dict[str, HeldFile] = {}
        self._calls: dict[tuple[str, str], Callable[[Call], Json]] = {
            ("GET", "ping"): lambda _: {"ping": "pong"},
            ("GET", "user"): _user,
            ("POST", "magnet/upload"): self._upload,
            ("POST", "magnet/upload/file"): self._upload_file,
            ("POST", "magnet/status"): self._status,
            ("POST", "magnet/files"): self._files,
            ("POST", "magnet/delete"): self._delete,
            ("POST", "magnet/restart"): self._restart,
            ("POST", "link/unlock"): self._unlock,
            ("POST", "link/delayed"): _delayed,
        }

    def __repr__(self) -> str:
        return f"<Simulator {self.account!r}>"

    def hold(self, held: Held) -> None:
        """Make a torrent available."""
        self.account.library[held.infohash] = held

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=LARGEST_UPLOAD)
        app.router.add_get("/dl/{id}/{name}", self._download)
        app.router.add_route("*", "/{version:v4|v4\\.1}/{endpoint:.+}", self._api)
        return app

    async def respond(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer one request to the API."""
        try:
            return web.json_response({"status": "success", "data": self.data(call)})
        except Refused as refused:
            status = 404 if refused.code == "404" else 200
            payload = {"status": "error", "error": refused.error()}
            return web.json_response(payload, status=status)

    def data(self, call: Call) -> Json:
        """Return the `data` of the answer. Raises Refused."""
        answer = self._calls.get((call.method, call.endpoint))
        if answer is None:
            raise Refused("404", "Endpoint doesn't exist")
        if call.endpoint != "ping" and not call.key:
            raise Refused("AUTH_MISSING_APIKEY", "The auth apikey was not sent")
        if (call.version, call.endpoint) == ("v4", "magnet/status"):
            raise Refused("DISCONTINUED", "This endpoint is discontinued")
        return answer(call)

    def url_of(self, file: HeldFile, base: str) -> str:
        """Return a direct link for a file, and serve it from now on."""
        if file.host is not None:
            return file.host("/".join(file.path))
        token = self.token_of(file)
        self._served[token] = file
        return f"{base}/dl/{token}/{quote(file.path[-1], safe='')}"

    def token_of(self, file: HeldFile) -> str:
        """Return the part of a direct link that names the file."""
        name = f"{file.content.etag}{'/'.join(file.path)}"
        return hashlib.sha256(name.encode()).hexdigest()[:12]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        return await self.respond(request, await _read(request))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        file = self._served.get(request.match_info["id"])
        if file is None or file.path[-1] != request.match_info["name"]:
            return web.Response(status=404, text="<html>Simulated: no such link</html>")
        return await filehost.serve(request, file.content, self._pace)

    def _upload(self, call: Call) -> Json:
        uris = call.form.get("magnets[]", ())
        if not uris:
            raise Refused("MAGNET_NO_URI")
        return {
            "magnets": [
                {"magnet": uri, **self._added(partial(named_by_magnet, uri), "MAGNET_INVALID_URI")}
                for uri in uris
            ]
        }

    def _upload_file(self, call: Call) -> Json:
        return {
            "files": [
                {"file": name, **self._added(partial(named_by_file, data), "MAGNET_INVALID_FILE")}
                for field, name, data in call.files
                if field.startswith("files[")
            ]
        }

    def _added(self, read: Callable[[], Named], refusal: str) -> Json:
        """Add one torrent; its error is part of the answer, not the answer."""
        try:
            magnet = self.account.add(read())
        except NotATorrent:
            return {"error": Refused(refusal).error()}
        except Refused as refused:
            return {"error": refused.error()}
        return {
            "hash": magnet.named.infohash,
            "name": self.account.name(magnet),
            "filename_original": "",
            "size": magnet.size,
            "ready": self.account.stage(magnet).code == READY,
            "id": magnet.id,
        }

    def _status(self, call: Call) -> Json:
        if call.value("id"):
            return {"magnets": [self.account.status(self.account.find(call.value("id")))]}
        if call.value("session"):
            return self.account.live(call.value("session"), call.value("counter"))
        wanted = FILTERS.get(call.value("status"), _everything)
        magnets = list(self.account.magnets.values())
        shown = (magnet for magnet in magnets if wanted(self.account.stage(magnet).code))
        return {"magnets": [self.account.status(magnet) for magnet in shown]}

    def _files(self, call: Call) -> Json:
        return {"magnets": [self._listed(magnet_id) for magnet_id in call.form.get("id[]", ())]}

    def _listed(self, magnet_id: str) -> Json:
        try:
            tree = self.account.tree(self.account.find(magnet_id))
        except Refused as refused:
            return {"id": magnet_id, "error": refused.error()}
        return {"id": magnet_id, "files": tree}

    def _delete(self, call: Call) -> Json:
        magnet = self.account.find(call.value("id"))
        del self.account.magnets[magnet.id]
        return {"message": "Magnet was successfully deleted (simulated)"}

    def _restart(self, call: Call) -> Json:
        self.account.restart(self.account.find(call.value("id")))
        return {"message": "Magnet was successfully restarted (simulated)"}

    def _unlock(self, call: Call) -> Json:
        file = self.account.file_of(call.value("link"))
        return {
            "link": self.url_of(file, call.base),
            "host": "magnet",
            "hostDomain": "simulated",
            "filename": file.path[-1],
            "filesize": file.content.size,
            "id": self.token_of(file),
            "paws": False,
            "streams": [],
            "max_chunks": 0,
            "delayed": 0,
        }


def _everything(_: int) -> bool:
    return True


def _user(_: Call) -> Json:
    return {
        "user": {
            "username": "simulated",
            "email": "simulated@localhost",
            "isPremium": True,
            "isSubscribed": False,
            "isTrial": False,
            "premiumUntil": 4_102_444_800,
            "lang": "en",
            "preferedDomain": "com",
            "fidelityPoints": 0,
            "limitedHostersQuotas": [],
            "notifications": [],
        }
    }


def _delayed(_: Call) -> Json:
    # Nothing is ever delayed here, so no id is known.
    raise Refused("DELAYED_INVALID_ID")


async def _read(request: web.Request) -> Call:
    """Read a request, whatever form it has."""
    form: dict[str, list[str]] = {}
    files: list[tuple[str, str, bytes]] = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files.append((name, value.filename, value.file.read()))
        elif isinstance(value, str):
            form.setdefault(name, []).append(value)
    return Call(
        version=request.match_info["version"],
        endpoint=request.match_info["endpoint"],
        method=request.method,
        base=f"{request.scheme}://{request.host}",
        key=request.headers.get("Authorization", "").removeprefix("Bearer "),
        form=form,
        files=tuple(files),
    )
