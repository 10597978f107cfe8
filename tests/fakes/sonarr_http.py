"""The HTTP side of Sonarr and its relatives: the bytes they send to a qBittorrent, how they log in.

* `Connection: close`, no Accept, no Referer, no Origin.
* A form is urlencoded unless there is a file or a value of more than 1024 bytes.
* With user and password there is a login before the first request, and after every 403 another
  one; then the request is sent once more, and that is the end of it.
* What else goes along is a matter of the release: see `Release`.
"""

import base64
import gzip
import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

BOUNDARY = "-----------------------------8dd1f3c0a7b24e6"
LONGEST_URLENCODED = 1024
LOGIN = "/api/v2/auth/login"
URLENCODED = "application/x-www-form-urlencoded"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from release to release."""

    agent: str
    basic: str = "always"
    """When there is a Basic header: `always`, even if blank (`Og==`), `given`, `never`."""
    forgets_cookie: bool = False
    """Every request is first sent without the cookie: a 403 and a login for each."""


RADARR = Release(agent="Radarr/5.28.0.10274 (debian 12)")
PROWLARR = Release(agent="Prowlarr/2.0.5.5160 (debian 12)")
SONARR_4_0_16 = Release(agent="Sonarr/4.0.16.2943 (debian 12)")
SONARR_4_0_17_2967 = Release(
    agent="Sonarr/4.0.17.2967 (debian 12)", basic="never", forgets_cookie=True
)
SONARR_4_0_17_2969 = Release(agent="Sonarr/4.0.17.2969 (debian 12)", basic="never")
SONARR_4_0_19 = Release(agent="Sonarr/4.0.19.2979 (debian 12)", basic="given")

RELEASES = (
    RADARR,
    PROWLARR,
    SONARR_4_0_16,
    SONARR_4_0_17_2967,
    SONARR_4_0_17_2969,
    SONARR_4_0_19,
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


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it went out."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class LoginRefused(Exception):
    """The login was answered with anything but `Ok.`."""


class SonarrHttp:
    """One program that talks to one qBittorrent on loopback."""

    def __init__(
        self,
        port: int,
        username: str = "",
        password: str = "",
        *,
        release: Release = SONARR_4_0_16,
        api_key: str = "",
    ) -> None:
        self.port = port
        self.username = username
        self.password = password
        self.release = release
        self.api_key = api_key
        self.cookies: dict[str, str] = {}
        self.logins = 0
        self.sent: list[Sent] = []

    def __repr__(self) -> str:
        return f"<SonarrHttp port={self.port} logins={self.logins}>"

    def get(self, path: str, /, **query: str) -> Answer:
        return self._asking("GET", path + _query(query), b"", "")

    def post(self, path: str, /, *files: tuple[str, str, bytes], **form: str) -> Answer:
        """Post a form; a file is its field, its file name and its bytes."""
        body, content_type = encode_form(form, files)
        return self._asking("POST", path, body, content_type)

    def login(self) -> Answer:
        """Log in and keep the cookies, whatever the answer says."""
        self.logins += 1
        form, kind = encode_form({"username": self.username, "password": self.password})
        answer = self.send("POST", LOGIN, form, kind, cookies=False)
        for cookie in answer.headers.get("set-cookie", "").split("\n"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if name:
                self.cookies[name] = value
        return answer

    def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        cookies: bool = True,
    ) -> Answer:
        """Send one request with the cookies there are, and never a second one."""
        headers = self._headers(content_type)
        if cookies and self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers.append(("Cookie", "; ".join(pairs)))
        if body or method == "POST":
            headers.append(("Content-Length", str(len(body))))
        sent = {name.lower(): value for name, value in headers}
        self.sent.append(Sent(method=method, target=target, headers=sent, body=body))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            return _read(connection.getresponse())
        finally:
            connection.close()

    def _asking(self, method: str, target: str, body: bytes, content_type: str) -> Answer:
        may_log_in = bool(self.username and self.password)
        if may_log_in and not self.cookies:
            self._log_in()
        with_cookies = not self.release.forgets_cookie
        answer = self.send(method, target, body, content_type, cookies=with_cookies)
        if answer.status == 403 and may_log_in:
            self.cookies = {}
            self._log_in()
            answer = self.send(method, target, body, content_type)
        return answer

    def _log_in(self) -> None:
        answer = self.login()
        if answer.status >= 400 or answer.body.strip() not in {b"", b"Ok."}:
            raise LoginRefused(f"{answer.status} {answer.text!r}")

    def _headers(self, content_type: str) -> list[tuple[str, str]]:
        headers = [
            ("User-Agent", self.release.agent),
            ("Accept-Encoding", "gzip, br"),
            ("Connection", "close"),
        ]
        if self.api_key:
            headers.append(("Authorization", f"Bearer {self.api_key}"))
        elif self._says_basic():
            basic = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            headers.append(("Authorization", f"Basic {basic}"))
        if content_type:
            headers.append(("Content-Type", content_type))
        return headers

    def _says_basic(self) -> bool:
        given = bool(self.username or self.password)
        return self.release.basic == "always" or (self.release.basic == "given" and given)


def encode_form(
    form: dict[str, str], files: tuple[tuple[str, str, bytes], ...] = ()
) -> tuple[bytes, str]:
    """Return body and content type of a form."""
    if not files and all(len(value.encode()) <= LONGEST_URLENCODED for value in form.values()):
        return urlencode(form, quote_via=quote, safe="").encode(), URLENCODED
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


def _read(response: http.client.HTTPResponse) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}\n{value}"
    body = response.read()
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Answer(status=response.status, headers=headers, body=body)


def _query(query: dict[str, str]) -> str:
    return "?" + urlencode(query, quote_via=quote, safe="") if query else ""
