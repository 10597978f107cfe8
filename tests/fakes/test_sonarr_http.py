"""What the fake Sonarr sends, seen by a server that writes it down."""

import base64

import pytest

from tests.fakes.served_app import ServedApp
from tests.fakes.sonarr_http import (
    BOUNDARY,
    RADARR,
    SONARR_4_0_17_2967,
    SONARR_4_0_17_2969,
    SONARR_4_0_19,
    LoginRefused,
    SonarrHttp,
    encode_form,
)


class Recorder:
    """Answers 403 to the first `refusals` requests that are no login, then 200."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.login = b"Ok."
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            event = await receive()
            body += event["body"]
            if not event["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = (scope["raw_path"] + b"?" + scope["query_string"]).decode()
        self.seen.append((scope["method"], target, headers, body))
        login = "login" in target
        refuse = not login and self.refusals > 0
        self.refusals -= refuse
        cookie = [(b"set-cookie", b"SID=abc; path=/")] if login else []
        await send(
            {"type": "http.response.start", "status": 403 if refuse else 200, "headers": cookie}
        )
        await send({"type": "http.response.body", "body": self.login if login else b"Ok."})


@pytest.fixture(scope="module")
def server():
    with ServedApp() as server:
        yield server


@pytest.fixture
def recorder(server):
    server.app = Recorder()
    return server.app


def test_every_request_closes_its_connection_and_carries_basic_even_when_blank(server, recorder):
    SonarrHttp(server.port).get("/x", category="a b/c")
    ((method, target, headers, body),) = recorder.seen
    assert (method, target, body) == ("GET", "/x?category=a%20b%2Fc", b"")
    assert headers["authorization"] == "Basic Og=="
    assert headers["connection"] == "close"
    assert "accept" not in headers
    assert "cookie" not in headers


def test_a_short_form_is_urlencoded_and_a_long_one_multipart():
    assert encode_form({"a": "x y"}) == (b"a=x%20y", "application/x-www-form-urlencoded")
    assert encode_form({"a": "x" * 1024})[1] == "application/x-www-form-urlencoded"
    body, content_type = encode_form({"a": "x" * 1025})
    assert content_type == f"multipart/form-data; boundary={BOUNDARY}"
    assert (
        body
        == (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{"x" * 1025}\r\n'
            f"--{BOUNDARY}--\r\n"
        ).encode()
    )


def test_a_file_comes_first_as_octets():
    body, _ = encode_form({"a": "1"}, (("torrents", "ü.torrent", b"\xff"),))
    assert body.startswith(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="torrents"; filename="ü.torrent"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + b"\xff\r\n--"
    )


def test_it_logs_in_before_its_first_request_and_again_after_a_403(server, recorder):
    recorder.refusals = 1
    sonarr = SonarrHttp(server.port, "user", "päss & word")
    assert sonarr.post("/add", a="1").status == 200
    methods = [(method, target) for method, target, _, _ in recorder.seen]
    login, add = ("POST", "/api/v2/auth/login?"), ("POST", "/add?")
    assert methods == [login, add, login, add]
    _, _, headers, body = recorder.seen[-1]
    assert (headers["cookie"], body) == ("SID=abc", b"a=1")
    assert base64.b64decode(headers["authorization"].split()[1]).decode() == "user:päss & word"
    assert recorder.seen[2][3] == b"username=user&password=p%C3%A4ss%20%26%20word"
    assert "cookie" not in recorder.seen[2][2]
    assert sonarr.logins == 2
    assert [sent.target for sent in sonarr.sent] == [target[:-1] for _, target in methods]


def test_one_release_asks_everything_without_its_cookie_first(server, recorder):
    sonarr = SonarrHttp(server.port, "user", "pass", release=SONARR_4_0_17_2967)
    recorder.refusals = 1
    assert sonarr.get("/x").status == 200
    cookies = [headers.get("cookie") for _, _, headers, _ in recorder.seen]
    assert cookies == [None, None, None, "SID=abc"]
    assert not any("authorization" in headers for _, _, headers, _ in recorder.seen)


@pytest.mark.parametrize(
    ("release", "user", "header"),
    [
        (RADARR, "", "Basic Og=="),
        (SONARR_4_0_19, "", None),
        (SONARR_4_0_19, "user", "Basic dXNlcjo="),
        (SONARR_4_0_17_2969, "user", None),
    ],
)
def test_releases_differ_in_what_they_authorize_with(server, recorder, release, user, header):
    SonarrHttp(server.port, user, release=release).get("/x")
    SonarrHttp(server.port, api_key="key", release=release).get("/x")
    said = [headers.get("authorization") for _, _, headers, _ in recorder.seen]
    assert said == [header, "Bearer key"]


def test_a_login_that_is_refused_is_the_end(server, recorder):
    recorder.login = b"Fails."
    with pytest.raises(LoginRefused, match="Fails"):
        SonarrHttp(server.port, "user", "wrong").get("/x")


def test_a_second_403_is_the_end(server, recorder):
    recorder.refusals = 2
    assert SonarrHttp(server.port, "user", "pass").get("/x").status == 403
    assert len(recorder.seen) == 4


def test_without_a_password_it_never_logs_in(server, recorder):
    recorder.refusals = 1
    assert SonarrHttp(server.port).get("/x").status == 403
    assert len(recorder.seen) == 1


def test_a_server_serves_one_application_after_the_other(server):
    for _ in range(2):
        server.app = Recorder()
        assert SonarrHttp(server.port).get("/x").text == "Ok."
        assert len(server.app.seen) == 1
