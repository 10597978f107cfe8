"""HEAD, as health checks of containers ask with `wget --spider`."""

import http.client

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login

READS = [
    "app/version", "app/webapiVersion", "app/preferences", "app/buildInfo", "torrents/info",
    "torrents/categories", "torrents/tags", "transfer/info", "sync/maindata",
]  # fmt: skip
WGET = {"User-Agent": "Wget/1.21.3", "Accept": "*/*", "Accept-Encoding": "identity"}


@pytest.fixture
def wget(sonarr):
    """A connection that is kept, as wget's is."""
    connection = http.client.HTTPConnection("127.0.0.1", sonarr.port, timeout=10)
    yield connection
    connection.close()


def ask(connection, method, path):
    connection.request(method, path, headers=WGET)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("route", READS)
def test_the_head_is_that_of_get_without_its_body(wget, route):
    path = f"/api/v2/{route}"
    status, headers, body = ask(wget, "HEAD", path)
    assert (status, body) == (200, b"")
    # On the same connection: a body that nobody read would stand before this answer.
    status, of_get, body = ask(wget, "GET", path)
    assert status == 200
    assert headers["Content-Length"] == str(len(body)) == of_get["Content-Length"]
    assert headers["Content-Type"] == of_get["Content-Type"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", 404),
        ("/api/v2/no/such", 404),
        ("/api/v2/torrents/properties?hash=" + "a" * 40, 404),
        ("/api/v2/torrents/properties", 400),
        ("/api/v2/torrents/add", 405),
        ("/api/v2/auth/login", 405),
    ],
)
def test_the_head_of_a_refusal_is_that_of_get_too(wget, path, expected):
    assert ask(wget, "HEAD", path)[::2] == (expected, b"")
    assert ask(wget, "GET", path)[0] == expected


def test_who_is_not_logged_in_gets_no_head_either(wget, server, torrents):
    server.app = create_app(torrents, ApiConfig(login=Login.of("user", "secret")))
    assert ask(wget, "HEAD", "/api/v2/app/version")[::2] == (403, b"")
