"""What is pushed to the fake is judged, grabbed and told of as the real programs do it."""

import concurrent.futures
import datetime as dt
import gzip
import hashlib
import http.client
import json

import bencodepy
import pytest

from tests.fakes.arr import KEY, FakeArr
from tests.fakes.arr_faults import (
    ANSWER_LOST,
    CUT,
    HANGS,
    HANGS_AFTER,
    LOGIN_PAGE,
    MIX,
    TAKEN,
    fails_after_with,
    fails_often,
    fails_with,
)
from tests.fakes.arr_grab import GrabFailed, infohash_of_magnet, infohash_of_torrent
from tests.fakes.served_app import ServedApp
from tests.fakes.sonarr_http import RADARR, SonarrHttp

NAME = "A.Show.S01E02.1080p.WEB.H264-GROUP"
INFO = {b"length": 77, b"name": b"a", b"piece length": 16384, b"pieces": b"p" * 20}
TORRENT = bencodepy.encode({b"announce": b"http://t/", b"info": INFO})
HASH = hashlib.sha1(bencodepy.encode(INFO)).hexdigest()
OTHER = "cd" * 20
MAGNET = f"magnet:?xt=urn:btih:{OTHER}&dn=A&tr=http%3A%2F%2Ft"
BASE32, BASE32_HEX = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK", "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
IN_QUEUE = "Release in queue is of equal or higher preference"


