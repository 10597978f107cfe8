import io
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from api.attempt import Attempt, caught
from api.bar import Bar
from engine.transfer.download import Checkpoint, Engine, Request
from engine.transfer.errors import LinkExpired, Stopped
from tests.fakes.filehost import FileHost, Pattern

ROOT = pathlib.Path(__file__).parents[2]
MIB = 1 << 20


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def film():
    return Pattern(2 * MIB)


@pytest.fixture
def host(film):
    with FileHost({"/film.mkv": film}) as host:
        yield host


@pytest.fixture
def part(tmp_path):
    return tmp_path / "film.part"


def attempt(engine, url, request, *, saved=None, sha256=True):
    save = [].append if saved is None else saved.append
    return Attempt(engine, request, url, save, limit=0, sha256=sha256)


def test_it_returns_the_outcome_and_the_hash(engine, host, film, part):
    saved = []

    outcome, digest = attempt(engine, host.url("/film.mkv"), Request(path=part), saved=saved).run(
        None, []
    )

    assert outcome.size == 2 * MIB
    assert digest == film.sha256()
    assert saved[-1].flushed == 2 * MIB


def test_it_hashes_nothing_unless_that_was_asked_for(engine, host, part):
    request = Request(path=part)

    _outcome, digest = attempt(engine, host.url("/film.mkv"), request, sha256=False).run(None, [])

    assert digest == ""


def test_it_hashes_what_is_there_first(engine, host, film, part):
    part.write_bytes(film.read(0, MIB))
    request = Request(path=part, resume=Checkpoint(MIB, 2 * MIB, '"1-1"'))

    outcome, digest = attempt(engine, host.url("/film.mkv"), request).run(None, [])

    assert outcome.resumed_from == MIB
    assert digest == film.sha256()


def test_it_says_that_it_hashes_what_is_there(engine, host, part):
    part.write_bytes(bytes(MIB))
    request = Request(path=part, resume=Checkpoint(MIB, 2 * MIB, '"1-1"'))
    stream = io.StringIO()

    attempt(engine, host.url("/film.mkv"), request)._draw(Bar(stream))

    assert "hashing what is there: 0 B of 1.0 MiB" in stream.getvalue()


def test_it_stops_when_there_is_a_signal(engine, host, part):
    with host.stalls_after(0, times=None), pytest.raises(Stopped):
        attempt(engine, host.url("/film.mkv"), Request(path=part)).run(None, [signal.SIGINT])


def test_it_stops_while_it_hashes_what_is_there(engine, host, film, part):
    part.write_bytes(film.read(0, MIB))
    request = Request(path=part, resume=Checkpoint(MIB, 2 * MIB, '"1-1"'))
    tried = attempt(engine, host.url("/film.mkv"), request)
    tried._stop()

    with pytest.raises(Stopped):
        tried.run(None, [])
    assert host.requests == []


def test_it_raises_what_the_engine_raises(engine, host, part):
    with pytest.raises(LinkExpired):
        attempt(engine, host.url("/missing.mkv"), Request(path=part)).run(None, [])


def test_it_ends_with_its_thread(engine, host, part):
    attempt(engine, host.url("/film.mkv"), Request(path=part)).run(None, [])

    assert not [each for each in threading.enumerate() if each.name.startswith("download")]


def test_a_bar_is_drawn_meanwhile(engine, host, part):
    stream = io.StringIO()
    with host.stalls_at(0.75, times=None) as fault:

        class LettingGo(Bar):
            def draw(self, shown):
                super().draw(shown)
                fault.release()

        attempt(engine, host.url("/film.mkv"), Request(path=part)).run(LettingGo(stream), [])

    assert "/2.0 MiB" in stream.getvalue()


class TestSignals:
    def test_are_collected_and_then_mean_what_they_did(self):
        before = signal.getsignal(signal.SIGTERM)
        signals = []

        with caught(signals):
            signal.raise_signal(signal.SIGTERM)

        assert signals == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_are_left_alone_in_other_threads(self):
        before = signal.getsignal(signal.SIGTERM)
        seen = []

        def work():
            with caught([]):
                seen.append(signal.getsignal(signal.SIGTERM))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

        assert seen == [before]

    @pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
    def test_end_the_process_at_once_the_second_time(self, name, status):
        code = (
            "import signal\nfrom api.attempt import caught\n"
            f"with caught([signal.SIGINT]):\n    signal.raise_signal(signal.{name})\n"
            "print('still here')"
        )

        command = [sys.executable, "-c", code]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)

        assert ended.returncode == status
        assert ended.stdout == b""
