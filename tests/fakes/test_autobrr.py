"""The fake Autobrr sends what the real one would, and nothing when the real one sends nothing."""

import base64
import concurrent.futures
import datetime as dt
import hashlib
import json
from pathlib import Path

import bencodepy
import pytest

from tests.fakes.autobrr import Autobrr, AutobrrRelease, fill
from tests.fakes.served_app import ServedApp

INFO = {b"length": 77, b"name": b"a", b"piece length": 16384, b"pieces": b"\xff" * 20}
TORRENT = bencodepy.encode({b"announce": b"http://t/", b"info": INFO})
HASH = hashlib.sha1(bencodepy.encode(INFO)).hexdigest()
RELEASE = AutobrrRelease(torrent=TORRENT)
NAMED = '{"name": "{{ .TorrentName }}"}'


class Receiver:
    """Writes down what comes, and answers what the test says."""

    def __init__(self):
        self.seen = []
        self.answers = []
        """Status and headers; 202 when there are none left."""
        self.looks_at = len

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        self.looks_at(body)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = scope["raw_path"].decode()
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode()}"
        self.seen.append((scope["method"], target, headers, body))
        status, more_headers = self.answers.pop(0) if self.answers else (202, [])
        await send({"type": "http.response.start", "status": status, "headers": more_headers})
        await send({"type": "http.response.body", "body": b'{"id": "1"}'})


@pytest.fixture(scope="module")
def server():
    with ServedApp() as server:
        yield server


@pytest.fixture
def receiver(server):
    server.app = Receiver()
    return server.app


@pytest.fixture
def autobrr(server, receiver, tmp_path):
    assert server.app is receiver
    return Autobrr(f"http://127.0.0.1:{server.port}/arrpush?target=sonarr", folder=tmp_path)


def filled(template, **values):
    return fill(template, {"X": "text"} | values)


class TestTheCall:
    def test_it_posts_once_with_two_headers_of_its_own(self, autobrr, receiver):
        call = autobrr.announces(NAMED, RELEASE)
        ((method, target, headers, body),) = receiver.seen

        assert (method, target) == ("POST", "/arrpush?target=sonarr")
        assert headers == {
            "host": headers["host"],
            "content-type": "application/json",
            "user-agent": "autobrr",
            "accept-encoding": "gzip",
            "content-length": str(len(body)),
        }
        assert json.loads(body) == {"name": RELEASE.name}
        assert (call.status, call.json, call.payload) == (202, {"id": "1"}, body)
        assert (call.error, call.sent) == ("", True)
        assert autobrr.calls == [call]

    @pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
    def test_whatever_the_status_it_is_content_and_never_repeats(self, autobrr, receiver, status):
        receiver.answers = [(status, [])]
        call = autobrr.announces(NAMED, RELEASE)

        assert (call.error, call.status, len(receiver.seen)) == ("", status, 1)

    def test_without_anybody_there_it_fails_and_never_repeats(self):
        call = Autobrr("http://127.0.0.1:1/").announces(NAMED, RELEASE)

        assert (call.sent, call.status) == (True, 0)
        assert "ConnectionRefusedError" in call.error

    def test_userinfo_becomes_basic_and_the_rest_stays_as_it_is(self, server, receiver):
        url = f"http://us%40er:pa%3Ass@127.0.0.1:{server.port}/a%20b/?q={{{{.X}}}}&apikey=%2F+"
        Autobrr(url).announces(NAMED, RELEASE)
        ((_, target, headers, _),) = receiver.seen

        assert target == "/a%20b/?q={{.X}}&apikey=%2F+"
        assert base64.b64decode(headers["authorization"].split()[1]) == b"us@er:pa:ss"

    @pytest.mark.parametrize(("status", "second"), [(302, ("GET", b"")), (307, ("POST", b"{}"))])
    def test_redirects_are_followed(self, autobrr, receiver, status, second):
        receiver.answers = [(status, [(b"location", b"/other")])]
        call = autobrr.announces("{}", RELEASE)
        method, target, _, body = receiver.seen[1]

        assert (target, (method, body), call.status) == ("/other", second, 202)

    def test_a_circle_of_redirects_is_a_failure(self, autobrr, receiver):
        receiver.answers = [(307, [(b"location", b"/")])] * 20

        assert "redirects" in autobrr.announces("{}", RELEASE).error
        assert len(receiver.seen) == 10

    def test_many_can_be_announced_at_once(self, autobrr, receiver):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            names = [f"A.Show.S01E{number}" for number in range(40)]
            releases = [AutobrrRelease(name=name) for name in names]
            calls = list(pool.map(lambda one: autobrr.announces(NAMED, one), releases))

        assert [call.release.name for call in calls] == names
        assert {json.loads(body)["name"] for _, _, _, body in receiver.seen} == set(names)
        assert len(autobrr.calls) == 40


