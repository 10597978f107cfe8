"""Whatever a client sends to any route there is, it never gets a 500 and never waits.

The routes are those of the application and the parameters those that its modules read, so a new one
is tried without being named here.
"""

import asyncio
import contextlib
import http.client
import re
import socket
import time
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.qbittorrent.app import ENDPOINTS, create_app
from api.qbittorrent.context import ApiConfig, Fetched
from api.qbittorrent.login import Login
from engine.jobs.views import AddRequest, BadTorrent
from tests.fakes.sonarr_http import BOUNDARY
from tests.fakes.torrents import InMemoryTorrents

SOURCES = Path(__file__).parents[3] / "api" / "qbittorrent"
KNOWN = "a" * 40
LIMIT = 1 << 20
LONGEST = 1.0
"""Seconds of processor time for one request: a busy machine is not what is tried here."""

TELLING = [
    b"all", b"", b"-1", b"0", b"1", b"1e999", b"nan", b"-inf", b"9" * 50, b"9" * 500, b"True",
    b"|", b"||" * 50, b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"%", b"%zz%4", b"..", b"../..", b"/",
    b"//", b"\\", b"a/b", b"tv", b"x", b"hash", b"name", b"film.mkv", b"/tmp", b"/proc/self/mem",
    KNOWN.encode(), KNOWN.upper().encode(), (KNOWN + "|" + "b" * 40).encode(), b"a" * 39,
    b"magnet:?xt=urn:btih:" + b"b" * 40, b"magnet:?", b"magnet:?xt=urn:btih:" + b"%" * 40,
    b"https://t.example/x", b"http://[", b"http://gone/\nhttp://[::1\nx\n\n" + KNOWN.encode(),
    b"{}", b"[]", b"null", b'{"dl_limit": 1e99}', b'{"save_path": 1}', b'{"max_ratio": "x"}',
    b'{"save_path": "\\ud800"}', b'{"queueing_enabled": [{}]}', b"[" * 900, b'{"a":' * 200,
    b'{"dl_limit": ' + b"9" * 500 + b"}", b'{"max_active_downloads": -1e308}',
    b"d4:infod6:lengthi1e4:name1:xee", b"1.2.3.4:99999", b"[::1]:1|x", b"\r\nX: y", b"\xc3\x28",
]  # fmt: skip


def parameters():
    """The names of all parameters that a module of the API reads, and a few that none does."""
    asked = re.compile(r"parameters\.\w+\(\s*\"(\w+)\"|(?:hashes|required)\(\"(\w+)\"")
    found = {name for file in SOURCES.glob("*.py") for name in asked.findall(file.read_text())}
    return sorted({one for pair in found for one in pair if one} | {"unknown", "torrents"})


def routes():
    """Every path there is with its methods, and one that is none."""
    known = [(f"/api/v2/{path}", tuple(sorted(one.methods))) for path, one in ENDPOINTS.items()]
    return [*sorted(known), ("/api/v2/no/such", ("GET", "POST"))]


async def fetched(url, _cookie):
    if "gone" in url:
        raise BadTorrent("It is gone.")
    return Fetched(magnet=f"magnet:?xt=urn:btih:{'c' * 40}")


def app_of(torrents, **config):
    return create_app(
        torrents,
        ApiConfig(max_upload=LIMIT, **config),
        fetch_torrent=fetched,
        shutdown=lambda: None,
    )


ROUTES = routes()
NAMES = parameters()
PATHS = [path for path, _ in ROUTES]


@pytest.fixture
def stocked(server, torrents):
    """An open API with a torrent that has everything, and what puts it back."""
    server.app = app_of(torrents)

    async def stock():
        await torrents.create_category("tv", "")
        await torrents.add(AddRequest(magnet=KNOWN, category="tv", tags=("x",)))
        torrents.finish(KNOWN, {"film.mkv": 1000})

    def again():
        asyncio.run(stock())
        return server.port

    return again


