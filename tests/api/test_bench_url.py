import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from api.bench.figures import Readings
from api.bench.url import Result, Run, figures_of, report
from api.cli import main
from engine.transfer.download import Outcome
from tests.fakes.filehost import FileHost, Pattern

ROOT = pathlib.Path(__file__).parents[2]
MIB = 1 << 20
FILM = "/dl/secret-token/film.mkv"
COMMAND = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())", "bench"]
PATIENCE = 20.0
"""Seconds until a test that waits gives up."""

KEYS = [
    "bytes",
    "seconds",
    "mb_per_second",
    "mib_per_second",
    "cpu_seconds",
    "cpu_seconds_per_gib",
    "peak_rss_bytes",
    "connections_peak",
    "ring_peak_bytes",
    "writes",
    "retries",
    "first_byte_seconds",
    "speed_variation",
    "slowest_second_bytes",
    "stalled_seconds",
    "longest_pause_seconds",
]


pytestmark = pytest.mark.usefixtures("nothing_stays")


@pytest.fixture
def host():
    with FileHost({FILM: Pattern(8 * MIB), "/empty.bin": b""}) as host:
        yield host


@pytest.fixture
def bench(capsys, tmp_path):
    """Run the command here; returns its status, what it printed and what it complained of."""

    def run(*arguments, folder=tmp_path):
        status = main(["bench", "--output-dir", str(folder), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@contextlib.contextmanager
def child(*arguments, **options):
    """Run the command in a process of its own, which ends with the context."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition):
    """Wait for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.005)


def cells(text, label):
    """The words behind a label in a table."""
    return next(line for line in text.splitlines() if line.startswith(label))[len(label) :].split()


def a_run(**changed):
    figures = {
        "bytes": 4 << 30,
        "seconds": 12.5,
        "mb_per_second": 343.6,
        "mib_per_second": 327.7,
        "cpu_seconds": 1.25,
        "cpu_seconds_per_gib": 0.3125,
        "peak_rss_bytes": 60 * MIB,
        "connections_peak": 16,
        "ring_peak_bytes": 24 * MIB,
        "writes": 100,
        "retries": 0,
        "first_byte_seconds": 0.03,
        "speed_variation": 0.042,
        "slowest_second_bytes": 300_000_000,
        "stalled_seconds": 0,
        "longest_pause_seconds": 0.0,
    }
    return Run(**{**figures, **changed})


class TestMeasuring:
    def test_a_table_is_printed_and_nothing_is_left(self, bench, host, tmp_path):
        status, out, err = bench(host.url(FILM))

        assert status == 0
        assert err == ""
        assert out.splitlines()[0].split(maxsplit=2) == ["size,", "bytes", "8 388 608"]
        assert list(tmp_path.iterdir()) == []

    def test_every_run_downloads_all_of_it_and_the_medians_are_told(self, bench, host, tmp_path):
        status, out, err = bench("--json", "--runs", 3, host.url(FILM))

        assert status == 0
        result = json.loads(out)
        assert list(result) == ["runs", "median"]
        assert [list(run) for run in (*result["runs"], result["median"])] == [KEYS] * 4
        assert [run["bytes"] for run in result["runs"]] == [8 * MIB] * 3
        seconds = sorted(run["seconds"] for run in result["runs"])
        assert result["median"]["seconds"] == seconds[1]
        assert err.splitlines()[0].startswith("run 1 of 3: ")
        assert host.served == 3 * 8 * MIB
        assert list(tmp_path.iterdir()) == []

    def test_the_figures_are_those_of_the_download(self, bench, host):
        _status, out, _err = bench(
            "--json", "--connections", 2, "--ram-buffer", "8M", host.url(FILM)
        )

        run = json.loads(out)["median"]
        assert 1 <= run["connections_peak"] <= 2
        assert 0 < run["ring_peak_bytes"] <= 8 * MIB
        assert run["writes"] >= 1
        assert run["retries"] == 0
        assert run["cpu_seconds"] > 0
        assert run["peak_rss_bytes"] > MIB
        assert run["mb_per_second"] == pytest.approx(8 * MIB / run["seconds"] / 1e6, rel=0.01)
        assert 0 < run["first_byte_seconds"] <= run["seconds"] + 0.1

    def test_a_server_that_takes_its_time_shows_in_the_first_byte(self, bench, host):
        with host.first_byte_after(0.15):
            _status, out, _err = bench("--json", host.url(FILM))

        assert json.loads(out)["median"]["first_byte_seconds"] >= 0.15

    def test_an_empty_file_has_no_speed_and_no_first_byte(self, bench, host):
        status, out, _err = bench("--json", host.url("/empty.bin"))

        run = json.loads(out)["median"]
        assert status == 0
        assert run["bytes"] == 0
        assert run["cpu_seconds_per_gib"] is None
        assert run["first_byte_seconds"] is None

    def test_the_last_file_is_kept_where_that_is_asked_for(self, bench, host, tmp_path):
        status, _out, _err = bench("--keep", "--runs", 2, host.url(FILM))

        assert status == 0
        assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]
        assert (tmp_path / "film.mkv").read_bytes() == Pattern(8 * MIB).read()

    def test_the_certificates_given_are_trusted(self, bench):
        with FileHost({FILM: b"x" * 5000}, tls=True) as host:
            assert bench(host.url(FILM))[0] == 1
            assert bench("--ca", host.ca_file, host.url(FILM))[0] == 0