class Site:
    """A qBittorrent below /api, and what a test puts below any other path."""

    def __init__(self):
        self.pages = {"/a.torrent": (200, {}, TORRENT)}
        """Status, headers and body by path; a list is used up but for its last."""
        self.seen = []
        self.dht = True
        self.add = (200, {}, b"Ok.")
        self.login = (200, {"set-cookie": "SID=1"}, b"Ok.")
        self.on_add = lambda: None

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers, body))
        status, more_headers, content = self.answer(scope["path"])
        raw = [(name.encode(), value.encode()) for name, value in more_headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def answer(self, path):
        if path.endswith("/auth/login"):
            return self.login
        if path.endswith("/torrents/add"):
            self.on_add()
            return self.add
        if path.endswith("/app/webapiVersion"):
            return 200, {}, b"2.8.3"
        if path.endswith("/app/preferences"):
            return 200, {}, json.dumps({"dht": self.dht}).encode()
        page = self.pages.get(path, (404, {}, b"not found"))
        return (page.pop(0) if len(page) > 1 else page[0]) if isinstance(page, list) else page

    def paths(self):
        return [path for _, path, _, _ in self.seen]

    @property
    def added(self):
        return [body for _, path, _, body in self.seen if path.endswith("/torrents/add")]


@pytest.fixture(scope="module")
def server():
    with ServedApp() as server:
        yield server


@pytest.fixture
def site(server):
    server.app = Site()
    return server.app


@pytest.fixture
def arr(server, site):
    assert server.app is site
    with FakeArr(client=SonarrHttp(server.port), grabs=True) as fake:
        yield fake


@pytest.fixture
def url(server):
    """The address of a page on the site."""
    return lambda path="/a.torrent": f"http://127.0.0.1:{server.port}{path}"


@pytest.fixture
def at_once():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


def ask(arr, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", arr._port, timeout=10)
    try:
        content = None if body is None else json.dumps(body)
        headers = {"X-Api-Key": KEY, "Content-Type": "application/json"}
        connection.request(method, f"/api/v3{path}", content, headers)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def push(arr, **release):
    """Push a release; returns the status, and the verdict if there is one."""
    always = {"title": NAME, "protocol": "torrent", "publishDate": "2026-01-01T00:00:00Z"}
    status, body, _ = ask(arr, "POST", "/release/push", always | release)
    return status, json.loads(body)[0] if status == 200 else body


def approved(arr, **release):
    status, verdict = push(arr, **release)
    assert (status, verdict["approved"]) == (200, True)
    return arr.attempts[-1]


def history(arr, query=""):
    return json.loads(ask(arr, "GET", f"/history?{query}")[1])["records"]


class TestGrabbing:
    def test_a_torrent_is_fetched_and_added_before_the_answer(self, arr, site, url):
        pushing = []
        site.on_add = lambda: pushing.append(arr.pushing)
        attempt = approved(arr, downloadUrl=url())

        assert pushing == [1]
        assert site.paths() == [
            "/a.torrent",
            *["/api/v2/app/webapiVersion"] * 3,
            "/api/v2/torrents/add",
        ]
        assert TORRENT in site.added[0]
        assert b'filename="A.Show.S01E02.1080p.WEB.H264-GROUP.torrent"' in site.added[0]
        assert b'name="category"\r\n\r\ntv-sonarr\r\n' in site.added[0]
        assert (attempt.error, attempt.infohash) == ("", HASH)
        assert (attempt.asked, attempt.torrent) == ([url()], TORRENT)
        assert arr.grabbed_times(HASH) == 1

    def test_it_is_in_queue_and_history_by_its_infohash_in_capitals(self, arr, url):
        moment = dt.datetime(2026, 1, 31, 13, tzinfo=dt.timezone(dt.timedelta(hours=1)))
        arr.now = lambda: moment
        approved(arr, downloadUrl=url())
        (event,) = history(arr)

        assert [one["downloadId"] for one in arr.queue()] == [HASH.upper()]
        assert (event["eventType"], event["downloadId"]) == ("grabbed", HASH.upper())
        assert (event["sourceTitle"], event["date"]) == (NAME, "2026-01-31T12:00:00Z")

    def test_a_torrent_is_asked_for_without_any_cookie(self, arr, site, url):
        arr.client.cookies["SID"] = "of the client"
        approved(arr, downloadUrl=url())
        _, _, headers, _ = site.seen[0]

        assert headers["accept"] == "application/x-bittorrent"
        assert headers["user-agent"].startswith("Sonarr/4.")
        assert not {"cookie", "authorization", "referer"} & set(headers)

    def test_radarr_says_that_it_is_radarr(self, server, site, url):
        client = SonarrHttp(server.port, release=RADARR)
        with FakeArr(radarr=True, client=client, category="radarr", grabs=True) as arr:
            approved(arr, downloadUrl=url())

        assert site.seen[0][2]["user-agent"].startswith("Radarr/")
        assert b"\r\n\r\nradarr\r\n" in site.added[0]

    def test_a_magnet_comes_before_the_url(self, arr, site, url):
        attempt = approved(arr, downloadUrl=url(), magnetUrl=MAGNET)

        assert site.paths()[0] == "/api/v2/app/webapiVersion"
        assert "/api/v2/app/preferences" in site.paths()
        assert site.added[0].startswith(b"urls=magnet%3A%3Fxt%3Durn%3Abtih")
        assert (attempt.infohash, attempt.magnet, attempt.asked) == (OTHER, MAGNET, [])

    def test_a_magnet_may_stand_where_the_url_would(self, arr):
        assert approved(arr, downloadUrl=MAGNET).infohash == OTHER

    def test_base32_becomes_hex(self, arr):
        magnet = f"magnet:?xt=urn:btih:{BASE32}&tr=http%3A%2F%2Ft"

        assert approved(arr, magnetUrl=magnet).infohash == BASE32_HEX
        assert [one["downloadId"] for one in history(arr)] == [BASE32_HEX.upper()]

    def test_a_magnet_without_trackers_gives_way_where_dht_is_off(self, arr, site, url):
        site.dht = False
        magnet = f"magnet:?xt=urn:btih:{OTHER}"

        assert "MagnetNotSupported" in approved(arr, magnetUrl=magnet).error
        assert approved(arr, magnetUrl=magnet, downloadUrl=url()).infohash == HASH

    @pytest.mark.parametrize("status", [301, 302, 303])
    def test_redirects_are_followed(self, arr, site, url, status):
        site.pages["/r"] = (status, {"location": "/a.torrent"}, b"")
        attempt = approved(arr, downloadUrl=url("/r"))

        assert (attempt.infohash, attempt.asked) == (HASH, [url("/r"), url()])

    def test_redirects_to_a_magnet_are_followed(self, arr, site, url):
        site.pages["/r"] = (302, {"location": MAGNET}, b"")

        assert approved(arr, downloadUrl=url("/r")).magnet == MAGNET

    @pytest.mark.parametrize("status", [307, 308])
    def test_these_redirects_are_not(self, arr, site, url, status):
        site.pages["/r"] = (status, {"location": "/a.torrent"}, b"")

        assert "no .torrent" in approved(arr, downloadUrl=url("/r")).error
        assert site.paths() == ["/r"]

    def test_a_circle_of_redirects_ends(self, arr, site, url):
        site.pages["/r"] = (302, {"location": "/r"}, b"")

        assert "circle" in approved(arr, downloadUrl=url("/r")).error

    @pytest.mark.parametrize("status", [500, 503, 408])
    def test_trouble_is_asked_twice_more(self, arr, site, url, status):
        trouble = (status, {}, b"")
        site.pages["/t"] = [trouble, trouble, (200, {}, TORRENT)]
        site.pages["/u"] = trouble

        assert approved(arr, downloadUrl=url("/t")).asked == [url("/t")] * 3
        assert approved(arr, downloadUrl=url("/u"), title="Other.S01").error == (
            f"GrabFailed: HTTP {status}"
        )
        assert site.paths().count("/u") == 3

    def test_compressed_is_as_good(self, arr, site, url):
        site.pages["/z"] = (200, {"content-encoding": "gzip"}, gzip.compress(TORRENT))

        assert approved(arr, downloadUrl=url("/z")).infohash == HASH

    @pytest.mark.parametrize(
        "page",
        [
            (404, {}, b""),
            (403, {}, TORRENT),
            (429, {}, TORRENT),
            (200, {}, b"<!doctype html><title>Login</title>"),
            (200, {}, b""),
            (200, {"content-encoding": "gzip"}, b"no gzip"),
            (200, {"content-encoding": "gzip"}, gzip.compress(TORRENT)[:-4]),
            (302, {"location": "/login"}, b""),
            (302, {}, b""),
            (200, {}, TORRENT[:-30]),
            (200, {}, bencodepy.encode({b"info": {b"meta version": 2}})),
        ],
    )
    def test_what_cannot_be_fetched_is_approved_all_the_same(self, arr, site, url, page):
        site.pages |= {"/p": page, "/login": (200, {}, b"<html>")}
        attempt = approved(arr, downloadUrl=url("/p"))

        assert attempt.error
        assert (site.added, arr.queue(), history(arr)) == ([], [], [])
        assert site.paths().count("/p") == 1

    @pytest.mark.parametrize(
        "answer", [(200, {}, b"Fails."), (409, {}, b""), (500, {}, b""), (403, {}, b"")]
    )
    def test_what_the_client_does_not_take_is_approved_all_the_same(self, arr, site, url, answer):
        site.add = answer
        attempt = approved(arr, downloadUrl=url())

        assert attempt.error
        assert attempt.infohash == HASH
        assert (arr.queue(), history(arr), arr.grabbed_times(HASH)) == ([], [], 0)

    def test_nobody_at_the_client_is_approved_all_the_same(self, arr, url):
        arr.client = SonarrHttp(1)

        assert "refused" in approved(arr, downloadUrl=url()).error

    def test_a_client_that_lets_nobody_log_in_gets_it_later(self, arr, server, site, url):
        arr.client = SonarrHttp(server.port, "user", "pass")
        site.login = (403, {}, b"")
        assert approved(arr, downloadUrl=url()).pending
        site.login = (200, {"set-cookie": "SID=1"}, b"Ok.")
        (attempt,) = arr.grab_pending()

        assert (attempt.error, arr.grabbed_times(HASH)) == ("", 1)
        assert arr.pending == []

    def test_what_the_client_no_longer_has_leaves_the_queue(self, arr, site, url):
        site.pages["/api/v2/torrents/info"] = (200, {}, b"[]")
        approved(arr, downloadUrl=url())
        ask(arr, "POST", "/command", {"name": "RefreshMonitoredDownloads"})

        assert arr.queue() == []

    def test_without_a_client_the_infohash_is_noted_and_nobody_called(self, site, url):
        with FakeArr(grabs=True) as arr:
            approved(arr, downloadUrl=url(), infoHash=HASH.upper())
            assert approved(arr, downloadUrl=url(), title="Other.S01").error
            assert (arr.grabbed_times(HASH), arr.queue()) == (1, [])
        assert site.seen == []


class TestDownloadClients:
    def test_a_release_goes_to_the_client_that_it_names(self, arr, site, url):
        arr.clients["QBit"] = None
        arr.default_client = "QBit"
        assert approved(arr, downloadUrl=url(), downloadClient="qbIT").client == "QBit"
        assert site.paths() == ["/a.torrent"]
        assert (
            approved(arr, magnetUrl=MAGNET, title="B.S01", downloadClient="OURS").client == "Ours"
        )
        assert len(site.added) == 1
        assert [one["data"]["downloadClientName"] for one in history(arr)] == ["Ours", "QBit"]

    def test_others_are_called_as_ours_is(self, arr, server, site, url):
        arr.clients["QBit"] = other = SonarrHttp(server.port)
        approved(arr, downloadUrl=url(), downloadClient="QBit")

        assert (len(other.sent), arr.client.sent) == (4, [])

    @pytest.mark.parametrize("named", [{}, {"downloadClient": "unknown"}, {"downloadClient": ""}])
    def test_without_a_known_name_it_goes_to_the_default(self, arr, url, named):
        arr.clients["QBit"] = None
        assert approved(arr, downloadUrl=url(), **named).client == "Ours"
        arr.default_client = "QBit"
        assert approved(arr, downloadUrl=url(), title="B.S01", **named).client == "QBit"

    def test_what_another_client_has_stays_in_the_queue(self, arr, site, url):
        arr.clients["QBit"] = None
        site.pages["/api/v2/torrents/info"] = (200, {}, b"[]")
        approved(arr, downloadUrl=url(), downloadClient="QBit")
        ask(arr, "POST", "/command", {"name": "RefreshMonitoredDownloads"})
        (line,) = arr.queue()
        ask(arr, "DELETE", f"/queue/{line['id']}")

        assert arr.queue() == []
        assert "/api/v2/torrents/delete" not in site.paths()

    def test_a_client_with_the_id_0_is_approved_and_not_grabbed(self, arr, site, url):
        attempt = approved(arr, downloadUrl=url(), downloadClientId=0)

        assert "id 0" in attempt.error
        assert (site.seen, arr.queue()) == ([], [])


class TestOneAtATime:
    def test_a_second_push_waits_and_other_questions_do_not(self, arr, at_once, url):
        arr.push_faults = [HANGS]
        first = at_once.submit(push, arr, downloadUrl=url())
        arr.wait_for(lambda: arr.hanging == 1)
        second = at_once.submit(push, arr, magnetUrl=MAGNET, title="Other.S01")
        arr.wait_for(lambda: arr.pushing == 2)

        assert history(arr) == []
        assert (arr.pushed, second.done()) == ([], False)
        arr.let_go()
        assert [first.result()[0], second.result()[0]] == [200, 200]
        assert [one["title"] for one in arr.pushed] == [NAME, "Other.S01"]
        assert (arr.pushing_at_once, arr.push_waits, arr.pushing) == (2, 1, 0)

    def test_a_push_that_fails_at_once_waits_for_nobody(self, arr, at_once, url):
        arr.push_faults = [HANGS, fails_with(503)]
        first = at_once.submit(push, arr, downloadUrl=url())
        arr.wait_for(lambda: arr.hanging == 1)

        assert push(arr, magnetUrl=MAGNET)[0] == 503
        assert (first.done(), arr.pushing_at_once) == (False, 1)
        arr.let_go()
        assert first.result()[0] == 200

    def test_pushes_one_after_the_other_wait_for_nothing(self, arr, url):
        approved(arr, downloadUrl=url())
        approved(arr, magnetUrl=MAGNET, title="Other.S01")

        assert (arr.pushing_at_once, arr.push_waits) == (1, 0)

    def test_who_goes_away_is_grabbed_for_all_the_same(self, arr, url):
        arr.push_faults = [HANGS]
        body = {"title": NAME, "protocol": "torrent", "publishDate": "2026-01-01T00:00:00Z"}
        connection = http.client.HTTPConnection("127.0.0.1", arr._port, timeout=10)
        headers = {"X-Api-Key": KEY, "Content-Type": "application/json"}
        content = json.dumps(body | {"downloadUrl": url()})
        connection.request("POST", "/api/v3/release/push", content, headers)
        arr.wait_for(lambda: arr.hanging == 1)
        connection.close()
        arr.let_go()
        arr.wait_for(lambda: arr.grabbed_times(HASH) == 1)


class TestMemory:
    def test_what_is_in_the_queue_is_rejected(self, arr, url):
        approved(arr, downloadUrl=url())
        verdicts = [
            push(arr, downloadUrl=url())[1],
            push(arr, downloadUrl=url(), title="Other.S01", infoHash=HASH)[1],
        ]

        for verdict in verdicts:
            assert (verdict["approved"], verdict["rejected"]) == (False, True)
            assert not verdict["temporarilyRejected"]
            assert verdict["rejections"][0].startswith(IN_QUEUE)
        assert (arr.grabbed_times(HASH), len(arr.pushed)) == (1, 3)

    def test_what_was_not_grabbed_is_not_remembered(self, arr, site, url):
        site.add = (200, {}, b"Fails.")
        approved(arr, downloadUrl=url())
        site.add = (200, {}, b"Ok.")

        assert not approved(arr, downloadUrl=url()).error

    def test_what_was_removed_is_wanted_again(self, arr, site, url):
        site.pages["/api/v2/torrents/delete"] = (200, {}, b"")
        approved(arr, downloadUrl=url())
        ask(arr, "DELETE", f"/queue/{arr.queue()[0]['id']}")
        approved(arr, downloadUrl=url())

        assert arr.grabbed_times(HASH) == 2

    def test_what_failed_or_was_imported_is_rejected_for_that(self, arr, url):
        approved(arr, downloadUrl=url())
        arr.notes("downloadFolderImported", HASH)
        assert push(arr, downloadUrl=url())[1]["rejections"][0].startswith("Existing file on disk")
        ask(arr, "POST", "/history/failed/1")
        assert push(arr, downloadUrl=url())[1]["rejections"] == ["Release is blocklisted"]

    def test_it_can_be_switched_off(self, arr, url):
        arr.remembers = False
        approved(arr, downloadUrl=url())
        approved(arr, downloadUrl=url())

        assert arr.grabbed_times(HASH) == 2

    def test_what_is_rejected_for_now_is_grabbed_later_without_a_push(self, arr, site, url):
        arr.rejections, arr.temporarily = ["Waiting for better quality release"], True
        for _ in range(2):
            verdict = push(arr, downloadUrl=url())[1]
        assert (verdict["approved"], verdict["temporarilyRejected"]) == (False, True)
        assert (site.seen, len(arr.pending)) == ([], 1)

        (attempt,) = arr.grab_pending()
        assert (attempt.infohash, arr.grabbed_times(HASH)) == (HASH, 1)
        assert (arr.pending, arr.grab_pending(), len(arr.pushed)) == ([], [], 2)

    def test_what_is_in_the_queue_is_not_wanted_later_either(self, arr, url):
        arr.grab(HASH, title=NAME)
        arr.rejections, arr.temporarily = ["Waiting for better quality release"], True
        verdict = push(arr, downloadUrl=url())[1]

        assert (verdict["rejected"], verdict["temporarilyRejected"]) == (True, False)
        assert arr.pending == []

    def test_what_was_grabbed_meanwhile_is_not_grabbed_later(self, arr, url):
        arr.rejections, arr.temporarily = ["Waiting for better quality release"], True
        push(arr, downloadUrl=url())
        arr.grab(HASH, title=NAME)

        assert arr.grab_pending() == []
        assert arr.grabbed_times(HASH) == 1


class TestFaults:
    def test_while_it_starts_it_says_so_to_everything(self, arr, url):
        arr.starting = True
        status, body, _ = ask(arr, "GET", "/history")

        assert (status, list(json.loads(body))) == (503, ["errorMessage"])
        assert push(arr, downloadUrl=url())[0] == 503
        assert arr.gone_wrong == {"starting": 2}
        arr.starting = False
        approved(arr, downloadUrl=url())

    @pytest.mark.parametrize("status", [500, 408, 429, 404, 409])
    def test_a_push_can_fail_before_anything_is_done(self, arr, site, url, status):
        arr.push_faults = [fails_with(status), None]

        assert push(arr, downloadUrl=url())[0] == status
        assert (arr.pushed, site.seen) == ([], [])
        approved(arr, downloadUrl=url())
        assert arr.gone_wrong == {str(status): 1}

    def test_it_can_say_when_to_come_again(self, arr):
        arr.push_faults = [fails_with(429, retry_after="7")]
        status, _, headers = ask(arr, "POST", "/release/push", {})

        assert (status, headers["Retry-After"]) == (429, "7")

    def test_a_connection_can_be_cut_before(self, arr, site, url):
        arr.push_faults = [CUT]
        with pytest.raises(http.client.RemoteDisconnected):
            push(arr, downloadUrl=url())

        assert (arr.pushed, site.seen) == ([], [])

    def test_a_connection_can_be_cut_after_the_grab(self, arr, url):
        arr.push_faults = [ANSWER_LOST]
        with pytest.raises(http.client.RemoteDisconnected):
            push(arr, downloadUrl=url())

        assert arr.grabbed_times(HASH) == 1
        assert push(arr, downloadUrl=url())[1]["rejections"][0].startswith(IN_QUEUE)

    @pytest.mark.parametrize(("fault", "status"), [(fails_after_with(500), 500), (TAKEN, 202)])
    def test_the_answer_can_be_another_after_the_grab(self, arr, url, fault, status):
        arr.push_faults = [fault]

        assert push(arr, downloadUrl=url())[0] == status
        assert arr.grabbed_times(HASH) == 1

    def test_a_202_says_nothing(self, arr, url):
        arr.push_faults = [TAKEN]

        assert push(arr, downloadUrl=url()) == (202, b"")

    def test_somebody_else_can_answer_with_a_page(self, arr, site):
        arr.push_faults = [LOGIN_PAGE]
        status, body, headers = ask(arr, "POST", "/release/push", {})

        assert (status, body[:9]) == (200, b"<!doctype")
        assert headers["Content-Type"].startswith("text/html")
        assert (arr.pushed, site.seen) == ([], [])

    def test_the_answer_can_hang_after_the_grab(self, arr, at_once, url):
        arr.push_faults = [HANGS_AFTER]
        pushed = at_once.submit(push, arr, downloadUrl=url())
        arr.wait_for(lambda: arr.hanging == 1)

        assert (arr.grabbed_times(HASH), pushed.done()) == (1, False)
        arr.let_go()
        assert pushed.result()[1]["approved"]

    def test_leaving_lets_go(self, at_once, url):
        with FakeArr() as arr:
            arr.push_faults = [HANGS]
            at_once.submit(push, arr, downloadUrl=url())
            arr.wait_for(lambda: arr.hanging == 1)
        arr.wait_for(lambda: arr.hanging == 0)

    def test_a_plan_sees_number_and_body_of_each_push(self, arr, url):
        seen = []
        arr.push_faults = lambda number, body: seen.append((number, body["title"]))
        approved(arr, downloadUrl=url())
        approved(arr, magnetUrl=MAGNET, title="Other.S01")

        assert seen == [(0, NAME), (1, "Other.S01")]

    def test_any_question_can_fail(self, arr):
        arr.faults = lambda _method, path: fails_with(500) if path == "/history" else None

        assert ask(arr, "GET", "/history")[0] == 500
        assert ask(arr, "GET", "/queue")[0] == 200

    def test_a_third_of_everything_can_fail_and_the_same_again_from_the_same_seed(self):
        plans = [fails_often(7), fails_often(7)]
        first = [plans[0]("POST", "/release/push") for _ in range(600)]
        second = []
        for number in range(600):
            plans[1]("GET", "/history")
            plans[1]("DELETE", f"/queue/{number}")
            second.append(plans[1]("POST", "/release/push"))

        assert first == second
        assert 160 < len(first) - first.count(None) < 240
        assert set(first) == {None, *MIX}
        assert [fails_often(8)("POST", "/release/push") for _ in range(9)] != first[:9]

    def test_what_often_fails_is_counted(self, arr):
        arr.faults = fails_often(3, faults=[fails_with(500), fails_after_with(500)])
        statuses = [ask(arr, "GET", "/history")[0] for _ in range(30)]

        assert set(statuses) == {200, 500}
        assert arr.gone_wrong.total() == statuses.count(500)

    def test_a_share_of_pushes_can_fail_and_each_is_grabbed_once(self, arr):
        arr.client = None
        arr.faults = fails_often(5, faults=[fails_with(500), fails_after_with(500), TAKEN])
        for number in range(30):
            infohash = f"{number:040x}"
            release = {"magnetUrl": f"magnet:?xt=urn:btih:{infohash}", "title": f"S.S{number}"}
            while push(arr, **release)[0] == 500:
                pass
            assert arr.grabbed_times(infohash) == 1
        assert len(arr.pushed) > 30


class TestHistory:
    @pytest.fixture
    def arr(self):
        moments = iter(range(100))
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        with FakeArr(now=lambda: start + dt.timedelta(minutes=next(moments))) as arr:
            for number in range(5):
                arr.grab(f"{number:040x}")
            arr.notes("downloadFolderImported", f"{0:040x}")
            yield arr

    def ids(self, arr, query):
        return [one["id"] for one in history(arr, query)]

    def test_the_newest_comes_first(self, arr):
        assert self.ids(arr, "") == [6, 5, 4, 3, 2, 1]
        assert self.ids(arr, "sortKey=date&sortDirection=descending") == [6, 5, 4, 3, 2, 1]
        assert self.ids(arr, "sortKey=date&sortDirection=ascending") == [1, 2, 3, 4, 5, 6]

    def test_it_comes_in_pages(self, arr):
        assert self.ids(arr, "page=2&pageSize=4") == [2, 1]

    def test_it_can_be_of_one_download_or_one_kind(self, arr):
        assert self.ids(arr, f"downloadId={0:040X}") == [6, 1]
        assert self.ids(arr, "eventType=3") == [6]
        assert self.ids(arr, f"downloadId={0:040X}&eventType=1") == [1]

    def test_kinds_have_numbers(self, arr):
        assert ask(arr, "GET", "/history?eventType=grabbed")[0] == 400


@pytest.mark.parametrize(("radarr", "name"), [(False, "Sonarr"), (True, "Radarr")])
def test_it_says_what_it_is(radarr, name):
    with FakeArr(radarr=radarr) as arr:
        said = json.loads(ask(arr, "GET", "/system/status")[1])

    assert said["appName"] == name
    assert said["version"].count(".") == 3


def test_it_comes_back_at_the_same_address():
    arr = FakeArr()
    with arr:
        before = arr.url
    with arr:
        assert arr.url == before
        assert ask(arr, "GET", "/system/status")[0] == 200


@pytest.mark.parametrize(
    "torrent",
    [b"", b"d", b"de", b"d4:infoe", b"d4:infode", b"i1e", b"d-1:ae", b"d+4:infod6:pieces0:ee"],
)
def test_what_is_no_torrent_has_no_infohash(torrent):
    with pytest.raises(GrabFailed):
        infohash_of_torrent(torrent)


def test_an_infohash_is_of_the_bytes_as_they_are():
    info = b"d6:pieces0:6:lengthi1ee"  # not sorted
    torrent = b"d8:announce3:abc4:info" + info + b"5:otherli1e1:xee"

    assert infohash_of_torrent(torrent) == hashlib.sha1(info).hexdigest()


@pytest.mark.parametrize(
    "named",
    ["", "xt=urn:btih:abc", "xt=urn:btih:abcd", "xt=urn:btmh:1220", "xt=urn:btih:" + "1" * 32],
)
def test_what_is_no_magnet_has_no_infohash(named):
    with pytest.raises(GrabFailed):
        infohash_of_magnet(f"magnet:?{named}")
