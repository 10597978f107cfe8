"""A service is measured through its Web API: the real one, before torrents that tests move on."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from api.bench.figures import Readings
from api.bench.process import Meter
from api.bench.result import result_of
from api.bench.service import Options, bench_service, read_source
from api.bench.told import Interrupted, interrupting
from api.cli import main
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.qbittorrent.login import Login
from api.target import Refused
from engine.jobs.states import State
from engine.jobs.views import TorrentView
from engine.metainfo import parse_torrent
from engine.store.records import TorrentRecord
from tests.fakes.alldebrid import FakeAllDebrid
from tests.fakes.clock import Clock
from tests.fakes.filehost import FileHost, Pattern
from tests.fakes.served_app import ServedApp
from tests.fakes.torrents import InMemoryTorrents
from tests.whole.service import Service

ROOT = pathlib.Path(__file__).parents[2]
TORRENT = ROOT / "tests" / "data" / "qbittorrent" / "two_files.torrent"
INFOHASH = "ab" * 20
PASSKEY = "passkey-4711"
MAGNET = f"magnet:?xt=urn:btih:{INFOHASH}&dn=A.Film&tr=http%3A%2F%2Ft.example%2F{PASSKEY}"
SIZE = 10_000_000
COMMAND = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())", "bench"]
KEYS = [
    "bytes",
    "seconds",
    "first_byte_seconds",
    "download_seconds",
    "finish_seconds",
    "mb_per_second",
    "mib_per_second",
    "peak_rss_bytes",
    "mean_rss_bytes",
    "cpu_seconds",
    "process",
    "speed_variation",
    "slowest_second_bytes",
    "stalled_seconds",
    "longest_pause_seconds",
    "answer_p99_seconds",
    "other_downloads",
]


pytestmark = pytest.mark.usefixtures("nothing_stays")


@pytest.fixture(scope="module")
def server():
    with ServedApp() as server:
        yield server


class Story:
    """Torrents that move on while the one who measures sleeps; time is what was slept.

    By default AllDebrid has it after 2 s, it arrives in 5 s, and 1 s later it is in its place.
    """

    def __init__(self, server):
        self.torrents = InMemoryTorrents()
        self.url = f"http://127.0.0.1:{server.port}"
        self.clock = Clock(0.0)
        self.complaints = []
        self.infohash = INFOHASH
        self.ends = 8.0
        self.arrived = lambda now: min(max(round((now - 2) * SIZE / 5), 0), SIZE)
        """Bytes that are here at a time."""
        self.happens = lambda: None
        """Something else to do whenever time goes on."""
        self._server = server
        self.serve(ApiConfig())

    def serve(self, config):
        self._server.app = create_app(self.torrents, config)

    def sleep(self, seconds):
        self.clock.now = round(self.clock.now + seconds, 6)
        if self.torrents.view(self.infohash) is not None:
            self._move_on(self.clock.now)
        self.happens()

    def _move_on(self, now):
        got = self.arrived(now)
        if now >= self.ends:
            self.torrents.finish(self.infohash, {"A.Film.mkv": SIZE})
        elif got:
            self.torrents._change(self.infohash, size=SIZE)
            state = State.DOWNLOADING if got < SIZE else State.MOVING
            self.torrents.become(self.infohash, state, downloaded=got)

    def put(self, infohash, state, **changes):
        """Let a torrent of somebody else's be there."""
        record = TorrentRecord(
            hash=infohash, name="theirs", state=state.value, save_path="/d", added_at=1
        )
        self.torrents.put(TorrentView(record=record, state=state, **changes))

    def bench(self, torrent=MAGNET, **options):
        wanted = Options(**{"service": self.url, "torrent": torrent, "timeout": 60, **options})
        return bench_service(wanted, self.complaints.append, clock=self.clock, sleep=self.sleep)

    @property
    def there(self):
        return [view.record.hash for view in self.torrents.views()]


@pytest.fixture
def story(server):
    return Story(server)


@pytest.fixture
def result(capsys):
    """What was printed with `json=True`."""
    return lambda: json.loads(capsys.readouterr().out)


