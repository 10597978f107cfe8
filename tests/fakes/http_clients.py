"""How the HTTP libraries of other clients speak: their headers, forms, cookies and expectations.

A `Client` keeps one connection as they do, encodes forms with `+` for a blank, uploads files with
its own kind of boundary, and logs in as the program on top of it does.
"""

import gzip
import http.client
import json
import socket
from typing import Any
from urllib.parse import urlencode

import msgspec

URLENCODED = "application/x-www-form-urlencoded"

File = tuple[str, str, bytes]
"""Field, file name and content."""


class Library(msgspec.Struct, frozen=True, kw_only=True):
    headers: dict[str, str]
    boundary: str
    file_type: str = "application/x-bittorrent"
    charset: str = ""
    """Stands behind the content type of a form."""
    whole_cookie: bool = False
    """Sends back the Set-Cookie line as it is, with all that follows the pair."""
    files_last: bool = False


GO = Library(
    headers={"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
    boundary="b9580db55f8b5ac5d5a1ec6c1ff5a5d2c2c3a8f1d7e6b4a3928170f6e5d4",
    file_type="application/octet-stream",
)
"""Autobrr and qui."""

NODE_FETCH = Library(
    headers={
        "accept": "*/*",
        "accept-language": "*",
        "sec-fetch-mode": "cors",
        "user-agent": "node",
        "accept-encoding": "gzip, deflate",
    },
    boundary="----formdata-undici-012345678901",
    charset=";charset=UTF-8",
    whole_cookie=True,
)
"""Cross-seed and Homarr."""

AXIOS = Library(
    headers={
        "Accept": "application/json, text/plain, */*",
        "User-Agent": "axios/1.7.9",
        "Accept-Encoding": "gzip, compress, deflate, br",
    },
    boundary="--------------------------510473845261907243189563",
    charset=";charset=utf-8",
    whole_cookie=True,
)
"""Flood."""

REQUESTS = Library(
    headers={
        "User-Agent": "python-requests/2.32.3",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
    },
    boundary="f1d2d2f924e986ac86fdf7b36c94bcdf",
)
"""Decluttarr."""

DOTNET = Library(
    headers={"Expect": "100-continue"},
    boundary='"7b1d1f36-b1b0-4d6a-9a5c-6d1c6e5f0f11"',
)
"""Cleanuparr: the library waits for `100 Continue` before it sends a form."""


def browser(port: int) -> Library:
    """VueTorrent, in a browser behind the same address."""
    place = f"http://127.0.0.1:{port}"
    return Library(
        headers={
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Accept": "application/json, text/plain, */*",
            "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
            "Accept-Encoding": "gzip, deflate",
            "Origin": place,
            "Referer": f"{place}/",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Dest": "empty",
        },
        boundary="----geckoformboundary6f2a0d6e5c1b4a39",
        charset=";charset=utf-8",
        files_last=True,
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One program with one kept connection."""

    def __init__(self, port: int, library: Library) -> None:
        self.library = library
        self.cookie = ""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def __repr__(self) -> str:
        return f"<Client {self.library.headers.get('User-Agent', '')!r}>"

    def close(self) -> None:
        self._connection.close()

    def login(self, username: str, password: str) -> Answer:
        answer = self.post("auth/login", username=username, password=password)
        cookie = answer.headers.get("set-cookie", "")
        self.cookie = cookie if self.library.whole_cookie else cookie.partition(";")[0]
        return answer

    def get(self, path: str, **query: str) -> Answer:
        return self._send("GET", path + ("?" + urlencode(query) if query else ""), b"", "")

    def post(self, path: str, *files: File, **form: str) -> Answer:
        """Post a form, as multipart when there are files."""
        if files:
            return self._send("POST", path, *self._multipart(files, form))
        kind = URLENCODED + self.library.charset
        return self._send("POST", path, urlencode(form).encode(), kind)

    def upload(self, path: str, *files: File, **form: str) -> Answer:
        """Post a form as multipart, also without a file."""
        return self._send("POST", path, *self._multipart(files, form))

    def _send(self, method: str, path: str, body: bytes, kind: str) -> Answer:
        headers = {name: value for name, value in self.library.headers.items() if name != "Expect"}
        waits = "Expect" in self.library.headers and method == "POST"
        if waits:
            headers["Expect"] = self.library.headers["Expect"]
        if kind:
            headers["Content-Type"] = kind
        if method == "POST":
            headers["Content-Length"] = str(len(body))
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection = self._connection
        connection.putrequest(method, f"/api/v2/{path}", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        if waits and body:
            _wait_to_go_on(connection.sock)
        if body:
            connection.send(body)
        return _read(connection.getresponse())

    def _multipart(self, files: tuple[File, ...], form: dict[str, str]) -> tuple[bytes, str]:
        boundary = self.library.boundary.strip('"')
        uploads = [
            f'; name="{field}"; filename="{filename}"\r\n'
            f"Content-Type: {self.library.file_type}\r\n\r\n".encode()
            + content
            for field, filename, content in files
        ]
        fields = [f'; name="{name}"\r\n\r\n{value}'.encode() for name, value in form.items()]
        parts = fields + uploads if self.library.files_last else uploads + fields
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data".encode() + part + b"\r\n"
            for part in parts
        )
        kind = f"multipart/form-data; boundary={self.library.boundary}"
        return body + f"--{boundary}--\r\n".encode(), kind


def _wait_to_go_on(connection: socket.socket) -> None:
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += connection.recv(1)
    assert said.startswith(b"HTTP/1.1 100"), said


def _read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = response.read()
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Answer(status=response.status, headers=headers, body=body)
