"""What pages in a browser cannot do here, and what programs and people can."""

import http.client
import logging

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.browsers import TOLD, Browsers
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login

INFO = "/api/v2/torrents/info"
PAUSE = "/api/v2/torrents/pause"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0", "Accept-Language": "en-GB"}
NODE = {"User-Agent": "node", "Accept-Language": "*", "Sec-Fetch-Mode": "cors"}

LOCAL = [
    "127.0.0.1:6500", "127.0.0.1", "192.168.1.5:6500", "8.8.8.8", "[::1]:6500", "[fd00::5]",
    "localhost", "LOCALHOST:6500", "nas", "nas:8080", "alldebrid-client:6500", "my_service",
    "nas.local:6500", "NAS.Local", "nas.local.", "nas.lan", "nas.home.arpa", "media.internal",
    "x.y.localdomain", "qbt.localhost:6500",
]  # fmt: skip
"""Hosts that nobody outside can register."""

FOREIGN = ["evil.example:6500", "qbt.example.com", "nas.local.evil.example", "xlocal.com", "1.2.3"]


def ask(port, method="GET", path=INFO, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.getheaders())
    finally:
        connection.close()


def status(*args, **headers):
    return ask(*args, **headers)[0]


@pytest.fixture
def port(sonarr):
    """An open API."""
    return sonarr.port


def serve(server, torrents, **settings):
    server.app = create_app(torrents, ApiConfig(**settings))
    return server.port


class TestAPage:
    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example", "https://evil.example:6500", "null", "http://nas:6501",
            "http://nas.evil.example:6500", "http://evil.example#nas:6500", "moz-extension://ab-c",
            "http://nas:6500@evil.example", "file://", "nas:6500", "http://", "http://[::1",
            "http://nas:99999", "ftp://nas:6500",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("header", ["Origin", "Referer"])
    def test_of_another_site_can_do_nothing(self, port, origin, header):
        for method, path in [("POST", PAUSE), ("POST", "/api/v2/auth/login"), ("GET", INFO)]:
            told, text, headers = ask(port, method, path, Host="nas:6500", **{header: origin})
            assert (told, text) == (401, "Unauthorized")
            assert headers["content-type"] == "text/plain; charset=UTF-8"
            assert not [name for name in headers if name.lower().startswith("access-control")]

    @pytest.mark.parametrize(
        ("host", "origin"),
        [
            ("nas:6500", "http://nas:6500"),
            ("nas:6500", "HTTP://NAS:6500"),
            ("nas:8080", "http://nas:8080"),
            ("nas", "http://nas"),
            ("nas:443", "https://nas"),
            ("nas", "https://nas:443"),
            ("192.168.1.5:6500", "http://192.168.1.5:6500"),
            ("[fd00::5]:6500", "http://[fd00::5]:6500"),
            ("nas.local:6500", "http://nas.local:6500"),
        ],
    )
    def test_of_ours_can_do_everything(self, port, host, origin):
        assert status(port, "POST", PAUSE, Host=host, Origin=origin) != 401
        assert status(port, Host=host, Referer=f"{origin}/any/page?x#y") == 200

    def test_behind_a_proxy_names_what_the_browser_asked_for(self, port):
        asked = {"Host": "qbt:6500", "Origin": "https://qbt.example.com"}
        assert status(port, "POST", PAUSE, **asked) == 401
        assert status(port, "POST", PAUSE, **asked, X_Forwarded_Host="other.example") == 401
        assert status(port, "POST", PAUSE, **asked, X_Forwarded_Host="qbt.example.com") != 401
        assert status(port, "POST", PAUSE, **asked, X_Forwarded_Host="qbt.example.com, x") != 401

    def test_that_names_no_origin_is_known_by_what_the_browser_says(self, port):
        assert status(port, "POST", PAUSE, Sec_Fetch_Site="cross-site") == 401
        assert status(port, "POST", PAUSE, Sec_Fetch_Site="same-origin") != 401
        assert status(port, "POST", PAUSE, Sec_Fetch_Site="none") != 401
        assert status(port, "GET", INFO, Sec_Fetch_Site="cross-site") == 200

    def test_gets_no_leave_to_send_more(self, port):
        preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
        told, _, headers = ask(port, "OPTIONS", PAUSE, **preflight)
        assert told == 401
        assert not [name for name in headers if name.lower().startswith("access-control")]

    def test_of_another_site_cannot_use_a_session_either(self, server, torrents):
        port = serve(server, torrents, login=Login.of("user", "pw"))
        assert status(port, "POST", PAUSE, Origin="http://evil.example") == 401
        assert status(port, "POST", PAUSE) == 403


