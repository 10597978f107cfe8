"""Requests as a case writes them down, and how they are put on a wire.

A text may hold `$name`: each server has its own value for it (the folder of its downloads), or
both have the same (the hash of a torrent).
"""

import gzip
import http.client
import re
from string import Template
from urllib.parse import quote, urlencode

import msgspec

from engine.metainfo import BadMetainfo, parse_torrent
from tests.conformance.compare import Answer

TIMEOUT = 15.0
"""Seconds; the real one answers most requests within a hundredth of one."""

BOUNDARY = "----conformance5a1f"


UNKNOWN_SID = "0123456789abcdefghijklmnopqrstuv"
"""A session that nobody has."""


_DATE = re.compile(r"expires=[^;]*")


class File(msgspec.Struct, frozen=True):
    """A file in a multipart form."""

    field: str
    filename: str
    content: bytes


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request below /api/v2."""

    path: str
    method: str = "GET"
    query: dict[str, str] = {}
    form: dict[str, str] | None = None
    """Urlencoded, or multipart when there are files or `multipart` says so."""
    files: tuple[File, ...] = ()
    multipart: bool = False
    session: str = "valid"
    """The SID that is sent: the `valid` one of the run, the `latest` that a case was given, an
    `unknown` one, or `none`."""
    headers: dict[str, str] = {}
    body: bytes | None = None
    """Sent as it is, instead of a form."""
    source: str = ""
    """The address to connect from; empty for the usual one."""


class Door:
    """One server as its clients see it: an address and a session."""

    def __init__(self, port: int, names: dict[str, str]) -> None:
        self.port = port
        self.sid = ""
        self.latest = ""
        self.names = names
        """What `$name` stands for; those that begin with `own_` differ between the servers."""

    def __repr__(self) -> str:
        return f"<Door 127.0.0.1:{self.port}>"

    def send(self, call: Call) -> Answer:
        """Send one request on a connection of its own; what goes wrong is an answer of status 0."""
        sids = {"valid": self.sid, "latest": self.latest, "unknown": UNKNOWN_SID}
        target, headers, body = on_wire(call, self.names, sids.get(call.session, ""))
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.port,
            timeout=TIMEOUT,
            source_address=(call.source, 0) if call.source else None,
        )
        try:
            connection.request(call.method, target, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            return Answer(status=0, body=type(error).__name__.encode())
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(status=response.status, headers=named, body=_unpacked(named, content))
        self._remember(answer)
        return answer

    def post(self, path: str, **form: str) -> Answer:
        return self.send(Call(path=path, method="POST", form=form))

    def get(self, path: str, **query: str) -> Answer:
        return self.send(Call(path=path, query=query))

    def log_in(self, username: str, password: str) -> Answer:
        """Start the session that later calls use."""
        form = {"username": username, "password": password}
        answer = self.send(Call(path="auth/login", method="POST", form=form, session="none"))
        self.sid = sid_of(answer)
        return answer

    def _remember(self, answer: Answer) -> None:
        """Keep what a later call may have to send again."""
        self.latest = sid_of(answer) or self.latest
        shown = answer.json if answer.is_json else None
        if isinstance(shown, dict) and isinstance(shown.get("rid"), int):
            self.names["rid"] = str(shown["rid"])


def on_wire(
    call: Call, names: dict[str, str], sid: str
) -> tuple[str, dict[str, str], bytes | None]:
    """Return target, headers and body of a request."""
    query = filled(call.query, names)
    path = call.path if call.path.startswith("/") else f"/api/v2/{call.path}"
    target = path + ("?" + urlencode(query, quote_via=quote) if query else "")
    headers = filled(call.headers, names)
    if sid:
        headers["Cookie"] = f"SID={sid}"
    if call.body is not None or (call.form is None and not call.files):
        return target, headers, call.body
    body, content_type = encoded(call, names)
    return target, {"Content-Type": content_type, **headers}, body


def encoded(call: Call, names: dict[str, str]) -> tuple[bytes, str]:
    """Return body and content type of a call's form."""
    form = filled(call.form or {}, names)
    if not call.files and not call.multipart:
        return urlencode(form, quote_via=quote).encode(), "application/x-www-form-urlencoded"
    parts = b""
    for file in call.files:
        parts += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{file.field}";'
            f' filename="{file.filename}"\r\nContent-Type: application/x-bittorrent\r\n\r\n'
        ).encode()
        parts += file.content + b"\r\n"
    for name, value in form.items():
        parts += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        ).encode()
    return parts + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def filled(texts: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """Return texts with the names of one server in them."""
    return {key: Template(text).safe_substitute(names) for key, text in texts.items()}


def sid_of(answer: Answer) -> str:
    """Return the session that an answer starts; empty when it starts none."""
    name, _, value = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
    return value if name == "SID" else ""


def tidied(answer: Answer, names: dict[str, str], sid_shown: str = "<sid>") -> Answer:
    """Return an answer without what has to differ: folders, ports and sessions by their names."""
    body = answer.body
    if body.startswith(b"d") and (infohash := _infohash(body)):
        body = f"the torrent {infohash}".encode()
    for name in sorted(names, key=lambda one: len(names[one]), reverse=True):
        if name.startswith("own_"):
            body = body.replace(names[name].encode(), f"<{name[4:]}>".encode())
    headers = dict(answer.headers)
    sid = sid_of(answer)
    if "set-cookie" in headers:
        shown = headers["set-cookie"].replace(sid, sid_shown) if sid else headers["set-cookie"]
        headers["set-cookie"] = _DATE.sub("expires=<date>", shown)
    return Answer(status=answer.status, headers=headers, body=body)


def _unpacked(headers: dict[str, str], content: bytes) -> bytes:
    return gzip.decompress(content) if headers.get("content-encoding") == "gzip" else content


def _infohash(torrent: bytes) -> str:
    """Return what a .torrent is about, empty for none: servers put different dates beside it."""
    try:
        return parse_torrent(torrent).infohash
    except BadMetainfo:
        return ""
