"""The short way past the framework gives the answers of the long one."""

import asyncio

import pytest

from api.qbittorrent import app as app_module
from api.qbittorrent.app import ENDPOINTS, create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from engine.jobs.states import State
from engine.jobs.views import AddRequest, Unavailable

HASH = "a" * 40
READING = sorted(path for path, endpoint in ENDPOINTS.items() if endpoint.reads)


def ask(app, path, query="", *, method="GET", cookie=""):
    """Ask an ASGI application; return status, headers and body."""
    headers = [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": f"/api/v2/{path}", "raw_path": f"/api/v2/{path}".encode(),
        "query_string": query.encode(), "root_path": "", "scheme": "http", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, body = sent
    return start["status"], sorted(start["headers"]), body["body"]


@pytest.fixture
def one(torrents):
    async def add():
        await torrents.add(AddRequest(magnet=f"magnet:?xt=urn:btih:{HASH}", category="tv"))

    asyncio.run(add())
    torrents.become(HASH, State.PAUSED)
    return torrents


@pytest.fixture
def long_way(monkeypatch, one):
    with monkeypatch.context() as patch:
        patch.setattr(app_module, "quickly", lambda app, *_: app)
        return create_app(one, ApiConfig(), clock=lambda: 1_700_000_000)


@pytest.fixture
def short_way(one):
    return create_app(one, ApiConfig(), clock=lambda: 1_700_000_000)


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize("query", ["", f"hash={HASH}&hashes={HASH}&id=1", "sort=nonsense&rid=1"])
def test_both_ways_answer_the_same(long_way, short_way, path, query):
    if path.startswith("sync/"):
        query += "&rid=0"
    long, short = (
        ask(app, path, query, cookie="SID=a" if path.startswith("sync/") else "")
        for app in (long_way, short_way)
    )
    assert short == long


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nothing"),
        ("GET", "auth/login"),
        ("GET", "torrents/delete"),
        ("HEAD", "app/version"),
    ],
)
def test_what_is_not_plain_goes_the_long_way(long_way, short_way, method, path):
    long, short = (ask(app, path, method=method) for app in (long_way, short_way))
    assert short == long


def test_who_is_not_logged_in_hears_403_on_both_ways(one):
    app = create_app(one, ApiConfig(login=Login.of("user", "password")))
    assert {ask(app, path)[0] for path in READING} == {403}


def test_a_bug_is_answered_and_logged(one, long_way, short_way, caplog):
    answers = []
    for app in (long_way, short_way):
        one.break_down(ZeroDivisionError())
        answers.append(ask(app, "torrents/info"))
    assert answers[0] == answers[1]
    assert answers[1][0] == 500
    assert caplog.text.count("ZeroDivisionError") == 2


def test_what_cannot_be_stored_is_told_the_same_on_both_ways(one, long_way, short_way):
    answers = []
    for app in (long_way, short_way):
        one.break_down(Unavailable("the disk is full"))
        answers.append(ask(app, "torrents/info"))
    assert answers[0] == answers[1]
    assert b"cannot store" in answers[1][2]


def test_what_is_refused_is_looked_at_once(one, short_way, monkeypatch):
    asked = []
    view = one.view
    monkeypatch.setattr(one, "view", lambda infohash: asked.append(infohash) or view(infohash))

    assert ask(short_way, "torrents/properties", f"hash={'b' * 40}")[0] == 404
    assert asked == ["b" * 40]
