"""What release/push and Autobrr really do, fact by fact, and that nothing is lost over it.

The facts are those of the programs' own sources: Sonarr 4.0 and Radarr 5 (release/push, the grab)
and Autobrr 1.6x (the webhook action).
"""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from arrpush.outbox import OutboxConfig
from arrpush.payload import Target
from tests.arrpush.front_desk import WITH_MAGNET, WITH_TORRENT, FrontDesk, template
from tests.arrpush.outbox_desk import logged
from tests.engine.jobs.world import Torrent
from tests.fakes import arr_faults
from tests.fakes.arr import FakeArr

EPISODE = Torrent("A.Show.S01E01.1080p.WEB-GROUP", b"an episode")
NEXT = Torrent("A.Show.S01E02.1080p.WEB-GROUP", b"another episode")
PUSH = ("POST", "/release/push")
BY_URL = """{
  "ReleaseName": {{ toRawJson .TorrentName }}, "TorrentUrl": {{ toRawJson .TorrentUrl }},
  "Size": {{ .Size }}, "Type": "{{ .Type }}"
}"""


@pytest.fixture
def sonarr():
    with FakeArr(category="tv") as fake:
        yield fake


@pytest.fixture
async def desk(tmp_path, sonarr):
    desk = FrontDesk(tmp_path, {Target.SONARR: sonarr})
    async with desk.open():
        yield desk


