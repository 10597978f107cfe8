"""Waiting for a web API to answer."""

import contextlib
import http.client
import subprocess
import time

import msgspec

PATIENCE = 60.0
"""Seconds."""


class Answering(msgspec.Struct, frozen=True):
    """A process that serves qBittorrent's web API on loopback."""

    port: int
    pid: int


def until_it_answers(
    port: int, process: "subprocess.Popen[bytes]", path: str = "/api/v2/app/version"
) -> bytes:
    """Ask until there is an answer of 200, and return its body. Raises RuntimeError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return get(port, path)
        time.sleep(0.005)
    raise RuntimeError(f"port {port} does not answer")


def get(port: int, path: str) -> bytes:
    """Return the body of an answer of 200. Raises OSError, HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        return body