fuzzy = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
paths = st.sampled_from(PATHS)
names = st.sampled_from(NAMES).map(str.encode) | st.binary(max_size=10)
values = (
    st.sampled_from(TELLING)
    | st.binary(max_size=40)
    | st.text(max_size=9).map(lambda text: text.encode("utf-8", "replace"))
)
fields = st.lists(st.tuples(names, values), max_size=6)
tokens = st.text("abcXYZ-_1", min_size=1, max_size=8).map(str.encode)
visible = st.binary(max_size=30).map(lambda raw: re.sub(rb"[\x00-\x1f\x7f]", b"", raw).strip())
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"Cookie", b"Authorization", b"Host", b"Origin", b"Referer", b"Accept", b"Range",
                b"X-Forwarded-For", b"X-Forwarded-Host", b"Content-Type", b"Accept-Encoding",
                b"Expect", b"Upgrade", b"If-None-Match", b"Sec-Fetch-Site", b"Content-Encoding",
            ]
        )
        | tokens,
        visible
        | st.sampled_from(
            [
                b"SID=", b"SID=x; SID=\xff", b"Basic Og==", b"Basic \xff", b"Bearer", b"null",
                b"[::", b"http://[", b"multipart/form-data", b"application/json", b"websocket",
                b"multipart/form-data; boundary=" + b"x" * 900, b"text/plain; charset=\xff",
                b"application/x-www-form-urlencoded; charset=utf-7", b"bytes=0-", b',,;;=="',
                b"100-continue",
            ]
        ),
    ),
    max_size=4,
)  # fmt: skip


def urlencoded(pairs):
    return "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs)


def multipart(pairs, end=b""):
    body = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
        % (BOUNDARY.encode(), name, b'; filename="x.torrent"' * (name == b"torrents"), value)
        for name, value in pairs
    )
    return body + b"--%b--\r\n" % BOUNDARY.encode() + end


def ask(port, method, target, given=(), body=b""):
    """Send one request as bytes; return the status, or None where the connection was just closed.

    Asserts that the answer came soon and is nothing but what was asked for.
    """
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target.encode("latin-1"))]
    if not any(name.lower() == b"host" for name, _ in given):
        lines.append(b"Host: nas:6500")
    lines += [b"%b: %b" % pair for pair in given]
    lines += [b"Content-Length: %d" % len(body), b"Connection: close"]
    began = time.process_time()
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = stack.enter_context(http.client.HTTPResponse(connection, method=method))
        try:
            answer.begin()
        except http.client.RemoteDisconnected:
            return None
        content = answer.read()
    assert time.process_time() - began < LONGEST
    assert b"Traceback" not in content
    if answer.status >= 400:
        assert answer.headers.get_content_type() == "text/plain"
    return answer.status


def test_there_is_something_to_try():
    assert len(ROUTES) > 40
    assert {"hash", "hashes", "category", "json", "urls", "deleteFiles", "rid"} <= set(NAMES)
    assert "/api/v2/torrents/add" in PATHS


@fuzzy
@given(paths, st.sampled_from(["GET", "HEAD", "POST"]), fields)
def test_no_query_ends_in_an_error_of_ours(stocked, path, method, pairs):
    assert ask(stocked(), method, f"{path}?{urlencoded(pairs)}") < 500


@fuzzy
@given(paths, fields, st.sampled_from(["application/x-www-form-urlencoded", "", "text/plain"]))
def test_no_form_ends_in_an_error_of_ours(stocked, path, pairs, content_type):
    given_ = [(b"Content-Type", content_type.encode())] if content_type else []
    assert ask(stocked(), "POST", path, given_, urlencoded(pairs).encode()) < 500


@fuzzy
@given(paths, fields, st.binary(max_size=30), st.integers(0, 40))
def test_no_multipart_form_ends_in_an_error_of_ours(stocked, path, pairs, end, cut):
    content_type = f"multipart/form-data; boundary={BOUNDARY}".encode()
    body = multipart(pairs, end)
    body = body[: len(body) - cut]
    assert ask(stocked(), "POST", path, [(b"Content-Type", content_type)], body) < 500


@fuzzy
@given(paths, st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"]),
       headers, st.binary(max_size=200))  # fmt: skip
def test_no_header_and_no_method_ends_in_an_error_of_ours(stocked, path, method, given_, body):
    status = ask(stocked(), method, path, given_, body)
    assert status is None or status < 500