@pytest.fixture
def indexer():
    """An indexer that gives its .torrent to those alone who have its cookie."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = "uid=1" in self.headers.get("Cookie", "")
            body = EPISODE.metainfo if known else b"<html>please log in</html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/download/1?passkey=marked-passkey"
        server.shutdown()


async def ended(desk, call, *states):
    """Wait until an announced release is in one of the states; return it as users see it."""
    shown = {}

    async def look():
        shown.update(await desk.asks(f"/arrpush/{call.json['id']}"))
        return shown["state"] in states

    async with asyncio.timeout(20):
        while not await look():  # noqa: ASYNC110 - a server in a thread tells nobody
            await asyncio.sleep(0)
    return shown


class TestWhatAPushReallyMeans:
    """The traps of release/push, by their numbers."""

    async def test_1_approved_is_not_grabbed(self, desk, sonarr, indexer):
        call = await desk.announces(payload=BY_URL, name=EPISODE.name, torrent_url=indexer)
        await ended(desk, call, "approved")
        assert await desk.waits_and_passes() == 60.0
        shown = await ended(desk, call, "ungrabbed")

        assert sonarr.attempts[0].error
        assert "its torrent was not added within 60 s" in shown["said"]

    async def test_1_not_even_when_our_own_api_fails(self, desk, sonarr):
        desk.torrents.take_no_changes("the disk is full")
        call = await desk.announces(EPISODE)
        await ended(desk, call, "approved")
        await desk.waits_and_passes()

        assert (await ended(desk, call, "ungrabbed"))["code"] == 200
        assert sonarr.attempts[0].torrent == EPISODE.metainfo
        assert sonarr.attempts[0].error

    async def test_1_and_it_may_have_gone_elsewhere(self, desk, sonarr):
        sonarr.clients, sonarr.client_name = {"alldebrid-client": None}, "ours"
        call = await desk.announces(EPISODE)
        await ended(desk, call, "approved")
        await desk.waits_and_passes()

        assert "another download client" in (await ended(desk, call, "grabbed"))["said"]
        assert desk.torrents.requests == []

    async def test_1_a_torrent_that_cannot_be_fetched_here_goes_out_as_a_magnet(self, desk, sonarr):
        desk.config = OutboxConfig(url="http://127.0.0.1:9")
        await desk.restart()
        call = await desk.announces(EPISODE)
        await ended(desk, call, "approved")
        await desk.waits_and_passes()
        shown = await ended(desk, call, "grabbed")

        assert [bool(one.magnet) for one in sonarr.attempts] == [False, True]
        assert shown["attempts"] == 2
        [asked] = desk.torrents.requests
        assert asked.metainfo == EPISODE.metainfo

    async def test_2_the_program_calls_us_before_it_answers(self, desk, sonarr):
        sonarr.push_faults = [arr_faults.HANGS_AFTER]
        call = await desk.announces(EPISODE)
        await desk.until(lambda: sonarr.hanging == 1)
        assert [view.record.hash for view in desk.torrents.views()] == [EPISODE.infohash]
        assert (await desk.asks(f"/arrpush/{call.json['id']}"))["state"] == "waiting"
        sonarr.let_go()

        assert (await ended(desk, call, "grabbed"))["code"] == 200

    async def test_2_one_push_at_a_time(self, desk, sonarr):
        calls = await asyncio.gather(desk.announces(EPISODE), desk.announces(NEXT))
        for call in calls:
            await ended(desk, call, "grabbed")

        assert (sonarr.pushing_at_once, sonarr.push_waits) == (1, 0)

    async def test_3_the_program_fetches_by_itself_and_has_no_cookies(self, desk, sonarr, indexer):
        call = await desk.announces(EPISODE, torrent_url=indexer)
        await ended(desk, call, "grabbed")
        [attempt] = sonarr.attempts

        assert indexer not in attempt.asked
        assert attempt.torrent == EPISODE.metainfo

    async def test_3_a_magnet_that_is_grabbed_becomes_the_original_torrent(self, desk, sonarr):
        sonarr.push_faults = [arr_faults.fails_with(500)]
        await desk.announces(EPISODE)
        await desk.waits()
        await asyncio.to_thread(
            sonarr.client.post, "/api/v2/torrents/add", urls=EPISODE.bare_magnet
        )
        [asked] = desk.torrents.requests

        assert (asked.metainfo, asked.magnet) == (EPISODE.metainfo, "")

    async def test_4_no_other_download_client_gets_it(self, desk, sonarr):
        sonarr.clients = sonarr.clients | {"The real qBittorrent": None}
        sonarr.default_client = "The real qBittorrent"
        await ended(desk, await desk.announces(EPISODE), "grabbed")

        assert sonarr.attempts[0].client == "alldebrid-client"
        assert "downloadClientId" not in sonarr.pushed[0]

    async def test_5_a_magnet_without_a_tracker_is_taken(self, desk, sonarr):
        magnet = f"magnet:?xt=urn:btih:{EPISODE.infohash}"
        call = await desk.announces(
            payload=WITH_MAGNET, name=EPISODE.name, magnet=magnet, torrent_url=""
        )
        await ended(desk, call, "grabbed")

        assert sonarr.attempts[0].magnet == magnet
        assert sonarr.attempts[0].error == ""

    async def test_6_what_is_in_the_queue_already_is_rejected_and_no_error(self, desk, sonarr):
        sonarr.grab("ab" * 20, title=EPISODE.name)
        with logged("arrpush") as lines:
            shown = await ended(desk, await desk.announces(EPISODE), "rejected")

        assert "Release in queue is of equal or higher preference" in shown["said"]
        assert shown["attempts"] == len(sonarr.asked_for(*PUSH)) == 1
        assert [line for line in lines if "outcome=rejected" not in line] == []

    async def test_7_what_a_delay_profile_holds_back_is_grabbed_later(self, desk, sonarr):
        sonarr.rejections, sonarr.temporarily = ["Waiting for better quality release"], True
        call = await desk.announces(EPISODE)
        await ended(desk, call, "later")
        desk.time.passes(6 * 3600)
        await asyncio.to_thread(sonarr.grab_pending)
        shown = await ended(desk, call, "grabbed")

        assert sonarr.attempts[0].torrent == EPISODE.metainfo
        assert shown["attempts"] == 1

    async def test_7_the_real_date_is_pushed_where_it_is_known(self, desk, sonarr):
        dated = WITH_TORRENT.replace("{\n", '{\n  "publishDate": "2023-01-02T03:04:05+01:00",\n', 1)
        await ended(desk, await desk.announces(EPISODE, payload=dated), "grabbed")
        await ended(desk, await desk.announces(NEXT), "grabbed")

        dates = [one["publishDate"] for one in sonarr.pushed]
        assert dates == ["2023-01-02T02:04:05Z", "2023-11-14T22:13:20Z"]


class TestWhatAutobrrReallyDoes:
    """The webhook action, line by line."""

    async def test_it_posts_without_headers_of_the_users(self, desk):
        port = desk.port
        for number, url in enumerate(
            [
                desk.webhook,
                f"http://marked-token-0123456789@127.0.0.1:{port}/arrpush?target=sonarr",
                f"http://autobrr:marked-token-0123456789@127.0.0.1:{port}/arrpush?target=sonarr",
            ]
        ):
            torrent = Torrent(f"A.Show.S01E{number:02}.1080p", b"%d" % number)
            call = await desk.announces(torrent, url=url)
            assert (call.error, call.status) == ("", 202)

    async def test_it_hears_nothing_of_a_wrong_token_but_our_log_does(self, desk):
        with logged("api.webhook") as lines:
            call = await desk.announces(EPISODE, url=desk.webhook.replace("token", "tokem"))

        assert (call.error, call.status) == ("", 401)
        assert "ARRPUSH_TOKEN is missing or wrong" in lines[0]

    @pytest.mark.parametrize(
        "name",
        [
            'A.Show.S01E01.The."Quoted".One.1080p',
            "A.Show.S01E01.AC\\DC.1080p",
            'A "Show" S01E01 \\ "1080p"',
            "A.Show.S01E01.Ça.été.ü.日本.1080p",
        ],
    )
    @pytest.mark.parametrize("escaped", [True, False])
    async def test_it_escapes_nothing_by_itself(self, desk, sonarr, name, escaped):
        payload = WITH_TORRENT
        if not escaped:
            payload = payload.replace("{{ toRawJson .TorrentName }}", '"{{ .TorrentName }}"')
        call = await desk.announces(EPISODE, payload=payload, name=name)
        assert call.status == 202
        await ended(desk, call, "grabbed")

        assert sonarr.pushed[0]["title"] == name

    @pytest.mark.parametrize(
        "raw",
        [
            '"{{ .TorrentDataRawBytes | toString | b64enc }}"',
            '"{{ .TorrentDataRawBytes }}"',
            "{{ .TorrentDataRawBytes }}",
            "{{ toRawJson .TorrentDataRawBytes }}",
        ],
    )
    async def test_it_writes_bytes_in_several_ways(self, desk, sonarr, raw):
        payload = WITH_TORRENT.replace('"{{ .TorrentDataRawBytes | toString | b64enc }}"', raw)
        assert payload.count("RawBytes") == 2
        await ended(desk, await desk.announces(EPISODE, payload=payload), "grabbed")

        assert sonarr.attempts[0].torrent == EPISODE.metainfo

    async def test_it_waits_for_the_answer_so_that_comes_at_once(self, desk, sonarr):
        sonarr.push_faults = [arr_faults.HANGS]
        first = await desk.announces(EPISODE)
        await desk.until(lambda: sonarr.hanging == 1)
        second = await desk.announces(NEXT)
        assert (first.status, second.status) == (202, 202)
        sonarr.let_go()
        for call in (first, second):
            await ended(desk, call, "grabbed")

    async def test_it_looks_at_no_status_so_what_is_refused_is_in_our_log(self, desk):
        call = await desk.announces(payload='{"ReleaseName": "A.Show.S01E01" oops}')

        assert (call.error, call.status) == ("", 400)
        assert "line 1, column " in call.json["error"]
        assert "outcome=bad" in desk.attempts.lines[0]

    async def test_it_never_tries_again_so_the_release_is_kept_by_us(self, desk, sonarr):
        sonarr.down = True
        call = await desk.announces(EPISODE)
        await desk.waits()
        await desk.restart()
        sonarr.down = False

        await ended(desk, call, "grabbed")

    async def test_it_sends_nothing_for_a_magnet_when_the_payload_names_the_torrent(self, desk):
        magnet = EPISODE.magnet
        lost = await desk.announces(EPISODE, magnet=magnet)
        sent = await desk.announces(EPISODE, payload=WITH_MAGNET, magnet=magnet)

        assert (lost.sent, sent.sent) == (False, True)
        assert (await ended(desk, sent, "grabbed"))["infohash"] == EPISODE.infohash

    async def test_the_payloads_of_the_readme_name_macros_that_exist(self):
        for mark in ("autobrr", "autobrr magnets"):
            assert "TorrentName" in template(mark)


class TestAcceptance:
    """The acceptance tests of the specification, at the webhook."""

    async def test_t_01_a_push_succeeds(self, desk):
        shown = await ended(desk, await desk.announces(EPISODE), "grabbed")

        assert shown["code"] == 200

    @pytest.mark.parametrize("url", ["no url", "ftp://t.invalid/1", "http://", "http://t:port/"])
    async def test_t_02_an_invalid_url_is_refused_and_logged(self, desk, sonarr, url):
        call = await desk.announces(payload=BY_URL, name=EPISODE.name, torrent_url=url)

        assert call.status == 400
        assert "URL" in call.json["error"]
        [line] = desk.attempts.lines
        assert "URL" in line
        assert EPISODE.name in line
        assert sonarr.asked == []

    async def test_t_03_without_an_infohash_the_cache_tells_it(self, desk, sonarr):
        await ended(desk, await desk.announces(EPISODE), "grabbed")
        sonarr.grabs.clear()
        body = {"ReleaseName": "A Show S01E01 1080p WEB-GROUP", "TorrentUrl": "https://t.invalid/1"}
        call = await desk.announces(payload=json.dumps(body))

        assert call.json["infohash"] == EPISODE.infohash
        assert call.json["known"]

    async def test_t_04_a_size_that_is_no_number_is_zero(self, desk, sonarr):
        payload = WITH_TORRENT.replace("{{ .Size }}", '"1.5 GB, perhaps"')
        await ended(desk, await desk.announces(EPISODE, payload=payload), "grabbed")

        assert sonarr.pushed[0]["size"] == 0

    async def test_t_05_a_slow_network_is_waited_for(self, desk, sonarr):
        desk.answer_within = 0.2
        sonarr.push_faults = [arr_faults.HANGS]
        call = await desk.announces(EPISODE)
        await desk.waits()
        assert (await ended(desk, call, "waiting"))["attempts"] == 1
        desk.answer_within = None
        sonarr.let_go()
        await desk.until(lambda: sonarr.pushing == 0)
        assert await desk.waits_and_passes() == 10.0

        await ended(desk, call, "grabbed")
        assert sonarr.grabbed_times(EPISODE.infohash) == 1
