"""A service with nothing to do: how little it takes."""

import contextlib
import http.client
import subprocess
from pathlib import Path

import pytest

IDLE = 45e6
"""Bytes resident (VmRSS of /proc/PID/status) that are enough for a service that just started."""

USED = 45e6
"""Bytes resident after it served its API and downloaded: TLS, threads, SQLite's pages."""

INFOHASH = "ab" * 20


@pytest.fixture
def service(make_service):
    """A service that is up. The start before it compiled what was not compiled yet."""
    service = make_service()
    for _ in range(2):
        if service.process is not None:
            service.stop()
        service.start()
        answer(service)
    return service


def answer(service):
    """Have the service answer one request: then it is up and has done what it does at start."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        assert connection.getresponse().status == 404


def woken(service):
    """How often a thread of the service went to sleep, that is: how often one woke up."""
    tasks = Path(f"/proc/{service.process.pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def written(service):
    """Bytes that the service had the kernel write to a disk, and calls that write."""
    lines = Path(f"/proc/{service.process.pid}/io").read_text().splitlines()
    return {line for line in lines if line.startswith(("write_bytes", "syscw"))}


def test_it_is_small(service):
    assert service.memory("VmRSS") < IDLE
    assert service.memory("RssAnon") < 30e6


def test_it_stays_small_after_it_was_used(service, alldebrid):
    alldebrid.hold(INFOHASH, "Film", {"Film.mkv": bytes(5_000_000)})
    with service.client() as client:
        client.torrents_add(urls=f"magnet:?xt=urn:btih:{INFOHASH}&dn=Film")
        service.wait_for(INFOHASH, "pausedUP")

    assert service.memory("VmRSS") < USED


def test_it_does_not_wake_up_and_writes_nothing(service):
    before = woken(service), written(service)
    with pytest.raises(subprocess.TimeoutExpired):
        service.process.wait(timeout=1.0)  # what wakes up now and then does so within a second

    assert woken(service) - before[0] <= 3
    assert written(service) == before[1]
