"""The streams of real processes, opened and closed by a shell."""

import io
import pathlib
import subprocess
import sys

import pytest

from api import streams
from tests.fakes.filehost import FileHost

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = "import sys; from api.cli import main; sys.exit(main())"
SERVICE = """
import logging, sys, types
service = types.ModuleType("api.serve")
def serve(*_):
    for number in range(2000):
        logging.getLogger("api.serve").info("number=%d", number)
    return 0
service.serve = serve
sys.modules["api.serve"] = service
from api.cli import main
sys.exit(main())
"""
"""The command with a service that only talks: more than any buffer holds."""

EVERY = [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"]
NO_ROOM = "alldebrid-client: cannot write to standard output: No space left on device\n"


def run(redirection, *arguments, code=COMMAND, flags=()):
    """Run the command behind a redirection; returns its status, stdout and stderr."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, *flags, "-c", code]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def host():
    with FileHost({"/small.bin": b"hello"}) as host:
        yield host


class TestADownload:
    @pytest.mark.parametrize("redirection", EVERY)
    def test_ends_well_when_nothing_has_to_be_printed(self, host, tmp_path, redirection):
        target = tmp_path / "small.bin"

        status, _out, _err = run(redirection, "get", host.url("/small.bin"), "-o", target)

        assert status == 0
        assert target.read_bytes() == b"hello"
        assert [file.name for file in tmp_path.iterdir()] == ["small.bin"]

    @pytest.mark.parametrize("flags", [(), ("-u",)], ids=["buffered", "unbuffered"])
    @pytest.mark.parametrize("wanted", ["--json", "--sha256"])
    def test_brings_its_file_even_if_the_report_gets_lost(self, host, tmp_path, wanted, flags):
        target = tmp_path / "small.bin"
        arguments = ["get", host.url("/small.bin"), "-o", target, wanted, "--quiet"]

        assert run(">/dev/full", *arguments, flags=flags) == (1, "", NO_ROOM)
        assert target.read_bytes() == b"hello"

    @pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
    def test_fails_in_its_own_way_when_nobody_can_be_told(self, host, tmp_path, redirection):
        arguments = ["get", host.url("/missing.bin"), "-o", tmp_path / "small.bin"]

        assert run(redirection, *arguments) == (1, "", "")


class TestTheService:
    @pytest.mark.parametrize("redirection", EVERY)
    def test_runs_to_its_end_whatever_takes_its_log(self, redirection):
        assert run(redirection, "serve", code=SERVICE)[0] == 0

    @pytest.mark.parametrize("flags", [(), ("-u",)], ids=["buffered", "unbuffered"])
    def test_tells_when_its_settings_cannot_be_printed(self, flags):
        arguments = ["serve", "--print-config"]

        assert run(">/dev/full", *arguments, flags=flags) == (1, "", NO_ROOM)
        assert run(">&-", *arguments, flags=flags) == (0, "", "")


@pytest.mark.parametrize("flags", [(), ("-u",)], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_an_explanation_that_gets_lost_is_a_failure(asked, flags):
    assert run(">/dev/full", asked, flags=flags) == (1, "", NO_ROOM)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_wrong_usage_is_wrong_usage_when_nobody_can_be_told(redirection):
    assert run(redirection, "fly") == (2, "", "")


def test_no_file_takes_the_number_of_a_closed_stream():
    code = "from api import streams; streams.open_closed(); print(open('/dev/null').fileno() > 2)"

    assert run("<&- 2>&-", code=code) == (0, "True\n", "")


def test_streams_that_are_open_stay_as_they_are():
    before = (sys.stdin, sys.stdout, sys.stderr)

    streams.open_closed()

    assert (sys.stdin, sys.stdout, sys.stderr) == before


def test_a_stream_without_a_file_that_fails_is_left_alone(monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())

    with pytest.raises(streams.OutputLost, match="No space left on device"):
        streams.say("hello")
    streams.settle()
