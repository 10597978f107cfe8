"""`alldebrid-client push`: what goes out, what is printed, and how it exits."""

import json
import logging
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import bencodepy
import pytest

from api import logs
from api.cli import main
from api.push import LARGEST_TORRENT, Options
from engine.metainfo import parse_torrent
from tests.fakes.arr import KEY, FakeArr

ROOT = Path(__file__).parents[2]
NAME = "A.Show.S01E02.1080p.WEB.H264-GROUP"
URL = "https://indexer.example/download/1?passkey=markedpass"
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
BASE32 = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&tr=http%3A%2F%2Ft%2Fmarkedpass"

BAD_INPUT, UNREACHABLE, REFUSED, WRONG_KEY = 2, 3, 4, 5


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
    """Put logging and secrets back, and start from an environment without programs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(logs.MASKER, "_secrets", frozenset())
    monkeypatch.setattr(logs.MASKER, "_known", None)
    for name in ("SONARR_URL", "SONARR_API_KEY", "RADARR_URL", "RADARR_API_KEY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture(params=["sonarr", "radarr"])
def fake(request, monkeypatch):
    """One of the two, set up in the environment."""
    with FakeArr(radarr=request.param == "radarr", url_base="/base") as fake:
        monkeypatch.setenv(f"{request.param.upper()}_URL", fake.url)
        monkeypatch.setenv(f"{request.param.upper()}_API_KEY", KEY)
        yield fake


@pytest.fixture
def file(tmp_path):
    info = {b"length": 77, b"name": b"A.Film.2020", b"piece length": 16384, b"pieces": b"p" * 20}
    path = tmp_path / "a.torrent"
    path.write_bytes(bencodepy.encode({b"announce": b"http://t/markedpass", b"info": info}))
    return path


@pytest.fixture
def push(fake, capsys):
    """Push with these arguments; returns the status and the one line that was printed."""

    def push(*arguments, name=NAME):
        target = "radarr" if fake.radarr else "sonarr"
        named = ["--name", name] if name else []
        status = main(["push", "--target", target, *named, *map(str, arguments)])
        out, err = capsys.readouterr()
        assert len((out + err).splitlines()) == 1
        assert bool(out) == (status == 0)
        assert KEY not in out + err
        assert "markedpass" not in out + err
        return status, (out + err).strip().removeprefix("alldebrid-client: ")

    return push


def test_t_01_a_release_that_is_approved_is_a_success(fake, push):
    title = "Radarr" if fake.radarr else "Sonarr"

    assert push("--url", URL) == (0, f"{title} approved the release")
    (sent,) = fake.pushed
    assert (sent["title"], sent["downloadUrl"]) == (NAME, URL)
    assert (sent["protocol"], sent["indexer"], sent["size"]) == ("torrent", "autobrr", 0)
    assert sent["publishDate"].endswith("Z")
    assert "downloadClientId" not in sent
    assert sent["downloadClient"] == "alldebrid-client"


def test_t_01_everything_that_is_said_goes_out(fake, push):
    status, _line = push(
        *("--url", URL, "--magnet", MAGNET, "--size", "123", "--indexer", "hdb"),
        *("--info-url", "https://i/1", "--download-client", "Ours"),
    )

    (sent,) = fake.pushed
    assert status == 0
    assert (sent["magnetUrl"], sent["infoHash"], sent["size"]) == (MAGNET, HASH, 123)
    assert (sent["indexer"], sent["infoUrl"]) == ("hdb", "https://i/1")
    assert (sent["guid"], sent["downloadClient"]) == (f"torrent:{HASH}", "Ours")
    assert list(fake.grabs) == [HASH.upper()]


@pytest.mark.parametrize("url", ["markedpass", "ftp://h/markedpass", "http://", "http://h:x/"])
def test_t_02_an_invalid_url_is_said_and_is_no_success(fake, push, url):
    status, line = push("--url", url)

    assert (status, line) == (BAD_INPUT, "the URL of the .torrent is no http or https URL")
    assert fake.asked == []


@pytest.mark.parametrize("size", ["1.5 GB", "many", "-1", "", "9" * 99])
def test_t_04_a_size_that_is_no_number_is_0_and_no_failure(fake, push, size):
    status, _line = push("--url", URL, f"--size={size}")

    assert (status, fake.pushed[0]["size"]) == (0, 0)


@pytest.mark.parametrize("text", [HASH, HASH.upper(), BASE32])
def test_a_hash_is_enough(fake, push, text):
    assert push("--hash", text)[0] == 0
    assert fake.pushed[0]["magnetUrl"] == f"magnet:?xt=urn:btih:{HASH}&dn={NAME}"


def test_a_file_is_enough(fake, push, file):
    assert push("--file", file, name="")[0] == 0
    (sent,) = fake.pushed
    infohash = parse_torrent(file.read_bytes()).infohash
    assert (sent["title"], sent["size"], sent["infoHash"]) == ("A.Film.2020", 77, infohash)
    assert sent["magnetUrl"].endswith("&tr=http%3A%2F%2Ft%2Fmarkedpass")


def test_rejected_for_now_is_a_success(fake, push):
    fake.rejections, fake.temporarily = ["Waiting for better quality release"], True
    status, line = push("--url", URL)

    assert status == 0
    assert line.endswith("takes it later: Waiting for better quality release")


def test_rejected_is_refused_with_the_reasons(fake, push):
    fake.rejections = ["Unknown Series", f"cannot read {URL}"]
    status, line = push("--url", URL)

    assert status == REFUSED
    assert line.endswith("rejected the release: Unknown Series; cannot read (left out)")


def test_a_title_that_cannot_be_parsed_is_refused(push):
    status, line = push("--url", URL, name="nothing known")

    assert status == REFUSED
    assert line.endswith("(HTTP 400): Title: Unable to parse")


@pytest.mark.parametrize(("code", "status"), [(415, REFUSED), (404, REFUSED), (503, UNREACHABLE)])
def test_other_answers_have_their_status(fake, push, code, status):
    fake.statuses = [code]

    assert push("--url", URL)[0] == status


def test_a_wrong_key_has_a_status_of_its_own(fake, push):
    fake.key = "another"
    status, line = push("--url", URL)

    assert status == WRONG_KEY
    assert "_API_KEY (HTTP 401)" in line


def test_nobody_there_has_a_status_of_its_own(fake, push):
    fake.down = True
    status, line = push("--url", URL)

    assert status == UNREACHABLE
    assert "cannot be reached" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no URL, no magnet and no infohash"),
        (["--hash", "markedpass"], "40 hex digits"),
        (["--hash", MAGNET], "40 hex digits"),
        (["--magnet", "magnet:?tr=markedpass"], "xt=urn:btih"),
        (["--file", "/markedpass"], "no such file"),
        (["--file", "/"], "no such file"),
        (["--file", "/dev/null"], "no such file"),
        (["--file", __file__], "byte 0"),
    ],
)
def test_what_makes_no_push_is_bad_input(fake, push, arguments, said):
    status, line = push(*arguments)

    assert status == BAD_INPUT
    assert said in line
    assert fake.asked == []


def test_files_that_are_too_large_are_not_read_into_memory(push, tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as large:
        large.truncate(LARGEST_TORRENT + 1)

    assert push("--file", path) == (
        BAD_INPUT,
        f"the .torrent has more than {LARGEST_TORRENT} bytes",
    )


def test_two_different_torrents_are_bad_input(push, file):
    assert push("--file", file, "--hash", HASH)[0] == BAD_INPUT
    assert push("--file", file, "--magnet", MAGNET)[0] == BAD_INPUT


def test_a_program_without_an_address_is_bad_input(capsys):
    assert main(["push", "--target", "radarr", "--name", NAME, "--url", URL]) == BAD_INPUT
    assert capsys.readouterr().err == (
        "alldebrid-client: RADARR_URL and RADARR_API_KEY are not set\n"
    )


def test_its_help_tells_every_flag_and_status(capsys):
    with pytest.raises(SystemExit):
        main(["push", "--help"])
    text = " ".join(capsys.readouterr().out.split())

    for flag in "target name url magnet file hash size indexer info-url download-client".split():  # noqa: SIM905
        assert f"--{flag}" in text
    assert "0 approved" in text
    for status in ("2 bad input", "3 not reachable", "4 refused", "5 wrong API key"):
        assert status in text


def test_it_loads_no_web_server_and_no_database():
    code = "import sys, api.cli, api.push; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert not {"litestar", "uvicorn", "aiohttp", "apsw", "psutil"} & set(done.stdout.split())


def test_the_command_line_alone_does_not_load_it():
    code = "import sys, api.cli; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert not {"api.push", "arrpush.payload", "asyncio"} & set(done.stdout.split())


def test_no_repr_shows_a_secret():
    assert "marked" not in repr(Options(target="sonarr", url=URL, magnet=MAGNET))


class TestTheFake:
    """What the tests above rest on is refused as the real programs refuse it."""

    def ask(self, fake, body, path="", **headers):
        request = urllib.request.Request(
            f"{fake.url}/api/v3/release/push{path}",
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Api-Key": KEY} | headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def release(self, **more):
        date = "2026-01-01T00:00:00Z"
        return {
            "title": NAME,
            "downloadUrl": URL,
            "protocol": "torrent",
            "publishDate": date,
        } | more

    def test_an_answer_is_a_list_of_one(self, fake):
        status, (judged,) = self.ask(fake, self.release())

        assert (status, judged["approved"], judged["rejected"]) == (200, True, False)

    @pytest.mark.parametrize("left_out", ["title", "downloadUrl", "protocol", "publishDate"])
    def test_what_is_missing_is_told_in_a_list(self, fake, left_out):
        body = {name: value for name, value in self.release().items() if name != left_out}
        status, failures = self.ask(fake, body)

        assert status == 400
        assert failures[0]["errorCode"] == "NotEmptyValidator"

    @pytest.mark.parametrize(
        "wrong", [{"size": "many"}, {"publishDate": "now"}, {"protocol": "x"}, {"title": 1}]
    )
    def test_wrong_types_are_told_in_an_object(self, fake, wrong):
        status, said = self.ask(fake, self.release(**wrong))

        assert (status, list(said["errors"])) == (400, [f"$.{next(iter(wrong))}"])

    @pytest.mark.parametrize("body", [b"{", b"", b"[]", b"1"])
    def test_what_is_no_object_is_told_in_an_object(self, fake, body):
        status, said = self.ask(fake, body)

        assert status == 400
        assert said["errors"]

    def test_imdb_has_another_type_in_each(self, fake):
        assert self.ask(fake, self.release(imdbId="tt1"))[0] == (400 if fake.radarr else 200)
        assert self.ask(fake, self.release(imdbId=1))[0] == (200 if fake.radarr else 400)

    def test_a_client_with_the_id_0_grabs_nothing(self, fake):
        assert self.ask(fake, self.release(infoHash=HASH, downloadClientId=0))[0] == 200
        assert fake.grabs == {}

    def test_the_key_in_the_query_counts_before_the_header(self, fake):
        bearer = {"X-Api-Key": "", "Authorization": f"Bearer {KEY}"}

        assert self.ask(fake, self.release(), "?apikey=wrong") == (401, None)
        assert self.ask(fake, self.release(), f"?apikey={KEY}", **{"X-Api-Key": "wrong"})[0] == 200
        assert self.ask(fake, self.release(), **bearer)[0] == 200

    def test_other_content_is_no_media_type(self, fake):
        assert self.ask(fake, self.release(), **{"Content-Type": "text/plain"})[0] == 415
