"""A qBittorrent Web API as a client sees it: one connection, blocking, nothing but the library's.

Every failure is a ServiceError with one sentence. No sentence holds a password, and none a magnet.
"""

import http.client
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from api.bench.process import Process, answering

Answer = TypeVar("Answer")

TIMEOUT = 60.0
"""Seconds without an answer. To delete a torrent's files may take a while on a spinning disk."""

MAX_ANSWER = 64 << 20
"""Bytes of one answer. Ten thousand torrents take a quarter of it."""


class ServiceError(Exception):
    """The service does not answer, or not as a qBittorrent does; the message says how."""


class Torrent(msgspec.Struct, frozen=True, kw_only=True):
    """What torrents/info tells of a torrent, as far as it matters here. Sizes in bytes."""

    hash: str
    state: str
    size: int = 0
    completed: int = 0
    dlspeed: int = 0
    tags: str = ""


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """What transfer/info tells."""

    dl_info_data: int = 0
    """Bytes that all downloads of the service received since it began."""


class _Properties(msgspec.Struct, frozen=True):
    comment: str = ""


class WebApi:
    """The Web API at a base URL such as `http://host:6500`. For one thread."""

    def __init__(self, base: str, *, ca_file: Path | None = None, timeout: float = TIMEOUT) -> None:
        """Raises ServiceError when `base` is no such URL."""
        self._address = _address(base)
        self._timeout = timeout
        self._ca_file = ca_file
        self._prefix = urlsplit(base).path.rstrip("/")
        self._cookie = ""
        self._connection: http.client.HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"<WebApi {self._address}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def log_in(self, username: str, password: str) -> None:
        """Start a session."""
        form = urlencode({"username": username, "password": password}).encode()
        answer = self._ask("POST", "auth/login", form, _FORM)
        if answer.strip() == b"Fails.":
            raise ServiceError(f"{self._address} refuses the user name or the password")

    def torrents(self, infohash: str = "") -> list[Torrent]:
        """List torrents: all, or the one with this hash."""
        query = f"?{urlencode({'hashes': infohash})}" if infohash else ""
        return self._read(f"torrents/info{query}", list[Torrent])

    def transfer(self) -> Transfer:
        """Return the figures of the whole service."""
        return self._read("transfer/info", Transfer)

    def reason(self, infohash: str) -> str:
        """Return what this service says of the state of a torrent; empty when it says nothing."""
        return self._read(f"torrents/properties?hash={quote(infohash)}", _Properties).comment

    def add(self, *, tag: str, magnet: str = "", metainfo: bytes = b"") -> None:
        """Add a torrent, with a tag, from a magnet or from the bytes of a .torrent file."""
        if metainfo:
            body, kind = _multipart({"tags": tag}, metainfo)
        else:
            body, kind = urlencode({"tags": tag, "urls": magnet}).encode(), _FORM
        answer = self._ask("POST", "torrents/add", body, kind)
        if answer.strip() == b"Fails.":
            raise ServiceError(f"{self._address} does not take this torrent; its log says why")

    def delete(self, infohash: str) -> None:
        """Remove a torrent with its files."""
        self._post("torrents/delete", {"hashes": infohash, "deleteFiles": "true"})

    def delete_tag(self, tag: str) -> None:
        """Forget a tag."""
        self._post("torrents/deleteTags", {"tags": tag})

    def process(self) -> Process | None:
        """Return the process that answers, if it is on this machine; ask for something before."""
        sock = self._connection.sock if self._connection is not None else None
        if sock is None:
            return None
        here, there = sock.getsockname(), sock.getpeername()
        return answering(there[1], here[1]) if _same_machine(here[0], there[0]) else None

    def _post(self, path: str, form: Mapping[str, str]) -> None:
        self._ask("POST", path, urlencode(form).encode(), _FORM)

    def _read(self, path: str, kind: type[Answer]) -> Answer:
        answer = self._ask("GET", path)
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ServiceError(f"{self._address} does not answer as a qBittorrent does") from None

    def _ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
        """Return the body of an answer; a GET is sent again if the connection had gone stale."""
        fresh = self._connection is None
        try:
            return self._exchange(method, path, body, kind)
        except (http.client.HTTPException, OSError, UnicodeError) as error:
            self.close()
            if fresh or method != "GET" or isinstance(error, TimeoutError):
                raise ServiceError(f"{self._address} does not answer: {_why(error)}") from None
        return self._ask(method, path, body, kind)

    def _exchange(self, method: str, path: str, body: bytes, kind: str) -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        if self._cookie:
            headers["Cookie"] = self._cookie
        if self._connection is None:
            self._connection = self._dial()
        self._connection.request(method, f"{self._prefix}/api/v2/{path}", body or None, headers)
        answer = self._connection.getresponse()
        text = answer.read(MAX_ANSWER)
        if len(text) == MAX_ANSWER:
            self.close()
            raise ServiceError(f"{self._address} answers with more than {MAX_ANSWER} bytes")
        self._check(answer.status, text)
        if cookie := answer.getheader("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return text

    def _check(self, status: int, text: bytes) -> None:
        if status == 403:
            raise ServiceError(f"{self._address} asks for a login: --username and --password")
        if status == 415:
            raise ServiceError(f"{self._address} takes it for no torrent")
        if status != 200:
            raise ServiceError(f"{self._address} answers with status {status}")

    def _dial(self) -> http.client.HTTPConnection:
        url = urlsplit(self._address)
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname or "", url.port, timeout=self._timeout)
        context = ssl.create_default_context(cafile=self._ca_file)
        return http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=self._timeout, context=context
        )


_FORM = "application/x-www-form-urlencoded"


def _address(base: str) -> str:
    """Return scheme, host and port of a base URL, which is what messages may show."""
    try:
        url = urlsplit(base)
        known = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        known = False
    if not known or "@" in url.netloc or url.query or url.fragment:
        raise ServiceError("--service takes a URL such as http://127.0.0.1:6500")
    return f"{url.scheme}://{url.netloc}"


def _multipart(form: Mapping[str, str], metainfo: bytes) -> tuple[bytes, str]:
    """Return a form with a .torrent file in it, and its Content-Type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="bench.torrent"'
        "\r\nContent-Type: application/x-bittorrent\r\n\r\n"
    )
    body = "".join(parts).encode() + metainfo + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _same_machine(here: str, there: str) -> bool:
    """Tell whether both ends of a connection are one machine's: it reached itself."""
    return here == there or there.startswith("127.")


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