class TestTheTorrent:
    TEMPLATE = '{"data": "{{ .TorrentDataRawBytes | toString | b64enc }}"}'

    def test_its_bytes_can_be_sent_as_base64(self, autobrr, receiver):
        assert not autobrr.announces(self.TEMPLATE, RELEASE).error
        sent = json.loads(receiver.seen[0][3])["data"]

        assert base64.b64decode(sent) == TORRENT

    def test_bare_they_are_a_list_of_numbers(self, autobrr):
        call = autobrr.announces("{{ .TorrentDataRawBytes }}", RELEASE)

        assert call.payload == f"[{' '.join(map(str, TORRENT))}]".encode()

    def test_its_path_can_be_read_until_the_answer_only(self, autobrr, receiver, tmp_path):
        read = []
        receiver.looks_at = lambda body: read.append(Path(body.decode()).read_bytes())
        call = autobrr.announces("{{ .TorrentPathName }}", RELEASE)

        assert read == [TORRENT]
        assert Path(call.path).parent == tmp_path
        assert list(tmp_path.iterdir()) == []

    def test_its_file_goes_even_when_the_action_fails(self, autobrr, tmp_path):
        call = autobrr.announces("{{ .TorrentPathName }}{{ .Unknown }}", RELEASE)

        assert call.error
        assert call.path
        assert list(tmp_path.iterdir()) == []

    def test_hash_and_size_are_known_once_it_was_fetched(self, autobrr):
        call = autobrr.announces("{{ .TorrentHash }} {{ .Size }}", RELEASE)

        assert call.payload == f"{HASH} 77".encode()
        assert autobrr.announces("{{ .Size }}", RELEASE).payload == b"0"

    def test_a_word_anywhere_makes_it_fetch(self, autobrr, receiver):
        call = autobrr.announces('{"TorrentHash": "x"}', AutobrrRelease(torrent=None))

        assert (call.sent, receiver.seen) == (False, [])
        assert "could not download" in call.error

    def test_without_such_a_word_it_fetches_nothing(self, autobrr):
        call = autobrr.announces("{{ .TorrentUrl }}", AutobrrRelease(torrent=None))

        assert (call.error, call.path) == ("", "")
        assert call.payload == RELEASE.torrent_url.encode()

    @pytest.mark.parametrize(
        "release",
        [
            AutobrrRelease(magnet=f"magnet:?xt=urn:btih:{HASH}", torrent=TORRENT),
            AutobrrRelease(protocol="usenet", torrent=TORRENT),
            AutobrrRelease(torrent_url="", torrent=TORRENT),
            AutobrrRelease(torrent=b"<html>"),
        ],
    )
    @pytest.mark.parametrize("template", [TEMPLATE, "{{ .TorrentHash }}", "{{ .TorrentPathName }}"])
    def test_where_there_is_none_nothing_is_sent(self, autobrr, receiver, release, template):
        call = autobrr.announces(template, release)

        assert call.error
        assert (call.sent, receiver.seen) == (False, [])

    def test_a_magnet_is_sent_by_a_template_that_needs_no_torrent(self, autobrr, receiver):
        magnet = f"magnet:?xt=urn:btih:{HASH}"
        autobrr.announces("{{ .MagnetURI }}", AutobrrRelease(magnet=magnet))

        assert receiver.seen[0][3] == magnet.encode()


