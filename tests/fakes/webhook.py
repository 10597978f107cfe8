"""The door that releases come through, as one that announces them sees it: `/arrpush`.

* Every question is read to its end, noted, and answered once; then the connection is closed.
* The token comes as a query parameter, a header, a bearer's, or as user or password.
* A release with a name or a link is accepted; the same one (its infohash, else its body) is known
  from then on and keeps its id.
* A question for an id is answered with the next of `states`, the last of them again and again.

What goes wrong is what the test puts into `answers`: each entry answers one question instead.
"""

import base64
import binascii
import contextlib
import enum
import hashlib
import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

TOKEN = "marked-door-token-0123456789abcdef"
PATIENCE = 20.0
"""Seconds a test waits for something before it fails."""


class Fault(enum.Enum):
    """What no answer at all looks like."""

    DROP = enum.auto()
    """The connection is closed."""
    CUT = enum.auto()
    """Of a good answer only half arrives."""
    HANG = enum.auto()
    """Nothing happens until the test lets go."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def torrent(self) -> bytes:
        return base64.b64decode(self.json["TorrentDataRawBytes"], validate=True)


class Webhook:
    """A context manager: the server listens inside. What is set may be set at any time."""

    def __init__(self, *, prefix: str = "", host: str = "127.0.0.1") -> None:
        self.prefix = prefix
        self.token = TOKEN
        """Empty where none is asked for."""
        self.answers: list[int | tuple[int, Any] | Fault] = []
        """For the next questions: a status, a status with its JSON, or a fault."""
        self.states = ["grabbed"]
        self.said = "Sonarr has rejected it: Unknown Series"
        self.meanwhile: Callable[[], object] = list
        """Called while a question is under way."""
        self.heard: list[Heard] = []
        self.known: dict[str, str] = {}
        """Ids by what makes a release the same."""
        self._changed = threading.Condition()
        self._gone_on = threading.Event()
        self._server = _Server((host, 0), _handler(self))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    @property
    def pushed(self) -> list[Heard]:
        return [one for one in self.heard if one.method == "POST"]

    def let_go(self) -> None:
        """End what hangs."""
        self._gone_on.set()

    def wait_for(self, questions: int) -> None:
        """Wait until so many questions were heard."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= questions, PATIENCE)

    def answer(self, heard: Heard) -> tuple[int, Any] | Fault:
        """Return status and JSON for a question, or that there is none."""
        with self._changed:
            self.heard.append(heard)
            planned = self.answers.pop(0) if self.answers else None
            self._changed.notify_all()
        self.meanwhile()
        if planned is Fault.HANG:
            self._gone_on.wait(PATIENCE)
        if isinstance(planned, Fault | tuple):
            return planned
        if planned is not None:
            return planned, {"error": "as the test wants it"}
        return self._route(heard)

    def _route(self, heard: Heard) -> tuple[int, Any]:
        if self.token and self.token not in _tokens(heard):
            return 401, {"error": "the token is wrong or missing"}
        if (heard.method, heard.path) == ("POST", f"{self.prefix}/arrpush"):
            return self._accept(heard)
        name = heard.path.removeprefix(f"{self.prefix}/arrpush/")
        if heard.method == "GET" and name in self.known.values():
            state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
            return 200, {"id": name, "state": state, "said": self.said, "attempts": 1}
        return 404, {"error": "there is no such release"}

    def _accept(self, heard: Heard) -> tuple[int, Any]:
        try:
            release = heard.json
        except ValueError:
            return 400, {"error": "the body is no JSON: line 1, column 1"}
        links = {"TorrentUrl", "MagnetURI", "TorrentHash", "TorrentDataRawBytes"}
        if not {"ReleaseName", *links} & set(release):
            return 400, {"error": "the release has no name, and nothing else tells one"}
        same = release.get("TorrentHash") or hashlib.sha1(heard.body).hexdigest()
        with self._changed:
            known = same in self.known
            name = self.known.setdefault(same, hashlib.sha1(same.encode()).hexdigest()[:16])
        title = release.get("ReleaseName", "")
        told = {"id": name, "state": "waiting", "known": known, "title": title}
        return 202, {**told, "target": heard.query.get("target", "")}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away; anything else is the test's business."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*_)


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            self.close_connection = True
            url = urlsplit(self.path)
            heard = Heard(
                method=self.command,
                path=url.path,
                query=dict(parse_qsl(url.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length", "0"))),
            )
            answer = webhook.answer(heard)
            if answer is Fault.DROP or answer is Fault.HANG:
                return
            status, told = (202, {"id": "0" * 16}) if answer is Fault.CUT else answer
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="arrpush"')
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if answer is Fault.CUT else body)

        def log_message(self, *_: object) -> None:
            """Write nothing between the test's lines."""

    return Handler


def _tokens(heard: Heard) -> set[str]:
    """Return everything that may be the token."""
    kind, _, rest = heard.headers.get("authorization", "").partition(" ")
    found = {heard.query.get("apikey"), heard.headers.get("x-api-key")}
    if kind == "Bearer":
        found.add(rest)
    if kind == "Basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            found.update(base64.b64decode(rest).decode().split(":", 1))
    return {one for one in found if one}
