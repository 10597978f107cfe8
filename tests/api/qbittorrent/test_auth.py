import gc
import ipaddress
import logging
import types
from urllib.parse import urlencode

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.auth import BANNED
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
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
    config = ApiConfig(login=Login.of("user", "pässwörd"))
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
    assert attributes == ["HttpOnly", "path=/", "SameSite=Strict"]
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
    assert "expires=Thu, 01 Jan 1970" in answer.headers["set-cookie"]
    assert locked.send("GET", INFO).status == 403


@pytest.mark.parametrize(
    "header", ["Basic Og==", "Basic", "Basic !!!", "Basic dXNlcjpww6Rzc3fDtnJk", "Bearer x", ""]
)
@pytest.mark.parametrize("open_", [True, False])
def test_an_authorization_header_decides_nothing(server, torrents, header, open_, monkeypatch):
    config = ApiConfig() if open_ else ApiConfig(login=Login.of("user", "pässwörd"))
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


def test_a_login_with_a_living_session_is_ok_whatever_is_sent(locked):
    """As a qBittorrent answers it."""
    sid = locked.login().headers["set-cookie"].partition(";")[0]
    locked.cookies = {"SID": sid.removeprefix("SID=")}
    answer = locked.send("POST", "/api/v2/auth/login", b"username=user&password=x", URLENCODED)
    assert (answer.status, answer.text) == (200, "Ok.")
    assert answer.headers["set-cookie"].partition(";")[0] == sid


class TestABan:
    def test_follows_five_failed_logins_and_refuses_even_the_right_password(self, locked, caplog):
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                assert attempt(locked, "wrong").text == "Fails."
        assert caplog.messages[-1] == "login=ban-begins client=127.0.0.1 seconds=3600"
        answer = attempt(locked, "pässwörd")
        assert (answer.status, answer.text) == (403, BANNED)
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
        assert "set-cookie" not in answer.headers

    def test_ends_an_hour_after_the_last_failure_and_then_counts_anew(self, locked, clock):
        for _ in range(5):
            attempt(locked, "wrong")
        clock.time += 3599
        assert attempt(locked, "pässwörd").status == 403
        clock.time += 1
        assert attempt(locked, "wrong").text == "Fails."
        assert attempt(locked, "pässwörd").text == "Ok."

    def test_leaves_living_sessions_alone(self, locked):
        locked.login()
        other = SonarrHttp(locked.port, "user", "wrong")
        for _ in range(6):
            other.login()
        assert other.login().status == 403
        assert locked.send("GET", INFO).status == 200
        assert locked.send("POST", "/api/v2/auth/login").text == "Ok."

    def test_is_averted_by_a_login_that_succeeds(self, locked):
        for _ in range(3):
            for _ in range(4):
                assert attempt(locked, "wrong").text == "Fails."
            assert attempt(locked, "pässwörd").text == "Ok."

    def test_never_follows_logins_that_succeed(self, locked):
        """Some Sonarr releases log in before every call."""
        assert all(attempt(locked, "pässwörd").text == "Ok." for _ in range(50))

    def test_never_follows_attempts_without_credentials(self, locked):
        for _ in range(20):
            answer = locked.send("POST", "/api/v2/auth/login", b"username=&password=", URLENCODED)
            assert answer.text == "Fails."
        assert attempt(locked, "pässwörd").text == "Ok."

    def test_never_follows_calls_without_a_session(self, locked):
        for _ in range(20):
            assert locked.send("GET", INFO).status == 403
        assert attempt(locked, "pässwörd").text == "Ok."

    @pytest.mark.parametrize("never", [{"failed_logins": 0}, {"ban_duration": 0}])
    def test_can_be_switched_off(self, server, torrents, never):
        config = ApiConfig(login=Login.of("user", "pw"), **never)
        server.app = create_app(torrents, config)
        sonarr = SonarrHttp(server.port, "user")
        assert all(attempt(sonarr, "wrong").text == "Fails." for _ in range(20))
        assert attempt(sonarr, "pw").text == "Ok."

    def test_comes_as_early_and_is_as_long_as_is_set(self, server, torrents, clock):
        config = ApiConfig(login=Login.of("user", "pw"), failed_logins=2, ban_duration=60)
        server.app = create_app(torrents, config, session_clock=clock)
        sonarr = SonarrHttp(server.port, "user")
        assert [attempt(sonarr, "wrong").status for _ in range(3)] == [200, 200, 403]
        clock.time += 60
        assert attempt(sonarr, "pw").text == "Ok."

    def test_is_for_who_stands_behind_a_trusted_proxy(self, server, torrents):
        proxies = (ipaddress.ip_network("127.0.0.1/32"),)
        config = ApiConfig(login=Login.of("user", "pw"), failed_logins=1, proxies=proxies)
        server.app = create_app(torrents, config)
        sonarr = SonarrHttp(server.port, "user")
        assert forwarded(sonarr, "203.0.113.7", "wrong").text == "Fails."
        assert forwarded(sonarr, "203.0.113.7", "pw").status == 403
        assert forwarded(sonarr, "1.1.1.1, 203.0.113.7", "pw").status == 403
        assert forwarded(sonarr, "203.0.113.8", "pw").text == "Ok."

    def test_cannot_be_put_on_others_by_a_header(self, server, torrents):
        config = ApiConfig(login=Login.of("user", "pw"), failed_logins=1)
        server.app = create_app(torrents, config)
        sonarr = SonarrHttp(server.port, "user")
        assert forwarded(sonarr, "203.0.113.7", "wrong").text == "Fails."
        assert forwarded(sonarr, "203.0.113.8", "pw").status == 403

    def test_does_not_exist_for_an_open_api(self, sonarr):
        assert all(attempt(sonarr, "wrong").text == "Ok." for _ in range(20))


def attempt(sonarr, password):
    """Log in as somebody who has no cookie."""
    form = urlencode({"username": "user", "password": password}).encode()
    sonarr.cookies = {}
    return sonarr.send("POST", "/api/v2/auth/login", form, URLENCODED)


def forwarded(sonarr, addresses, password):
    sonarr._headers = lambda _: [("Content-Type", URLENCODED), ("X-Forwarded-For", addresses)]
    return attempt(sonarr, password)


def test_the_password_is_kept_nowhere_in_clear(server, torrents):
    secret = "the password in clear"
    config = ApiConfig(login=Login.of("user", secret))
    server.app = create_app(torrents, config)
    sonarr = SonarrHttp(server.port, "user", secret)
    assert sonarr.login().text == "Ok."
    assert "clear" not in repr(config)
    assert not [each for each in reachable(server.app) if holds(each, secret)]


def reachable(start):
    """Everything that can be got at from an object, but for modules and classes of others."""
    seen, left = {}, [start]
    while left:
        each = left.pop()
        if id(each) not in seen and not isinstance(each, types.ModuleType | types.FrameType):
            seen[id(each)] = each
            left += gc.get_referents(each)
    return seen.values()


def holds(value, secret):
    if isinstance(value, str):
        return secret in value
    return isinstance(value, bytes | bytearray) and secret.encode() in value
