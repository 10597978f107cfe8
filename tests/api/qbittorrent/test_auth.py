import logging

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.sessions import LIFETIME
from tests.fakes.sonarr_http import SonarrHttp

INFO = "/api/v2/torrents/info"
URLENCODED = "application/x-www-form-urlencoded"


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def locked(server, torrents, clock):
    """A Sonarr that knows the password, and no cookie yet."""
    config = ApiConfig(username="user", password="pässwörd")
    server.app = create_app(torrents, config, session_clock=clock)
    return SonarrHttp(server.port, "user", "pässwörd")


def test_without_a_session_everything_but_the_login_is_forbidden(locked):
    for method, path in [
        ("GET", INFO),
        ("GET", "/api/v2/app/version"),
        ("GET", "/api/v2/app/webapiVersion"),
        ("POST", "/api/v2/torrents/add"),
        ("POST", "/api/v2/auth/logout"),
        ("GET", "/api/v2/no/such/route"),
    ]:
        answer = locked.send(method, path)
        assert (answer.status, answer.text) == (403, "Forbidden")
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


def test_a_login_answers_ok_and_hands_out_a_session(locked):
    answer = locked.login()
    assert (answer.status, answer.body) == (200, b"Ok.")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    sid, *attributes = answer.headers["set-cookie"].split("; ")
    assert sid.startswith("SID=")
    assert len(sid) == len("SID=") + 32
    assert attributes == ["HttpOnly", "SameSite=Strict", "path=/"]
    assert locked.send("GET", INFO).status == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [("user", "wrong"), ("wrong", "pässwörd"), ("", ""), ("user", ""), ("User", "pässwörd")],
)
def test_a_wrong_login_answers_fails_without_a_session(locked, username, password, caplog):
    locked.username, locked.password = username, password
    with caplog.at_level(logging.WARNING):
        answer = locked.login()
    assert (answer.status, answer.body) == (200, b"Fails.")
    assert "set-cookie" not in answer.headers
    assert caplog.messages == ["login=refused client=127.0.0.1"]


def test_a_login_without_fields_fails(locked):
    answer = locked.send("POST", "/api/v2/auth/login")
    assert (answer.status, answer.text) == (200, "Fails.")


def test_one_side_alone_is_asked_for_when_only_that_is_set(server, torrents):
    server.app = create_app(torrents, ApiConfig(password="only"))
    sonarr = SonarrHttp(server.port, "", "only")
    assert sonarr.send("GET", INFO).status == 403
    assert sonarr.login().text == "Ok."
    sonarr.password = ""
    assert sonarr.login().text == "Fails."


def test_a_foreign_sid_is_forbidden_and_does_not_hide_ours(locked):
    locked.cookies["SID"] = "from another qBittorrent"
    assert locked.send("GET", INFO).status == 403
    sid = locked.login().headers["set-cookie"].partition(";")[0]
    locked.cookies = {"SID": f"foreign; {sid}"}
    assert locked.send("GET", INFO).status == 200


def test_sonarr_logs_in_by_itself_after_a_403(locked):
    assert locked.get(INFO).status == 200
    assert locked.get(INFO).status == 200
    assert locked.logins == 1


def test_a_session_ends_an_hour_after_its_last_use(locked, clock):
    locked.get(INFO)
    clock.time += LIFETIME - 1
    assert locked.send("GET", INFO).status == 200
    clock.time += LIFETIME - 1
    assert locked.send("GET", INFO).status == 200
    clock.time += LIFETIME
    assert locked.send("GET", INFO).status == 403


def test_a_logout_ends_the_session(locked):
    locked.login()
    answer = locked.send("POST", "/api/v2/auth/logout")
    assert (answer.status, answer.body) == (200, b"")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert locked.send("GET", INFO).status == 403


@pytest.mark.parametrize(
    "header", ["Basic Og==", "Basic", "Basic !!!", "Basic dXNlcjpww6Rzc3fDtnJk", "Bearer x", ""]
)
@pytest.mark.parametrize("open_", [True, False])
def test_an_authorization_header_decides_nothing(server, torrents, header, open_, monkeypatch):
    config = ApiConfig() if open_ else ApiConfig(username="user", password="pässwörd")
    server.app = create_app(torrents, config)
    sonarr = SonarrHttp(server.port)
    monkeypatch.setattr(sonarr, "_headers", lambda _: [("Authorization", header)])
    assert sonarr.send("GET", INFO).status == (200 if open_ else 403)


def test_an_open_api_takes_every_login_and_every_sid(sonarr):
    sonarr.username, sonarr.password = "any", "body"
    assert sonarr.login().text == "Ok."
    sonarr.cookies = {"SID": "unknown"}
    assert sonarr.send("GET", INFO).status == 200
    assert sonarr.send("POST", "/api/v2/auth/login", b"\xff\x00=%", URLENCODED).text == "Ok."


def test_the_repr_of_the_settings_hides_the_password():
    assert "secret" not in repr(ApiConfig(username="u", password="secret"))