@fuzzy
@given(paths, st.binary(max_size=20).map(quote_from_bytes) | st.sampled_from(
    ["/", "//", "/..", "/%2e%2e/", "%00", "%", "%zz", ";a", "?", "?&&==", "?%", "/" * 900, "%ff"]
))  # fmt: skip
def test_no_path_ends_in_an_error_of_ours(stocked, path, end):
    for target in (path + end, end if end.startswith("/") else f"/{end}"):
        for method in ("GET", "POST"):
            assert ask(stocked(), method, target) < 500


LARGE = {
    "signs": b"hashes=" + b"%" * (LIMIT - 7),
    "escapes": b"urls=" + b"%0a%41" * (LIMIT // 6 - 6),
    "bars": b"hashes=" + b"|" * (LIMIT - 7),
    "hashes": b"hashes=" + (KNOWN.encode() + b"|") * (LIMIT // 41 - 1),
    "other hashes": b"hashes=" + b"|".join(b"%040x" % number for number in range(LIMIT // 41 - 1)),
    "lines": b"urls=" + b"x\n" * (LIMIT // 2 - 5),
    "commas": b"tags=" + b"x,y" * (LIMIT // 3 - 5),
    "digits": b"value=" + b"9" * (LIMIT - 6),
    "nested": b"json=" + b"[" * (LIMIT - 5),
    "objects": b"json=" + b'{"a":' * (LIMIT // 5 - 5),
    "fields": b"a&" * (LIMIT // 2),
    "name": b"x" * LIMIT,
    "magnet": b"urls=magnet:?" + b"xt=urn:btih:" * (LIMIT // 12 - 5),
    "trackers": b"urls=magnet:?xt=urn:btih:" + b"b" * 40 + b"%26tr=x" * (LIMIT // 7 - 12),
    "long name": b"category=" + b"a/" * (LIMIT // 2 - 9),
}
TAKES = {
    "signs": ["torrents/pause"], "escapes": ["torrents/add"], "bars": ["torrents/delete"],
    "hashes": ["torrents/resume"], "other hashes": ["torrents/info"], "lines": ["torrents/add"],
    "commas": ["torrents/add", "torrents/createTags"], "digits": ["torrents/setForceStart"],
    "nested": ["app/setPreferences"], "objects": ["app/setPreferences"], "fields": ["app/version"],
    "name": ["torrents/info"], "magnet": ["torrents/add"], "trackers": ["torrents/add"],
    "long name": ["torrents/createCategory"],
}  # fmt: skip


@pytest.mark.parametrize("kind", LARGE)
def test_the_largest_request_is_answered_as_soon(stocked, kind):
    content_type = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    for route in TAKES[kind]:
        assert ask(stocked(), "POST", f"/api/v2/{route}", content_type, LARGE[kind]) < 500


def test_a_form_of_thousands_of_parts_is_refused(stocked):
    content_type = [(b"Content-Type", f"multipart/form-data; boundary={BOUNDARY}".encode())]
    body = multipart([(b"torrents", b"")] * 5000)
    assert ask(stocked(), "POST", "/api/v2/torrents/add", content_type, body) == 400


@fuzzy
@given(paths, st.sampled_from(["GET", "POST", "HEAD"]), fields, headers)
def test_nothing_but_the_login_is_answered_without_a_session(
    locked_port, path, method, pairs, given_
):
    status = ask(locked_port, method, f"{path}?{urlencoded(pairs)}", given_)
    if path == "/api/v2/auth/login":
        assert status in {None, 200, 400, 401, 403, 405, 408}
    else:
        assert status in {None, 400, 401, 403}


@pytest.mark.parametrize(("path", "methods"), ROUTES)
def test_each_route_is_forbidden_without_a_session(locked_port, path, methods):
    if path != "/api/v2/auth/login":
        for method in {"GET", "POST"} & set(methods):
            assert ask(locked_port, method, path) == 403


@pytest.fixture
def locked_port(server):
    server.app = app_of(InMemoryTorrents(), login=Login.of("user", "password"))
    return server.port
