"""The HTTP side of Sonarr: the bytes it sends to a qBittorrent, and when it logs in.

* A Basic header on every request, even without user and password, as Radarr does (`Og==`).
* `Connection: close`, no Accept, no Referer.
* A form is urlencoded unless there is a file or a value of more than 1024 bytes.
* Cookies are kept; a 403 means: log in and try once more.
"""

import base64
import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

BOUNDARY = "-----------------------------8dd1f3c0a7b24e6"
LONGEST_URLENCODED = 1024


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


class SonarrHttp:
    def __init__(self, port: int, username: str = "", password: str = "") -> None:
        self.port = port
        self.username = username
        self.password = password
        self.cookies: dict[str, str] = {}
        self.logins = 0

    def __repr__(self) -> str:
        return f"<SonarrHttp port={self.port} logins={self.logins}>"

    def get(self, path: str, **query: str) -> Answer:
        return self._asking("GET", path + _query(query), b"", "")

    def post(self, path: str, *files: tuple[str, str, bytes], **form: str) -> Answer:
        """Post a form; a file is its field, its file name and its bytes."""
        body, content_type = encode_form(form, files)
        return self._asking("POST", path, body, content_type)

    def login(self) -> Answer:
        self.logins += 1
        form = urlencode({"username": self.username, "password": self.password}).encode()
        answer = self.send("POST", "/api/v2/auth/login", form, "application/x-www-form-urlencoded")
        if "set-cookie" in answer.headers:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def send(self, method: str, target: str, body: bytes = b"", content_type: str = "") -> Answer:
        """Send one request with the cookies there are, and never a second one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in self._headers(content_type):
                connection.putheader(name, value)
            if body or method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=headers, body=response.read())
        finally:
            connection.close()

    def _asking(self, method: str, target: str, body: bytes, content_type: str) -> Answer:
        answer = self.send(method, target, body, content_type)
        if answer.status == 403 and self.username and self.password:
            self.login()
            answer = self.send(method, target, body, content_type)
        return answer

    def _headers(self, content_type: str) -> list[tuple[str, str]]:
        basic = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = [
            ("User-Agent", "Sonarr/4.0.19.2979 (debian 12)"),
            ("Accept-Encoding", "gzip, br"),
            ("Connection", "close"),
            ("Authorization", f"Basic {basic}"),
        ]
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers.append(("Cookie", "; ".join(pairs)))
        if content_type:
            headers.append(("Content-Type", content_type))
        return headers


def encode_form(
    form: dict[str, str], files: tuple[tuple[str, str, bytes], ...] = ()
) -> tuple[bytes, str]:
    """Return body and content type of a form."""
    if not files and all(len(value.encode()) <= LONGEST_URLENCODED for value in form.values()):
        return urlencode(form, quote_via=quote).encode(), "application/x-www-form-urlencoded"
    body = b""
    for field, filename, content in files:
        disposition = f'form-data; name="{field}"; filename="{filename}"'
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n".encode()
        body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    for field, value in form.items():
        disposition = f'form-data; name="{field}"'
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n".encode()
    body += f"--{BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={BOUNDARY}"


def _query(query: dict[str, str]) -> str:
    return "?" + urlencode(query, quote_via=quote) if query else ""
