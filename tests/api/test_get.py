import contextlib
import errno
import fcntl
import functools
import hashlib
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
import threading
import time

import pytest

from api import get as get_module
from api import logs
from api.cli import main
from api.resume import record_path
from api.target import locked
from engine.transfer.errors import DiskFull, FileChanged, ServerTrouble
from tests.fakes.filehost import FileHost, Pattern

ROOT = pathlib.Path(__file__).parents[2]
MIB = 1 << 20
FILM = "/dl/secret-token/film.mkv"
COMMAND = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())", "get"]
SMALL_RING = ["--ram-buffer", "8M", "--write-batch", "1M"]
PATIENCE = 20.0
"""Seconds until a test that waits gives up."""

KEYS = [
    "bytes",
    "seconds",
    "bytes_per_second",
    "peak_rss_bytes",
    "connections_peak",
    "ring_peak_bytes",
    "writes",
    "retries",
    "resumed_from",
]


pytestmark = pytest.mark.usefixtures("nothing_stays")


@pytest.fixture(scope="module")
def film():
    return Pattern(16 * MIB)


@pytest.fixture
def host(film):
    with FileHost(
        {FILM: film, "/small.bin": b"hello", "/empty.bin": b"", "/page.html": b"<p>"}
    ) as host:
        yield host


@pytest.fixture
def target(tmp_path):
    return tmp_path / "film.mkv"


