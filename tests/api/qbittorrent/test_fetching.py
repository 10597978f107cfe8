"""What is behind a URL, and what this machine does not ask or tell for it."""

import ipaddress
import logging
import socket

import pytest

from api.qbittorrent import fetching
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig, Fetched
from api.qbittorrent.fetching import REDIRECTS, fetch, may_be_asked
from engine.jobs.views import BadTorrent
from tests.fakes.dns import Resolver, deaf_address
from tests.fakes.served_app import ServedApp
from tests.fakes.sonarr_http import SonarrHttp

SECRET = "PASSKEY5e3c"
HASH = "c" * 40
MAGNET = f"magnet:?xt=urn:btih:{HASH}&tr=http://t.example/{SECRET}"
LARGEST = 1 << 20
COOKIE = "uid=7; pass=5ec4e7"


class Tracker:
    """An ASGI application that answers what it was told to."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        """Host, target and cookie of each request."""

    def __repr__(self):
        return f"<Tracker asked={len(self.asked)}>"

    def has(self, path, body=b"", status=200, **headers):
        self.answers[path] = (status, headers, body)

    def moves(self, path, target, status=302):
        self.has(path, status=status, Location=target)

    async def __call__(self, scope, _receive, send):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        target = scope["path"] + ("?" + query if query else "")
        self.asked.append((headers["host"].partition(":")[0], target, headers.get("cookie")))
        status, given, body = self.answers.get(scope["path"], (404, {}, b"gone"))
        pairs = [(name.replace("_", "-").lower(), value) for name, value in given.items()]
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        }
        await send(start)
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def host():
    with ServedApp() as host:
        yield host


@pytest.fixture
def tracker(host):
    host.app = Tracker()
    return host.app


@pytest.fixture
def resolver(monkeypatch):
    resolver = Resolver()
    for name in ["tracker.example", "prowlarr", "other.example"]:
        resolver.knows(name, "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return resolver


@pytest.fixture
def at(host, tracker, resolver):
    """Make the URL of a path on the tracker, or on another name of it."""
    assert tracker.asked == resolver.asked == []
    return lambda path, name="tracker.example", scheme="http": (
        f"{scheme}://{name}:{host.port}{path}"
    )


async def refusal(url, cookie="", **options):
    """Return why a URL is refused, having checked that no secret is in it."""
    with pytest.raises(BadTorrent) as caught:
        await fetch(url, cookie, **{"largest": LARGEST, **options})
    told = f"{caught.value!r} {caught.value.__cause__!r}"
    for secret in (SECRET, "5ec4e7", "tracker.example", "127.0.0.1"):
        assert secret not in told
    return str(caught.value)


async def test_a_torrent_is_fetched(at, tracker, torrent_file):
    tracker.has("/dl", torrent_file, Content_Type="application/x-bittorrent")
    fetched = await fetch(at(f"/dl?passkey={SECRET}"), largest=LARGEST)
    assert fetched == Fetched(metainfo=torrent_file)
    assert tracker.asked == [("tracker.example", f"/dl?passkey={SECRET}", None)]
    assert SECRET not in repr(Fetched(magnet=MAGNET))
    assert "piece" not in repr(fetched)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(at, tracker, torrent_file, status):
    tracker.moves("/1", "/2?x=y", status)
    tracker.moves("/2", at("/3", "other.example"), status)
    tracker.has("/3", torrent_file)
    fetched = await fetch(at("/1"), largest=LARGEST)
    assert fetched.metainfo == torrent_file
    assert [asked[:2] for asked in tracker.asked] == [
        ("tracker.example", "/1"),
        ("tracker.example", "/2?x=y"),
        ("other.example", "/3"),
    ]


async def test_a_circle_of_redirects_is_left(at, tracker):
    tracker.moves("/1", "/1")
    assert "more than 5 redirects" in await refusal(at("/1"))
    assert len(tracker.asked) == REDIRECTS + 1


@pytest.mark.parametrize("magnet", [MAGNET, MAGNET.replace("magnet", "MAGNET"), f"{MAGNET}&dn=a b"])
async def test_a_redirect_to_a_magnet_is_one(at, tracker, magnet):
    tracker.moves("/1", "/2")
    tracker.moves("/2", magnet)
    assert await fetch(at("/1", "prowlarr"), largest=LARGEST) == Fetched(magnet=magnet)


async def test_a_magnet_in_an_answer_is_one(at, tracker):
    tracker.has("/1", f"\n{MAGNET}\n".encode())
    assert await fetch(at("/1"), largest=LARGEST) == Fetched(magnet=MAGNET)


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "ftp://tracker.example/x", "gopher://127.0.0.1/", "http://[::1",
        "data:,d4:infode", "http://tracker.example:99999/", "javascript:x",
        "http://tracker.example\\@other.example/",
    ],
)  # fmt: skip
async def test_nothing_but_http_is_asked_also_not_after_a_redirect(at, tracker, target):
    tracker.moves("/1", target)
    await refusal(at("/1"))
    await refusal(target)
    assert len(tracker.asked) == 1


@pytest.mark.parametrize("status", [200, 304, 300])
async def test_a_redirect_to_nowhere_is_refused(at, tracker, status):
    tracker.has("/1", status=status)
    await refusal(at("/1"))
    tracker.has("/2", status=302)
    assert "5 redirects" in await refusal(at("/2"))


NEVER = [
    "169.254.169.254", "169.254.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.100.100.200",
    "168.63.129.16", "240.0.0.1", "fe80::1", "fe80::a9fe:a9fe", "ff02::1", "::", "fd00:ec2::254",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "64:ff9b::",
]  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
async def test_some_addresses_are_never_asked(at, tracker, resolver, address):
    assert not may_be_asked(ipaddress.ip_address(address))
    resolver.knows("metadata.example", address)
    shown = f"[{address}]" if ":" in address else address
    tracker.moves("/1", at("/latest", "metadata.example"))
    for url in [at("/", shown), at("/", "metadata.example"), at("/1")]:
        assert "not allowed" in await refusal(url)
    assert [asked[1] for asked in tracker.asked] == ["/1"]


@pytest.mark.parametrize("name", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0"])
async def test_an_odd_spelling_of_an_address_is_that_address(name):
    assert "not allowed" in await refusal(f"http://{name}/")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "192.168.1.5", "10.0.0.1", "172.17.0.2", "100.64.0.7", "8.8.8.8", "::1",
     "fd12::1", "2a00::1", "::ffff:192.168.1.5", "64:ff9b::808:808"],
)  # fmt: skip
def test_addresses_of_this_house_and_of_the_world_are_asked(address):
    assert may_be_asked(ipaddress.ip_address(address))


async def test_a_name_that_leads_to_both_is_asked_where_it_may_be(at, tracker, resolver):
    tracker.has("/1", b"d4:infode")
    resolver.knows("both.example", "169.254.169.254", "127.0.0.1")
    assert await fetch(at("/1", "both.example"), largest=LARGEST)


class TestTheCookie:
    async def test_goes_to_the_host_of_the_url_only(self, at, tracker):
        tracker.moves("/1", "/2")
        tracker.moves("/2", at("/3", "other.example"))
        tracker.moves("/3", at("/4"))
        tracker.has("/4", b"d4:infode")
        await fetch(at("/1"), COOKIE, largest=LARGEST)
        assert [asked[2] for asked in tracker.asked] == [COOKIE, COOKIE, None, COOKIE]

    async def test_never_goes_from_https_to_http(self, monkeypatch):
        sent = []

        async def exchange(_method, url, *, headers, **_):
            sent.append((url, headers.get("Cookie")))
            if len(sent) == 3:
                return fetching.Answer(200, {}, b"d4:infode")
            return fetching.Answer(
                302, {"location": ["http://a/2", "https://a/3"][len(sent) - 1]}, b""
            )

        monkeypatch.setattr(fetching, "exchange", exchange)
        await fetch("https://a/1", COOKIE, largest=LARGEST)
        assert sent == [("https://a/1", COOKIE), ("http://a/2", None), ("https://a/3", COOKIE)]

    @pytest.mark.parametrize("cookie", ["a=b\r\nHost: evil", "a=b\n", "a=\0", "a=\u20ac", "a=\x7f"])
    async def test_cannot_write_other_headers(self, at, tracker, cookie):
        assert await refusal(at("/1"), cookie) == "the cookie holds characters that no cookie has"
        assert tracker.asked == []


async def test_what_is_too_large_is_not_read(at, tracker):
    tracker.has("/1", b"d" + b"x" * LARGEST)
    assert "more than 1048576 bytes" in await refusal(at("/1"))
    tracker.has("/2", b"d" + b"x" * (LARGEST - 1))
    assert len((await fetch(at("/2"), largest=LARGEST)).metainfo) == LARGEST


async def test_who_does_not_answer_is_not_waited_for(host, tracker, monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    with deaf_address(host.port) as address:
        assert "no whole answer in time" in await refusal(f"http://{address}:{host.port}/")
    assert tracker.asked == []


async def test_all_redirects_together_have_the_time_of_one(at, tracker, monkeypatch):
    given = []

    async def exchange(*_, **options):
        given.append(options["timeout"])
        return fetching.Answer(302, {"location": "/"}, b"")

    monkeypatch.setattr(fetching, "exchange", exchange)
    await refusal(at("/"))
    assert given == sorted(given, reverse=True)
    assert given[0] <= fetching.TIMEOUT
    assert tracker.asked == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}, b""), "the server answered 404"),
        ((500, {}, b"d4:infode"), "the server answered 500"),
        ((200, {"Content_Type": "text/html"}, b"<html>"), "a web page, not to a .torrent"),
        ((200, {}, b"PK"), "something that is no .torrent"),
        ((200, {}, b""), "something that is no .torrent"),
    ],
)
async def test_what_is_no_torrent_is_refused_with_a_reason(at, tracker, answer, reason):
    status, headers, body = answer
    tracker.has("/1", body, status, **headers)
    assert reason in await refusal(at(f"/1?key={SECRET}"))


async def test_a_name_that_does_not_exist_is_told_without_it(at):
    assert "cannot be fetched: no connection" in await refusal(at("/", "nowhere.example"))


class TestThroughTheApi:
    @pytest.fixture
    def sonarr(self, server, torrents):
        async def fetched(url, cookie):
            return await fetch(url, cookie, largest=LARGEST)

        server.app = create_app(torrents, ApiConfig(), fetch_torrent=fetched)
        return SonarrHttp(server.port)

    def test_a_url_is_added(self, sonarr, at, tracker, torrents, torrent_file):
        tracker.moves("/1", "/2")
        tracker.has("/2", torrent_file)
        tracker.moves("/3", MAGNET)
        urls = f"{at('/1')}\n{at('/3', 'prowlarr')}"
        assert sonarr.post("/api/v2/torrents/add", urls=urls, cookie=COOKIE).text == "Ok."
        assert {request.magnet or request.metainfo for request in torrents.requests} == {
            torrent_file,
            MAGNET,
        }
        assert {asked[2] for asked in tracker.asked} == {COOKIE}

    def test_a_refusal_tells_no_secret(self, sonarr, at, caplog):
        url = at(f"/nothing/{SECRET}?passkey={SECRET}")
        with caplog.at_level(logging.DEBUG):
            answer = sonarr.post("/api/v2/torrents/add", urls=url, cookie=COOKIE)
        assert answer.text == "Fails."
        # The access log is that of the tests' own server.
        told = [each.getMessage() for each in caplog.records if each.name != "uvicorn.access"]
        assert any("the server answered 404" in line for line in told)
        for secret in (SECRET, "5ec4e7"):
            assert not [line for line in told if secret in line]