class TestTheTemplate:
    def test_nothing_is_escaped(self):
        assert filled('{"a": "{{ .X }}"}', X='"\\') == b'{"a": ""\\"}'
        assert filled("{{.X}}{{   .X   }}", X="ü") == "üü".encode()

    def test_unless_it_is_asked_for(self):
        assert filled("{{ toRawJson .X }}", X='"<\\\n\u2028ü') == '"\\"<\\\\\\n\\u2028ü"'.encode()
        assert filled("{{ .X | toJson }}", X="<>&") == b'"\\u003c\\u003e\\u0026"'
        assert filled("{{ toRawJson .X }}", X=b"\x00") == b'"AA=="'
        assert filled("{{ toRawJson .X }}", X=7) == b"7"

    def test_what_is_no_utf_8_stays_so_but_in_json(self):
        assert filled("{{ .X }}", X="\udcff") == b"\xff"
        assert filled("{{ toRawJson .X }}", X="\udcff") == '"\ufffd"'.encode()

    @pytest.mark.parametrize(
        ("value", "printed"),
        [(0, b"0"), (True, b"true"), (["a", "b"], b"[a b]"), ((), b"[]"), (b"a\xff", b"[97 255]")],
    )
    def test_values_are_printed_as_go_does(self, value, printed):
        assert filled("{{ .X }}", X=value) == printed

    def test_bytes_are_no_text_to_base64(self, autobrr, receiver):
        call = autobrr.announces("{{ .TorrentDataRawBytes | b64enc }}", RELEASE)

        assert "expected string" in call.error
        assert receiver.seen == []

    @pytest.mark.parametrize("macro", ["ReleaseName", "TorrentPath", "torrentName", "Indexers"])
    def test_a_macro_that_does_not_exist_lets_it_fail(self, autobrr, receiver, macro):
        call = autobrr.announces(f"{NAMED}{{{{ .{macro} }}}}", RELEASE)

        assert macro in call.error
        assert (call.sent, receiver.seen) == (False, [])

    def test_so_does_an_action_without_an_end(self, autobrr, receiver):
        assert "unclosed" in autobrr.announces("{{ .Title", RELEASE).error
        assert receiver.seen == []

    @pytest.mark.parametrize("action", ["if .X", ".X | quote", "printf .X", "toJson toRawJson .X"])
    def test_what_the_fake_does_not_know_is_no_failure_of_the_action(self, action):
        with pytest.raises(NotImplementedError):
            filled(f"{{{{ {action} }}}}")

    def test_every_macro_is_there(self, autobrr):
        names = """
            Artists Audio AudioChannels AudioFormat Bitrate Bonus Categories Category Codec
            Container Cookie CurrentDay CurrentHour CurrentMinute CurrentMonth CurrentSecond
            CurrentYear CurrentTimeUnixMS CurrentUnixTimeMS Description DownloadUrl Episode
            FilterID FilterName Freeleech FreeleechPercent Group GroupID HDR HasCue HasLog
            Implementation Indexer IndexerIdentifier IndexerIdentifierExternal IndexerName
            InfoUrl IsDuplicate Language Leechers LogScore MagnetURI MetaIMDB Origin Other
            PreTime Protocol Proper Region ReleaseTags Repack Resolution Season Seeders Size
            SizeString SkipDuplicateProfileID SkipDuplicateProfileName Source Tags Title
            TorrentDataRawBytes TorrentHash TorrentID TorrentName TorrentPathName TorrentTmpFile
            TorrentUrl Type Uploader RecordLabel Website Year Month Day
        """
        template = "\n".join(f"{{{{ .{name} }}}}" for name in names.split())

        assert not autobrr.announces(template, RELEASE).error

    def test_macros_have_the_values_of_the_release(self, autobrr):
        autobrr.now = lambda: dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
        release = AutobrrRelease(size=1_500_000_000, more={"Season": 3, "Freeleech": True})
        template = (
            "{{ .TorrentName }}|{{ .Title }}|{{ .Size }}|{{ .SizeString }}|{{ .Indexer }}"
            "|{{ .IndexerName }}|{{ .Season }}|{{ .Freeleech }}|{{ .CurrentYear }}|{{ .Type }}"
        )

        assert autobrr.announces(template, release).payload == (
            f"{release.name}|A Show|1500000000|1.5 GB|hdb|HDBits|3|true|2026|episode".encode()
        )