class TestMeasuring:
    def test_waiting_downloading_and_finishing_are_told_apart(self, story, result):
        assert story.bench(json=True) == 0

        shown = result()
        assert list(shown) == KEYS
        assert shown["bytes"] == SIZE
        assert shown["first_byte_seconds"] == pytest.approx(2.2)
        assert shown["download_seconds"] == pytest.approx(5)
        assert shown["finish_seconds"] == pytest.approx(1)
        assert shown["seconds"] == pytest.approx(8)
        assert shown["mb_per_second"] == pytest.approx(2)
        assert shown["speed_variation"] == pytest.approx(0, abs=0.001)
        assert shown["slowest_second_bytes"] == SIZE / 5
        assert (shown["stalled_seconds"], shown["other_downloads"]) == (0, 0)

    def test_the_memory_is_that_of_the_process_that_answers(self, story, result):
        story.bench(json=True)

        shown = result()
        assert shown["process"].split()[0] == str(os.getpid())
        assert shown["peak_rss_bytes"] >= shown["mean_rss_bytes"] > 1 << 20
        assert shown["cpu_seconds"] >= 0

    def test_seconds_without_a_byte_are_counted(self, story, result):
        story.arrived = lambda now: SIZE // 2 if 2 < now < 7 else 0

        story.bench(json=True)

        shown = result()
        assert shown["stalled_seconds"] == 4
        assert shown["longest_pause_seconds"] == pytest.approx(5.6)
        assert shown["slowest_second_bytes"] == 0

    def test_what_is_added_has_a_tag_of_its_own_and_is_gone_afterwards(self, story, capsys):
        assert story.bench() == 0

        [request] = story.torrents.requests
        assert request.tags[0].startswith("bench-")
        assert request.category == ""
        assert story.torrents.files_deleted == [INFOHASH]
        assert story.there == []
        assert story.complaints == []
        assert "mean speed, MB/s" in capsys.readouterr().out

    def test_it_stays_where_that_is_asked_for(self, story):
        assert story.bench(keep=True) == 0

        assert story.there == [INFOHASH]

    def test_a_torrent_file_is_added_as_it_is(self, story):
        story.infohash = parse_torrent(TORRENT.read_bytes()).infohash

        assert story.bench(str(TORRENT)) == 0

        assert story.torrents.requests[0].metainfo == TORRENT.read_bytes()
        assert story.torrents.files_deleted == [story.infohash]

    def test_a_login_is_given_where_it_is_asked_for(self, story):
        story.serve(ApiConfig(login=Login.of("me", "a secret")))

        assert story.bench(username="me", password="a secret") == 0

    def test_downloads_of_others_are_told_and_left_alone(self, story, result):
        story.put("cd" * 20, State.DOWNLOADING, downloaded=5)
        story.put("ef" * 20, State.COMPLETED)

        assert story.bench(json=True) == 0

        assert result()["other_downloads"] == 1
        assert story.there == ["cd" * 20, "ef" * 20]
        assert story.torrents.files_deleted == [INFOHASH]


class TestFailing:
    def test_a_torrent_that_fails_is_told_with_its_reason_and_removed(self, story, capsys):
        story.happens = lambda: story.torrents.fail(INFOHASH, "No room: 5 GB are missing.")

        assert story.bench() == 1

        assert story.complaints == ["the torrent failed (state error): No room: 5 GB are missing."]
        assert story.there == []
        assert capsys.readouterr().out == ""

    def test_a_torrent_that_is_there_is_somebodys_and_stays(self, story):
        story.put(INFOHASH, State.COMPLETED)

        assert story.bench() == 1

        assert "has this torrent already" in story.complaints[0]
        assert story.there == [INFOHASH]
        assert story.torrents.files_deleted == []

    def test_a_torrent_that_somebody_took_over_stays(self, story):
        def replace():
            if story.clock.now == 3:
                story.put(INFOHASH, State.ERROR)

        story.happens = replace

        assert story.bench() == 1

        assert story.there == [INFOHASH]

    def test_a_torrent_that_somebody_removed_is_told(self, story):
        story.happens = lambda: story.torrents._views.pop(INFOHASH, None)

        assert story.bench() == 1

        assert story.complaints == ["somebody removed the torrent from the service"]

    def test_a_torrent_that_takes_too_long_is_removed(self, story):
        assert story.bench(timeout=5) == 1

        assert story.complaints == [
            "the torrent is not finished after 5 s (state downloading)",
        ]
        assert story.there == []

    def test_a_torrent_that_is_not_taken_is_one_line(self, story):
        story.torrents.take_no_changes("The disk is full.")

        assert story.bench() == 1

        assert story.complaints[0] == f"{story.url} does not take this torrent; its log says why"
        assert story.there == []

    def test_a_service_that_goes_away_is_told(self, story):
        story.happens = lambda: story.torrents.break_down(RuntimeError("a bug"))

        assert story.bench() == 1

        assert story.complaints[0] == f"{story.url} answers with status 500"

    def test_a_login_that_is_missing_or_wrong_is_told(self, story):
        story.serve(ApiConfig(login=Login.of("me", "a secret")))

        assert story.bench() == 1
        assert story.bench(username="me", password="wrong") == 1

        assert story.complaints == [
            f"{story.url} asks for a login: --username and --password",
            f"{story.url} refuses the user name or the password",
        ]

    def test_an_address_where_nobody_answers_is_one_line(self, capsys):
        assert main(["bench", "--service", "http://127.0.0.1:1", "--torrent", MAGNET]) == 1

        [line] = capsys.readouterr().err.splitlines()
        assert line.endswith("http://127.0.0.1:1 does not answer: Connection refused")

    @pytest.mark.parametrize(
        "address",
        ["localhost:6500", "ftp://h", "http://", "http://a:b@h", "http://h:x", "http://["],
    )
    def test_an_address_that_is_none_is_one_line(self, story, address):
        assert story.bench(service=address) == 1

        assert story.complaints == ["--service takes a URL such as http://127.0.0.1:6500"]

    def test_a_torrent_that_is_none_is_one_line_without_secrets(self, story, tmp_path):
        broken = tmp_path / "broken.torrent"
        broken.write_bytes(b"x")

        for torrent in (str(broken), str(tmp_path), "missing.torrent", f"magnet:?tr={PASSKEY}"):
            assert story.bench(torrent) == 1

        assert all(line.startswith("--torrent: ") for line in story.complaints)
        assert not any(PASSKEY in line for line in story.complaints)
        assert len(story.complaints) == 4


