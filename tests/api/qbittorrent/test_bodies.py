"""Bodies of requests are bounded, and who sends one sees the answer."""

import http.client
import socket

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.bodies import Patience
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from tests.fakes.sonarr_http import SonarrHttp

ADD = "/api/v2/torrents/add"
LOGIN = "/api/v2/auth/login"
INFO = "/api/v2/torrents/info"
URLENCODED = "application/x-www-form-urlencoded"
LIMIT = 1 << 20
QUICK = Patience(silence=0.2, total=0.4, leftover=0.2)
TOO_LARGE = b"The request is larger than 1048576 bytes, which is the most that is taken."


@pytest.fixture
def small(server, torrents):
    """A Sonarr at an API that takes one MiB and does not wait for long."""
    server.app = create_app(torrents, ApiConfig(max_upload=LIMIT, patience=QUICK))
    return SonarrHttp(server.port)


@pytest.fixture
def raw(small):
    """A plain connection to that API."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=10) as connection:
        yield connection


def ask(connection, *lines, body=b""):
    head = "".join(f"{line}\r\n" for line in [f"POST {lines[0]} HTTP/1.1", "Host: nas", *lines[1:]])
    connection.sendall(head.encode() + b"\r\n" + body)


def answer(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def test_a_body_beyond_the_limit_is_413_in_one_clear_line(small):
    sent = small.send("POST", ADD, b"x" * (LIMIT + 1), URLENCODED)
    assert (sent.status, sent.body) == (413, TOO_LARGE)
    assert sent.headers["content-type"] == "text/plain; charset=UTF-8"
    assert small.send("GET", INFO).status == 200


def test_what_says_that_it_is_too_large_is_refused_before_it_is_read(raw):
    ask(raw, ADD, f"Content-Length: {LIMIT + 1}")
    assert answer(raw) == (413, TOO_LARGE)


def test_who_asks_whether_to_go_on_is_refused_at_once(raw):
    ask(raw, ADD, f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    assert answer(raw) == (413, TOO_LARGE)


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(raw):
    chunk = b"%x\r\n" % (LIMIT + 1) + b"x" * (LIMIT + 1) + b"\r\n0\r\n\r\n"
    ask(raw, ADD, "Transfer-Encoding: chunked", body=chunk)
    assert answer(raw) == (413, TOO_LARGE)


def test_a_body_at_the_limit_is_read(small):
    sent = small.send("POST", ADD, b"a=" + b"x" * (LIMIT - 2), URLENCODED)
    assert (sent.status, sent.text) == (200, "Fails.")


@pytest.mark.parametrize("declared", ["9" * 30, "9" * 5000, "-1", "1e3", "0x10"])
def test_a_length_that_is_none_is_refused(raw, declared):
    ask(raw, ADD, f"Content-Length: {declared}")
    assert answer(raw)[0] in {400, 413}


def test_a_body_that_does_not_come_is_given_up(raw):
    ask(raw, ADD, "Content-Length: 1000", body=b"a=")
    assert answer(raw) == (408, b"The request took too long to arrive.")
    assert raw.recv(1) == b""


def test_a_body_that_is_cut_short_does_no_harm(small, raw):
    ask(raw, ADD, "Content-Length: 1000", body=b"urls=" + b"a" * 40)
    raw.shutdown(socket.SHUT_WR)
    raw.close()
    assert small.send("GET", INFO).json == []


def test_a_refused_upload_is_read_so_that_the_refusal_arrives(server, torrents):
    """With Connection: close, as Sonarr asks: what is left unread would reset the connection."""
    config = ApiConfig(login=Login.of("user", "pw"))
    server.app = create_app(torrents, config)
    sonarr = SonarrHttp(server.port)
    for _ in range(3):
        sent = sonarr.send("POST", ADD, b"x" * (12 << 20), URLENCODED)
        assert (sent.status, sent.text) == (403, "Forbidden")


def test_who_has_not_logged_in_uploads_next_to_nothing(server, torrents):
    server.app = create_app(torrents, ApiConfig(login=Login.of("user", "pw")))
    sonarr = SonarrHttp(server.port)
    assert sonarr.send("POST", LOGIN, b"x" * (64 << 10), URLENCODED).text == "Fails."
    assert sonarr.send("POST", LOGIN, b"x" * ((64 << 10) + 1), URLENCODED).status == 413


def test_more_than_the_bound_is_not_thrown_away_either(raw, monkeypatch):
    monkeypatch.setattr("api.qbittorrent.bodies.DRAINED", 2 * LIMIT)
    ask(raw, ADD, f"Content-Length: {1 << 40}", body=b"x" * (4 * LIMIT))
    assert answer(raw) == (413, TOO_LARGE)
