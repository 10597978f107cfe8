"""The simulator as the process that it is run as."""

import re
import signal
import subprocess
import sys
import urllib.request

COMMAND = [sys.executable, "-m", "engine.alldebrid.simulator"]


def started(*arguments):
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_prints_its_address_ignores_ctrl_c_and_ends_with_its_input():
    with started("--seconds", "1", "--rate", "1000000") as process:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        process.send_signal(signal.SIGINT)
        with urllib.request.urlopen(f"{url}/v4/ping", timeout=10) as response:
            assert b"pong" in response.read()
        taken = started("--port", url.rpartition(":")[2])
        _, errors = taken.communicate(timeout=20)
        assert taken.returncode == 1
        assert "cannot listen" in errors
        assert "Traceback" not in errors
        rest, errors = process.communicate(timeout=20)
        assert (rest, errors, process.returncode) == ("", "", 0)


def test_it_ends_when_told_to():
    with started() as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