class TestFailing:
    @pytest.mark.parametrize("runs", [1, 3])
    def test_a_link_that_leads_nowhere_is_one_line(self, bench, host, tmp_path, runs):
        status, out, err = bench("--runs", runs, host.url("/dl/another-token/film.mkv"))

        assert (status, out) == (1, "")
        [line] = err.splitlines()
        assert line.startswith("alldebrid-client: ")
        assert "token" not in line
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_would_be_in_the_way_is_told_before_anything_is_fetched(
        self, bench, host, tmp_path
    ):
        (tmp_path / "film.mkv").write_text("mine")

        status, _out, err = bench("--keep", host.url(FILM))

        assert status == 1
        assert "is there already" in err
        assert host.requests == []
        assert (tmp_path / "film.mkv").read_text() == "mine"

    def test_a_folder_that_is_missing_is_one_line(self, bench, host, tmp_path):
        status, _out, err = bench(host.url(FILM), folder=tmp_path / "missing")

        assert status == 1
        assert "there is no folder" in err
        assert len(err.splitlines()) == 1

    def test_something_that_is_no_url_is_one_line(self, bench):
        status, _out, err = bench("ftp://example.com/film")

        assert status == 1
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["http://example.com/", "--service", "http://example.com/"],
            ["http://example.com/", "--torrent", "x"],
            ["http://example.com/", "--runs", "0"],
            ["--service", "http://example.com/"],
            ["--service", "http://example.com/", "--torrent", "x", "--connections", "4"],
        ],
        ids=" ".join,
    )
    def test_what_does_not_go_together_is_wrong_usage(self, capsys, arguments):
        with pytest.raises(SystemExit) as caught:
            main(["bench", *arguments])

        assert caught.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


class TestStopping:
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_nothing_is_left_behind(self, host, tmp_path, number, status):
        with (
            host.stalls_after(MIB, times=None),
            child("--output-dir", tmp_path, host.url(FILM), stderr=subprocess.PIPE) as process,
        ):
            wait_until(lambda: list(tmp_path.iterdir()) and host.served)
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)

        assert process.returncode == status
        assert (out, err) == (b"", b"alldebrid-client: stopped\n")
        assert list(tmp_path.iterdir()) == []


class TestOnATerminal:
    def test_a_bar_is_drawn(self, host, tmp_path):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        drawn = b""
        with (
            os.fdopen(master, "rb", buffering=0) as terminal,
            host.stalls_after(MIB, times=None),
            child("--output-dir", tmp_path, host.url(FILM), stderr=slave) as process,
        ):
            os.close(slave)
            while b"conn" not in drawn:
                assert select.select([terminal], [], [], PATIENCE)[0], drawn
                drawn += terminal.read(4096)
            process.terminate()
            process.wait(PATIENCE)

        assert re.search(rb"\[[#-]+\] +\d+%  .*/8\.0 MiB  .*/s  ETA .*  \d+ conn  RAM", drawn)


class TestFigures:
    def test_they_are_what_the_run_took(self):
        readings = Readings()
        for second in range(11):
            readings.add(second, second * 100 * MIB)
        outcome = Outcome(
            size=1000 * MIB,
            received=1000 * MIB,
            seconds=10.0,
            writes=20,
            retries=1,
            connections_peak=4,
            ring_peak=8 * MIB,
            resumed_from=0,
            etag="",
            last_modified="",
        )

        run = figures_of(outcome, readings, cpu=2.0, peak=50 * MIB)

        assert run.mib_per_second == 100
        assert run.mb_per_second == pytest.approx(104.858, abs=0.001)
        assert run.cpu_seconds_per_gib == pytest.approx(2.048, abs=0.001)
        assert run.speed_variation == 0
        assert run.slowest_second_bytes == 100 * MIB
        assert run.peak_rss_bytes == 50 * MIB

    def test_one_run_is_one_column(self):
        text = report(Result(runs=[a_run()], median=a_run()))

        assert text.splitlines()[0].endswith("4 294 967 296")
        assert cells(text, "variation of the speed") == ["4.2", "%"]
        assert "median" not in text

    def test_a_few_runs_stand_side_by_side(self):
        text = report(Result(runs=[a_run(retries=3), a_run()], median=a_run()))

        assert text.splitlines()[0].split() == ["run", "1", "run", "2", "median"]
        assert cells(text, "retries") == ["3", "0", "0"]

    def test_of_many_runs_the_medians_are_shown(self):
        text = report(Result(runs=[a_run()] * 6, median=a_run()))

        assert text.splitlines()[0].split() == ["median"]

    def test_what_is_not_known_is_a_dash(self):
        run = a_run(speed_variation=None, slowest_second_bytes=None)

        assert cells(report(Result(runs=[run], median=run)), "variation of the speed") == ["-"]
