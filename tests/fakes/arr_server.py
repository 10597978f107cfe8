"""The server in front of the fake Sonarr and Radarr: addresses, keys, whose turn it is, and faults.

* The key comes as a query parameter, which counts before all else, as a header or as a bearer's.
* One push is worked on at a time; the others wait until the one before is done. All other questions
  are answered meanwhile.
* Who has gone away in the meantime gets no answer, but what he asked is done all the same.
* What goes wrong is set by the test: see the fields of `ServedProgram`, and `arr_faults`.
"""

import contextlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.fakes.arr_faults import STARTING, Fault, Plan, PushPlan, nothing

KEY = "marked-arr-key-0123456789abcdef"
NOT_JSON = "what was sent is no JSON"
"""Stands where the body would."""
PUSH = "/release/push"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    method: str
    path: str
    """Without the URL base."""
    query: dict[str, str]
    body: Any
    at: float
    """Monotonic seconds."""

    @property
    def is_push(self) -> bool:
        return (self.method, self.path) == ("POST", PUSH)


class Refused(Exception):
    """The answer is an error, or at least not what was asked for."""

    def __init__(
        self,
        status: int,
        body: Any = None,
        kind: str = "application/json",
        retry_after: str = "",
    ) -> None:
        super().__init__(status)
        self.status = status
        self.body = {"message": "something", "description": KEY} if body is None else body
        self.kind = kind
        self.headers = {"Retry-After": retry_after} if retry_after else {}


class ServedProgram:
    """A program on loopback; what it does with a question is `route`. A context manager.

    Leaving stops the server, entering again starts it at the same address.
    """

    def __init__(self, url_base: str) -> None:
        self.url_base = url_base
        self.key = KEY
        self.starting = False
        """Everything is answered with 503."""
        self.down = False
        """Every connection is cut without an answer."""
        self.statuses: list[int] = []
        """What the next questions are answered with instead."""
        self.headers: dict[str, str] = {}
        """Sent along with those."""
        self.push_faults: PushPlan = []
        """What goes wrong with the pushes: see `arr_faults`. A list is used up."""
        self.faults: Plan = nothing
        """What goes wrong with any question, where `push_faults` says nothing."""
        self.gone_wrong: Counter[str] = Counter()
        """How often each fault has struck, by its name."""
        self.hanging = 0
        """The questions that stand still now; `let_go` ends that."""
        self.pushing = 0
        """The pushes that are not done yet."""
        self.pushing_at_once = 0
        """The largest number there was of them."""
        self.push_waits = 0
        """How often a push had to wait for another."""
        self.asked: list[Asked] = []
        self._changed = threading.Condition()
        self._push_lock = threading.Lock()
        self._pushes = 0
        self._told = 0
        self._server: _Server | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._server = _Server(self._port, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.url_base}"

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The questions to a path, or to what is below it."""
        return [
            one
            for one in list(self.asked)
            if one.method == method and (one.path == path or one.path.startswith(f"{path}/"))
        ]

    def wait_for(self, condition: Callable[[], bool], timeout: float = 20.0) -> None:
        """Wait until something is so that a question may change; for tests without a loop."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), self.asked

    def let_go(self) -> None:
        """Let every question that hangs now go on."""
        with self._changed:
            self._told += 1
            self._changed.notify_all()

    def route(self, asked: Asked) -> Any:
        """Return the JSON of the answer. Raises Refused, ConnectionAbortedError."""
        raise NotImplementedError

    def answer(self, asked: Asked, key: str) -> Any:
        """Return the JSON of the answer. Raises Refused, ConnectionAbortedError."""
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
            if self.down:
                raise ConnectionAbortedError
            if self.statuses:
                raise Refused(self.statuses.pop(0))
        if self.starting:
            self._strike(STARTING)
        if key != self.key:
            raise Refused(401, "")
        result = self._answer(asked, self._fault(asked))
        with self._changed:
            self._changed.notify_all()
        return result

    def _answer(self, asked: Asked, fault: Fault | None) -> Any:
        if fault and not fault.done and not fault.hangs:
            self._strike(fault)
        with self._turn() if asked.is_push else contextlib.nullcontext():
            if fault and not fault.done:
                self._strike(fault)
            try:
                return self.route(asked)
            finally:
                if fault and fault.done:
                    self._strike(fault)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other push is being worked on."""
        with self._changed:
            self.pushing += 1
            self.pushing_at_once = max(self.pushing_at_once, self.pushing)
            self.push_waits += self.pushing > 1
            self._changed.notify_all()
        try:
            with self._push_lock:
                yield
        finally:
            with self._changed:
                self.pushing -= 1
                self._changed.notify_all()

    def _fault(self, asked: Asked) -> Fault | None:
        fault = self._push_fault(asked.body) if asked.is_push else None
        return fault or self.faults(asked.method, asked.path)

    def _push_fault(self, body: Any) -> Fault | None:
        with self._changed:
            number, self._pushes = self._pushes, self._pushes + 1
            if isinstance(self.push_faults, list):
                return self.push_faults.pop(0) if self.push_faults else None
        return self.push_faults(number, body)

    def _strike(self, fault: Fault) -> None:
        """Let a fault happen. Raises Refused, ConnectionAbortedError; not when it just hangs."""
        with self._changed:
            self.gone_wrong[fault.name] += 1
            if fault.hangs:
                self._hang()
                return
            self._changed.notify_all()
        if not fault.status:
            raise ConnectionAbortedError
        raise Refused(fault.status, fault.body, fault.kind, fault.retry_after)

    def _hang(self) -> None:
        told = self._told
        self.hanging += 1
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._told != told)
        self.hanging -= 1
        self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, program: ServedProgram) -> None:
        super().__init__(("127.0.0.1", port), type("Handler", (_Handler,), {"program": program}))

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Whoever asked may be gone before there is an answer.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    program: ServedProgram

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        base = self.program.url_base
        prefix = f"{base}/api/v3"
        try:
            if not parts.path.startswith(f"{base}/"):
                self._send(307, b"", Location=f"{base}{self.path}")
                return
            if not parts.path.startswith(f"{prefix}/"):
                self._send(404, b"<!doctype html>", kind="text/html")
                return
            asked = Asked(
                method=self.command,
                path=parts.path.removeprefix(prefix),
                query={name: values[-1] for name, values in parse_qs(parts.query).items()},
                body=self._json(body),
                at=time.monotonic(),
            )
            result = self.program.answer(asked, self._key(asked.query))
            self._send(201 if asked.path == "/command" else 200, json.dumps(result).encode())
        except Refused as refusal:
            text = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
            headers = self.program.headers | refusal.headers
            self._send(refusal.status, text.encode(), kind=refusal.kind, **headers)
        except ConnectionAbortedError:
            self.close_connection = True

    def _key(self, query: dict[str, str]) -> str:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return query.get("apikey") or self.headers.get("X-Api-Key") or bearer

    def _json(self, body: bytes) -> Any:
        if not body:
            return None
        if "/release/" in self.path and "json" not in self.headers.get("Content-Type", ""):
            raise Refused(415, {"title": "Unsupported Media Type", "status": 415})
        try:
            return json.loads(body)
        except ValueError:
            return NOT_JSON

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