class TestAName:
    @pytest.mark.parametrize("host", LOCAL)
    def test_of_this_house_is_ours(self, port, host):
        assert status(port, Host=host, **FIREFOX) == 200

    @pytest.mark.parametrize("host", FOREIGN)
    def test_that_may_be_anybody_s_is_refused_to_browsers(self, port, host):
        assert ask(port, Host=host, **FIREFOX)[:2] == (401, "Unauthorized")
        assert status(port, "POST", PAUSE, Host=host, Origin=f"http://{host}") == 401

    @pytest.mark.parametrize(
        "page",
        [
            {"Accept_Language": "de"},
            {"Accept_Language": ""},
            {"Referer": "http://evil.example:6500/"},
            {"User_Agent": "mozilla/5.0"},
            {"Sec_Fetch_Site": "same-origin"},
            {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"},
            {"Origin": "http://evil.example:6500", "X_Forwarded_Host": "localhost"},
            {"Origin": "http://evil.example:6500", "X_Forwarded_For": "10.0.0.1"},
        ],
    )
    def test_is_refused_whatever_else_a_page_leaves_out(self, port, page):
        assert status(port, Host="evil.example:6500", **page) == 401

    @pytest.mark.parametrize("host", [*LOCAL, *FOREIGN])
    @pytest.mark.parametrize("program", [{}, {"User-Agent": "Sonarr/4.0"}, NODE])
    def test_of_any_kind_is_open_to_programs(self, port, host, program):
        assert status(port, Host=host, **program) == 200
        assert status(port, "POST", PAUSE, Host=host, **program) == 400

    @pytest.mark.parametrize("host", FOREIGN)
    def test_of_any_kind_is_open_where_a_login_is_asked_for(self, server, torrents, host):
        port = serve(server, torrents, login=Login.of("user", "pw"))
        assert status(port, Host=host, **FIREFOX) == 403

    def test_that_is_set_is_ours_and_then_no_other_stranger_is(self, server, torrents):
        port = serve(server, torrents, hosts=("qbt.example.com", "*.media.example"))
        for host in ["qbt.example.com", "QBT.example.com:443", "a.media.example", "nas", "8.8.8.8"]:
            assert status(port, Host=host, **FIREFOX) == 200
        for host in ["evil.example", "media.example", "x.qbt.example.com"]:
            assert status(port, Host=host, **FIREFOX) == 401
            assert status(port, Host=host) == 401

    def test_that_is_set_may_be_a_page_s_behind_any_proxy(self, server, torrents):
        port = serve(server, torrents, hosts=("qbt.example.com",))
        assert status(port, "POST", PAUSE, Host="x:6500", Origin="https://qbt.example.com") == 400
        assert status(port, "POST", PAUSE, Host="x:6500", Origin="https://evil.example") == 401

    def test_may_be_any_where_that_is_set_but_pages_stay_apart(self, server, torrents):
        port = serve(server, torrents, hosts=("*",))
        assert status(port, Host="evil.example", **FIREFOX) == 200
        assert status(port, "POST", PAUSE, Host="nas", Origin="http://evil.example") == 401

    def test_of_this_machine_is_ours(self, server, torrents):
        port = serve(server, torrents, own_name="Nas.Example.com")
        assert status(port, Host="nas.example.com:6500", **FIREFOX) == 200

    def test_is_not_asked_for(self, port):
        """As HTTP/1.0 has none; a browser always sends one."""
        assert status(port, Host="", **FIREFOX) == 200


def test_each_refused_name_is_told_once_and_not_without_end(caplog):
    browsers = Browsers()
    with caplog.at_level(logging.WARNING):
        for number in [0, 0, *range(100)]:
            host = f"n{number}.example".encode()
            assert not browsers.pass_on("GET", [(b"host", host), (b"accept-language", b"en")])
    assert len(caplog.messages) == TOLD
    assert caplog.messages[0] == (
        "request=refused host='n0.example' reason='a browser asked for a name that anybody"
        " may own; if it is yours, put it in API_HOSTS'"
    )


def test_of_a_page_only_the_name_is_told(caplog):
    browsers = Browsers()
    page = b"https://evil.example/x?passkey=SECRET"
    with caplog.at_level(logging.WARNING):
        assert not browsers.pass_on("POST", [(b"host", b"nas"), (b"referer", page)])
    assert "evil.example" in caplog.text
    assert "SECRET" not in caplog.text