class TestStopping:
    def test_what_was_added_is_removed(self, story):
        def interrupt():
            if story.clock.now == 3:
                signal.raise_signal(signal.SIGTERM)

        story.happens = interrupt

        assert story.bench() == 143

        assert story.complaints == ["stopped"]
        assert story.there == []
        assert story.torrents.files_deleted == [INFOHASH]

    def test_tidying_up_is_not_interrupted_by_the_first_ctrl_c(self):
        with interrupting() as shield:
            shield()
            signal.raise_signal(signal.SIGINT)

    def test_handlers_are_put_back(self):
        before = signal.getsignal(signal.SIGINT)

        with pytest.raises(Interrupted) as stop, interrupting():
            signal.raise_signal(signal.SIGINT)

        assert stop.value.status == 130
        assert signal.getsignal(signal.SIGINT) is before


class TestFigures:
    def test_a_service_elsewhere_has_no_memory_to_tell(self):
        meter, readings = Meter(None), Readings()
        meter.read()
        readings.add(0.0, 0)

        shown = result_of(
            size=SIZE, written_at=0.0, readings=readings, answers=[], meter=meter, other=0
        )

        assert shown.process is None
        assert shown.peak_rss_bytes is None
        assert shown.mean_rss_bytes is None
        assert shown.cpu_seconds is None
        assert shown.answer_p99_seconds is None

    def test_the_peak_is_the_kernels_mark_when_it_rose(self):
        meter = Meter(Watched(marks=[100, 150], residents=[90, 110]))
        meter.read()
        meter.read()

        assert meter.peak() == 150
        assert meter.mean() == 100

    def test_the_peak_is_what_was_read_when_the_mark_is_older(self):
        meter = Meter(Watched(marks=[500, 500], residents=[90, 110]))
        meter.read()
        meter.read()

        assert meter.peak() == 110


class Watched:
    """A process that tells these numbers one after the other."""

    pid, name = 7, "service"

    def __init__(self, marks, residents):
        self._marks, self._residents = iter(marks), iter(residents)

    def peak(self):
        return next(self._marks)

    def resident(self):
        return next(self._residents)

    def cpu_seconds(self):
        return 0.0


def test_a_running_service_is_measured_and_left_as_it_was(tmp_path):
    film = Pattern(24 << 20)
    with FakeAllDebrid() as alldebrid, FileHost({"/film": film}) as host:
        alldebrid.hold(
            INFOHASH, "A.Film.mkv", {"A.Film.mkv": film.size}, file_host=lambda _: host.url("/film")
        )
        service = Service(tmp_path, alldebrid)
        service_url = f"http://127.0.0.1:{service.port}"
        service.start()
        try:
            done = subprocess.run(
                [*COMMAND, "--json", "--service", service_url, "--torrent", MAGNET],
                cwd=ROOT,
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            with service.client() as client:
                assert client.torrents_info() == []
                assert client.torrents_tags() == []
        finally:
            service.stop()

    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert shown["bytes"] == film.size
    assert shown["process"].split()[0] == str(service.process.pid)
    assert shown["peak_rss_bytes"] > 16 << 20
    assert [path for path in service.downloads.rglob("*") if path.is_file()] == []


def test_read_source_takes_a_bare_infohash():
    assert read_source(INFOHASH).infohash == INFOHASH
    with pytest.raises(Refused):
        read_source("not there")


def test_no_secret_is_in_a_repr():
    assert PASSKEY not in repr(read_source(MAGNET))
    options = Options(service="http://h", torrent=MAGNET, password="a secret", timeout=1)
    assert PASSKEY not in repr(options)
    assert "a secret" not in repr(options)