@pytest.fixture
def get(capsys):
    """Run the command here; returns its status, what it printed and what it complained of."""

    def run(*arguments):
        status = main(["get", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@contextlib.contextmanager
def child(*arguments, **options):
    """Run the command in a process of its own, which ends with the context."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    with process:
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


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder):
    return sorted(file.name for file in folder.iterdir())


class TestADownload:
    def test_brings_the_file_and_leaves_nothing_else(self, get, host, film, target):
        status, out, err = get(host.url(FILM), "-o", target)

        assert status == 0
        assert out == ""
        assert sha256(target) == film.sha256()
        assert names(target.parent) == ["film.mkv"]
        assert re.fullmatch(
            rf"{target}: 16\.0 MiB in [0-9.]+ s, [0-9.]+ [KMG]iB/s, connections \d+, retries 0,"
            r" peak memory [0-9.]+ MiB\n",
            err,
        )
        assert host.complaints == []

    def test_goes_over_tls_with_certificates_of_one_s_own(self, get, film, target):
        with FileHost({FILM: film}, tls=True) as host:
            status, _out, _err = get(host.url(FILM), "-o", target, "--ca", host.ca_file)

        assert status == 0
        assert sha256(target) == film.sha256()

    def test_takes_certificates_from_the_environment(self, get, film, target, monkeypatch):
        with FileHost({FILM: film}, tls=True) as host:
            monkeypatch.setenv("SSL_CERT_FILE", host.ca_file)
            status, _out, _err = get(host.url(FILM), "-o", target)

        assert status == 0

    def test_is_named_after_its_address_in_a_folder(self, get, host, tmp_path):
        status, _out, _err = get(host.url(FILM) + "?token=x", "-o", tmp_path)

        assert status == 0
        assert names(tmp_path) == ["film.mkv"]

    def test_goes_to_the_current_folder(self, get, host, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        assert get(host.url("/small.bin"))[0] == 0
        assert (tmp_path / "small.bin").read_bytes() == b"hello"

    def test_may_be_empty(self, get, host, target):
        status, out, _err = get(host.url("/empty.bin"), "-o", target, "--json", "--sha256")

        assert status == 0
        assert target.read_bytes() == b""
        assert json.loads(out)["bytes"] == 0
        assert json.loads(out)["sha256"] == hashlib.sha256(b"").hexdigest()

    def test_may_be_a_page_where_the_address_says_so(self, get, host, target):
        with host.sends_headers({"Content-Type": "text/html"}):
            assert get(host.url("/page.html"), "-o", target)[0] == 0

        assert target.read_bytes() == b"<p>"

    def test_may_come_without_a_length(self, get, host, film, target):
        with host.ignores_ranges(), host.sends_chunked():
            status, out, _err = get(host.url(FILM), "-o", target, "--json", "--sha256")

        assert status == 0
        assert json.loads(out)["sha256"] == film.sha256() == sha256(target)

    def test_keeps_to_its_connections(self, get, host, target):
        status, out, _err = get(host.url(FILM), "-o", target, "--connections", "1", "--json")

        assert status == 0
        assert json.loads(out)["connections_peak"] == 1
        assert host.peak_connections == 1

    def test_keeps_to_its_buffer(self, get, host, film, target):
        status, out, _err = get(host.url(FILM), "-o", target, *SMALL_RING, "--json", "--sha256")

        assert status == 0
        assert json.loads(out)["ring_peak_bytes"] <= 8 * MIB
        assert json.loads(out)["sha256"] == film.sha256()

    def test_takes_a_buffer_of_an_odd_size(self, get, host, film, target):
        odd = ["--ram-buffer", "8388609", "--write-batch", "1048579"]

        assert get(host.url(FILM), "-o", target, *odd)[0] == 0
        assert sha256(target) == film.sha256()

    def test_keeps_to_its_speed(self, get, host, target):
        status, out, _err = get(host.url(FILM), "-o", target, "--limit", "32M/s", "--json")

        assert status == 0
        # A tenth of a second's worth may come at once.
        assert json.loads(out)["seconds"] >= 0.4
        assert json.loads(out)["bytes_per_second"] <= 40 * MIB

    def test_takes_its_settings_from_the_environment(self, get, host, target, monkeypatch):
        monkeypatch.setenv("ARIA2_CONNECTIONS", "1")

        get(host.url(FILM), "-o", target)

        assert host.peak_connections == 1


class TestTheReport:
    def test_is_one_object(self, get, host, target):
        status, out, _err = get(host.url(FILM), "-o", target, "--json")

        report = json.loads(out)
        assert status == 0
        assert len(out.splitlines()) == 1
        assert list(report) == KEYS
        assert report["bytes"] == 16 * MIB
        assert report["resumed_from"] == 0
        assert report["bytes_per_second"] == pytest.approx(16 * MIB / report["seconds"], rel=0.01)
        assert report["peak_rss_bytes"] > 16 * MIB
        assert report["connections_peak"] >= 1
        assert report["ring_peak_bytes"] > 0
        assert report["writes"] >= 1
        assert report["retries"] == 0

    def test_ends_with_the_hash_when_that_was_asked_for(self, get, host, film, target):
        _status, out, _err = get(host.url(FILM), "-o", target, "--json", "--sha256")

        assert list(json.loads(out)) == [*KEYS, "sha256"]
        assert json.loads(out)["sha256"] == film.sha256()

    def test_is_the_hash_alone_without_json(self, get, host, film, target):
        _status, out, _err = get(host.url(FILM), "-o", target, "--sha256")

        assert out == f"{film.sha256()}  {target}\n"

    def test_counts_retries(self, get, host, target):
        with host.resets_after(MIB):
            status, out, _err = get(host.url(FILM), "-o", target, "--json")

        assert status == 0
        assert json.loads(out)["retries"] == 1

    def test_is_all_that_is_said_quietly(self, get, host, target):
        status, out, err = get(host.url(FILM), "-o", target, "--json", "--quiet")

        assert status == 0
        assert json.loads(out)
        assert err == ""


class TestAFileThatIsThere:
    def test_is_kept(self, get, host, target):
        target.write_bytes(b"mine")

        status, _out, err = get(host.url(FILM), "-o", target)

        assert status == 1
        assert err == (f"alldebrid-client: {target} is there already; --overwrite replaces it\n")
        assert target.read_bytes() == b"mine"
        assert host.requests == []

    def test_is_replaced_when_that_was_asked_for(self, get, host, film, target):
        target.write_bytes(b"mine")

        assert get(host.url(FILM), "-o", target, "--overwrite")[0] == 0
        assert sha256(target) == film.sha256()

    def test_is_kept_when_it_appears_meanwhile(self, get, host, film, target):
        fault = host.stalls_at(0.5, times=None)

        def appear():
            fault.wait()
            target.write_bytes(b"mine")
            fault.lift()

        thread = threading.Thread(target=appear)
        thread.start()
        status, _out, err = get(host.url(FILM), "-o", target)
        thread.join()

        assert status == 1
        assert "appeared meanwhile" in err
        assert target.read_bytes() == b"mine"
        assert sha256(target.with_name("film.mkv.part")) == film.sha256()


class TestFailures:
    def failure(self, get, *arguments):
        """Run a download that fails; returns the one line about it."""
        status, out, err = get(*arguments, "--json")
        assert status == 1
        assert out == ""
        assert err.startswith("alldebrid-client: ")
        assert len(err.splitlines()) == 1
        assert "secret-token" not in err
        assert "hunter2" not in err
        return err

    def test_a_missing_file_is_told(self, get, host, target):
        err = self.failure(get, host.url("/missing.bin") + "?token=hunter2", "-o", target)

        assert "404" in err
        assert names(target.parent) == []

    def test_a_refused_connection_is_told(self, get, host, target):
        url = host.url(FILM)
        host.stop()

        err = self.failure(get, url, "-o", target)

        assert "127.0.0.1" in err
        assert "refused" in err
        assert names(target.parent) == []

    def test_an_untrusted_certificate_is_told(self, get, film, target):
        with FileHost({FILM: film}, tls=True) as host:
            err = self.failure(get, host.url(FILM), "-o", target)

        assert "certificate" in err
        assert names(target.parent) == []

    def test_a_web_page_instead_of_the_file_is_told(self, get, host, target):
        with host.sends_html(times=None):
            err = self.failure(get, host.url(FILM), "-o", target)

        assert "page" in err
        assert names(target.parent) == []

    def test_a_missing_folder_is_told(self, get, host, tmp_path):
        err = self.failure(get, host.url(FILM), "-o", tmp_path / "missing" / "film.mkv")

        assert f"there is no folder {tmp_path}/missing" in err
        assert host.requests == []

    def test_a_folder_that_takes_no_files_is_told(self, get, host):
        err = self.failure(get, host.url(FILM), "-o", "/sys/film.mkv")

        assert "cannot write /sys/film.mkv.part: Permission denied" in err
        assert host.requests == []

    @pytest.mark.parametrize("url", ["film.mkv", "ftp://host/film.mkv?key=hunter2", "http://", ""])
    def test_what_is_no_address_is_told(self, get, target, url):
        self.failure(get, url, "-o", target)

        assert names(target.parent) == []

    def test_standard_output_is_refused(self, get, host):
        assert "needs a file" in self.failure(get, host.url(FILM), "-o", "-")

    def test_a_bad_setting_in_the_environment_is_told(self, get, host, target, monkeypatch):
        monkeypatch.setenv("ARIA2_CONNECTIONS", "99")

        assert "ARIA2_CONNECTIONS='99'" in self.failure(get, host.url(FILM), "-o", target)

    def test_a_mistake_of_ours_is_told_without_secrets(self, get, host, target, monkeypatch):
        def mistaken(**_):
            raise RuntimeError("apikey=hunter2")

        monkeypatch.setattr(get_module, "Engine", mistaken)

        err = self.failure(get, host.url(FILM), "-o", target)

        assert err == f"alldebrid-client: unexpected RuntimeError: apikey={logs.STARS}\n"

    def test_what_is_kept_after_a_failure_is_told(self, get, host, target, monkeypatch):
        impatient = functools.partial(get_module.Request, patience=0.1)
        monkeypatch.setattr(get_module, "Request", impatient)
        with host.answers(404, covering=0.75, times=None):
            status, _out, err = get(host.url(FILM), "-o", target, *SMALL_RING)

        assert status == 1
        assert re.search(r"; [0-9.]+ MiB of 16\.0 MiB are kept, the same command goes on", err)
        assert names(target.parent) == ["film.mkv.part", "film.mkv.part.resume"]

    def test_a_record_that_cannot_be_read_costs_nothing(self, get, host, target):
        part = target.with_name("film.mkv.part")
        part.write_bytes(b"precious")
        record_path(part).mkdir()

        assert "cannot read" in self.failure(get, host.url(FILM), "-o", target)
        assert part.read_bytes() == b"precious"


class SmallDisk:
    """The disk with no more room than a number of bytes: what of a file is behind them fails.

    Its files take the room in the order they come: the unfinished one, then its record.
    """

    def __init__(self, room):
        self.room = room
        self.saved = []
        self._write, self._save = os.pwritev, get_module.resume.save

    def pwritev(self, descriptor, views, offset, *flags):
        if offset + sum(map(len, views)) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(descriptor, views, offset, *flags)

    def save(self, part, record):
        if part.stat().st_size + 4096 > self.room:
            raise DiskFull(f"cannot write {record_path(part)}: No space left on device")
        self._save(part, record)
        self.saved.append(record.flushed)


class TestAFullDisk:
    @pytest.fixture
    def disk(self, monkeypatch):
        disk = SmallDisk(10 * MIB)
        monkeypatch.setattr(os, "pwritev", disk.pwritev)
        monkeypatch.setattr(get_module.resume, "save", disk.save)
        return disk

    @pytest.mark.parametrize("room", [1, 3, 10])
    def test_is_told_with_the_file_and_keeps_nearly_all_that_came(
        self, get, host, film, target, disk, room
    ):
        disk.room = room * MIB

        status, _out, err = get(host.url(FILM), "-o", target, *SMALL_RING)

        kept = max(room - 1, 0.5)
        assert status == 1
        assert err == (
            f"alldebrid-client: cannot write {target}.part: No space left on device;"
            f" {kept:.1f} MiB of 16.0 MiB are kept, the same command goes on from there\n"
        ).replace("0.5 MiB", "512 KiB")
        disk.room = 20 * MIB
        status, out, _err = get(host.url(FILM), "-o", target, *SMALL_RING, "--json", "--sha256")
        assert status == 0
        assert json.loads(out)["resumed_from"] == kept * MIB
        assert json.loads(out)["sha256"] == film.sha256() == sha256(target)

    def test_keeps_the_record_there_is_when_a_new_one_is_not_worth_it(
        self, get, host, target, disk
    ):
        disk.room = 5 * MIB - 1

        status, _out, err = get(host.url(FILM), "-o", target, *SMALL_RING)

        assert status == 1
        assert disk.saved == [4 * MIB]
        assert "; 4.0 MiB of 16.0 MiB are kept" in err
        assert target.with_name("film.mkv.part").stat().st_size >= 4 * MIB

    def test_is_no_failure_while_only_the_record_finds_no_room(self, get, host, film, target, disk):
        disk.room = 16 * MIB

        status, _out, _err = get(host.url(FILM), "-o", target, *SMALL_RING)

        assert status == 0
        assert disk.saved[-1] < 16 * MIB
        assert sha256(target) == film.sha256()
        assert names(target.parent) == ["film.mkv"]

    def test_costs_no_byte_when_the_record_finds_no_room_at_all(
        self, get, host, target, disk, monkeypatch
    ):
        def full(part, _record):
            raise DiskFull(f"cannot write {record_path(part)}: No space left on device")

        monkeypatch.setattr(get_module.resume, "save", full)
        status, _out, err = get(host.url(FILM), "-o", target, *SMALL_RING)

        part = target.with_name("film.mkv.part")
        assert status == 1
        assert err.endswith(f"; {part} stays, but nothing could be noted about it\n")
        assert part.stat().st_size == 9 * MIB
        assert names(target.parent) == ["film.mkv.part"]

    def test_lets_no_record_speak_of_bytes_that_were_given_up(
        self, get, host, target, disk, monkeypatch
    ):
        part = target.with_name("film.mkv.part")
        source = get_module.resume.source_of(get_module.parse_url(host.url(FILM)))
        record = get_module.resume.Record(
            source=source, size=16 * MIB, flushed=1000, etag="", last_modified=""
        )
        part.write_bytes(bytes(1000))
        disk.save(part, record)
        disk.room = 1000

        class Attempt:
            """Gets on, then finds another file; begun anew it gets nowhere."""

            def __init__(self, _engine, request, _url, save, **_):
                self.resume, self.save = request.resume, save

            def run(self, *_):
                if self.resume is None:
                    raise ServerTrouble("nothing comes")
                part.write_bytes(bytes(4 * MIB))
                self.save(get_module.Checkpoint(4 * MIB, 16 * MIB))
                disk.room = 20 * MIB
                raise FileChanged("it is another file")

        monkeypatch.setattr(get_module, "Attempt", Attempt)
        status, _out, err = get(host.url(FILM), "-o", target, "--quiet")

        assert (status, err) == (1, "alldebrid-client: nothing comes\n")
        assert names(target.parent) == []


class TestGoingOn:
    def interrupted(self, host, target, number):
        """Start a download, end it in the middle with a signal; returns status and complaint."""
        record = record_path(target.with_name("film.mkv.part"))
        with (
            host.stalls_at(0.75, times=None) as fault,
            child(host.url(FILM), "-o", target, *SMALL_RING) as process,
        ):
            fault.wait()
            wait_until(record.exists)
            process.send_signal(number)
            _out, err = process.communicate(timeout=PATIENCE)
        host.wait_until_idle()
        return process.returncode, err

    def test_after_a_kill_fetches_no_more_than_a_ring_again(self, get, host, film, target):
        assert self.interrupted(host, target, signal.SIGKILL)[0] == -signal.SIGKILL

        status, out, _err = get(host.url(FILM), "-o", target, *SMALL_RING, "--json", "--sha256")

        report = json.loads(out)
        assert status == 0
        # The file stood still at 12 MiB, and a ring has 8.
        assert report["resumed_from"] >= 4 * MIB
        assert report["bytes"] == 16 * MIB
        assert report["sha256"] == film.sha256() == sha256(target)
        assert names(target.parent) == ["film.mkv"]

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_after_a_signal_begins_where_it_ended(self, get, host, film, target, number, status):
        returned, err = self.interrupted(host, target, number)

        assert returned == status
        assert re.fullmatch(
            r"alldebrid-client: stopped; [0-9.]+ MiB of 16\.0 MiB are kept,"
            r" the same command goes on from there\n",
            err,
        )
        returned, out, err = get(host.url(FILM), "-o", target, "--json", "--sha256")
        assert returned == 0
        assert json.loads(out)["sha256"] == film.sha256() == sha256(target)
        assert json.loads(out)["resumed_from"] > 0
        assert "resumed at" in err

    def test_a_stop_before_the_first_byte_leaves_nothing(self, host, target):
        with host.first_byte_after(PATIENCE), child(host.url(FILM), "-o", target) as process:
            host.wait_for_requests(1)
            process.send_signal(signal.SIGINT)
            _out, err = process.communicate(timeout=PATIENCE)

        assert process.returncode == 130
        assert err == "alldebrid-client: stopped\n"
        assert names(target.parent) == []

    def test_with_another_token_in_the_address_is_possible(self, get, host, film, target):
        self.interrupted(host, target, signal.SIGTERM)

        status, out, _err = get(host.url(FILM) + "?token=2", "-o", target, "--json")

        assert status == 0
        assert json.loads(out)["resumed_from"] > 0
        assert sha256(target) == film.sha256()

    def test_from_an_odd_byte_gives_the_right_hash(self, get, host, film, target):
        self.interrupted(host, target, signal.SIGTERM)
        record = record_path(target.with_name("film.mkv.part"))
        fields = json.loads(record.read_text())
        record.write_text(json.dumps(fields | {"flushed": fields["flushed"] - 1000}))

        status, out, _err = get(host.url(FILM), "-o", target, "--json", "--sha256")

        assert status == 0
        assert json.loads(out)["sha256"] == film.sha256() == sha256(target)

    def test_of_a_complete_file_only_gives_it_its_name(self, get, host, film, target):
        status, _out, _err = get(host.url(FILM), "-o", target)
        part = target.with_name("film.mkv.part")
        target.rename(part)
        record = {"format": 1, "size": 16 * MIB, "flushed": 16 * MIB, "last_modified": ""}
        source = get_module.resume.source_of(get_module.parse_url(host.url(FILM)))
        record_path(part).write_text(json.dumps(record | {"source": source, "etag": '"1-1"'}))
        asked = len(host.requests)

        status, out, _err = get(host.url(FILM), "-o", target, "--json", "--sha256")

        assert status == 0
        assert json.loads(out)["resumed_from"] == 16 * MIB
        assert json.loads(out)["sha256"] == film.sha256() == sha256(target)
        assert len(host.requests) == asked

    def begun_anew(self, get, host, film, target, *flags):
        """Run a download that cannot go on; returns what it said before it did it."""
        status, out, err = get(host.url(FILM), "-o", target, "--json", *flags)
        assert status == 0
        assert json.loads(out)["resumed_from"] == 0
        assert sha256(target) == film.sha256()
        assert names(target.parent) == ["film.mkv"]
        first, *rest = err.splitlines()
        assert len(rest) == 1
        part = target.with_name("film.mkv.part")
        assert first.startswith(f"alldebrid-client: {part} is begun anew: ")
        return first

    def test_with_a_damaged_record_is_a_new_beginning(self, get, host, film, target):
        self.interrupted(host, target, signal.SIGTERM)
        record_path(target.with_name("film.mkv.part")).write_text("{")

        assert "damaged" in self.begun_anew(get, host, film, target)

    def test_without_a_record_is_a_new_beginning(self, get, host, film, target):
        target.with_name("film.mkv.part").write_bytes(b"x" * 20 * MIB)

        assert "nothing tells" in self.begun_anew(get, host, film, target)

    def test_from_another_address_is_a_new_beginning(self, get, host, film, target):
        self.interrupted(host, target, signal.SIGTERM)
        host.renew(FILM)

        assert "another address" in self.begun_anew(get, host, film, target)

    def test_of_a_file_that_changed_is_a_new_beginning(self, get, host, target):
        self.interrupted(host, target, signal.SIGTERM)
        changed = Pattern(16 * MIB, seed=2)
        host.changes_file(FILM, changed)

        self.begun_anew(get, host, changed, target, "--sha256")

    def test_of_a_file_of_another_size_is_a_new_beginning(self, get, host, target):
        self.interrupted(host, target, signal.SIGTERM)
        changed = Pattern(9 * MIB, seed=3)
        host.changes_file(FILM, changed)

        self.begun_anew(get, host, changed, target)

    def test_is_not_possible_while_another_process_is_at_it(self, get, host, target):
        with locked(target.with_name("film.mkv.part")):
            status, _out, err = get(host.url(FILM), "-o", target)

        assert status == 1
        assert "is being written by another process" in err
        assert names(target.parent) == ["film.mkv.part"]
        assert host.requests == []


class TestOnATerminal:
    def run(self, columns, *arguments):
        """Run the command with a terminal for stderr; returns its status and what it drew."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=slave
        )
        os.close(slave)
        drawn = b""
        with process, os.fdopen(master, "rb", buffering=0) as terminal:
            while select.select([terminal], [], [], PATIENCE)[0]:
                try:
                    data = terminal.read(4096)
                except OSError:  # the other side is closed
                    break
                drawn += data
        return process.returncode, drawn.decode()

    def test_a_bar_is_drawn_and_a_summary_is_left(self, host, target):
        status, drawn = self.run(100, host.url(FILM), "-o", target, "--limit", "32M")

        *frames, last = re.split(r"\r(?!\n)", drawn)
        assert status == 0
        assert any(
            re.search(r"\[[#-]+\] +\d+%  .*/16\.0 MiB  .*/s  ETA .*  \d conn  RAM", frame)
            for frame in frames
        )
        assert all(len(frame.removesuffix("\x1b[K")) < 100 for frame in frames)
        assert last.startswith(f"\x1b[K{target}: 16.0 MiB in ")
        assert last.endswith("MiB\r\n")

    def test_a_narrow_terminal_is_not_torn(self, host, target):
        status, drawn = self.run(30, host.url(FILM), "-o", target, "--limit", "32M")

        frames = drawn.split("\r")[1:-2]
        assert status == 0
        assert frames
        assert all(len(frame.removesuffix("\x1b[K")) < 30 for frame in frames)

    def test_an_error_stands_on_a_line_of_its_own(self, host, target):
        status, drawn = self.run(100, host.url("/missing.bin"), "-o", target)

        assert status == 1
        assert "404" in drawn.split("\r")[-2]

    def test_nothing_is_drawn_quietly(self, host, target):
        status, drawn = self.run(100, host.url(FILM), "-o", target, "--quiet")

        assert (status, drawn) == (0, "")
