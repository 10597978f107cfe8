"""The two servers: a real qbittorrent-nox, and our service as a process of its own.

Each has its folders below one of the run's, a free port on loopback, the same user and password,
and is ended when the run ends, however that happens.
"""

import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conformance.calls import Door
from tests.fakes.alldebrid import FakeAllDebrid

NOX = "qbittorrent-nox"

MISSING = f"""\
{NOX} is missing, and the suite compares with it. Debian, Ubuntu:

    apt-get install {NOX}

The answers written down are those of version 4.5.2 (Web API 2.8.19, Debian 12). Nothing was run.
"""

VERSION = "v4.5.2"
"""The version whose answers the table of differences is about."""

USERNAME = "admin"
PASSWORD = "adminadmin"
"""What a fresh qBittorrent 4.5 takes."""

START = 30.0
"""Seconds either server may take to answer."""

END = 15.0
"""Seconds either may take to end."""

PROFILE = r"""[LegalNotice]
Accepted=true

[BitTorrent]
Session\DefaultSavePath={downloads}
Session\DisableAutoTMMByDefault=false
Session\RefreshInterval=50
Session\DHTEnabled=false
Session\LSDEnabled=false
Session\PeXEnabled=false
Session\MaxActiveDownloads=30
Session\MaxActiveTorrents=60
Session\MaxActiveCheckingTorrents=60

[Network]
PortForwardingEnabled=false
"""
"""A fresh profile that talks to nobody, and whose list of torrents is 50 ms old at most. As ours,
it manages folders itself, and so many torrents run at once that no case has to wait for a turn."""


class CannotStart(Exception):
    """A server did not start; the message holds what it said."""


def missing() -> bool:
    """Return whether there is no real server to compare with."""
    return shutil.which(NOX) is None


@contextlib.contextmanager
def real_server(folder: Path) -> Iterator[Door]:
    """Run a qbittorrent-nox with a fresh profile, and log in."""
    downloads, profile = folder / "downloads", folder / "profile"
    config = profile / "qBittorrent" / "config" / "qBittorrent.conf"
    for made in (downloads, config.parent):
        made.mkdir(parents=True)
    config.write_text(PROFILE.format(downloads=downloads))
    port = free_port()
    command = [NOX, f"--profile={profile}", f"--webui-port={port}"]
    door = Door(port, {"own_downloads": str(downloads), "own_port": str(port)})
    with _process(command, folder / "log", dict(os.environ), port):
        _log_in(door)
        yield door


@contextlib.contextmanager
def our_server(folder: Path, alldebrid: FakeAllDebrid, *, login: bool = True) -> Iterator[Door]:
    """Run our service against a fake AllDebrid, and log in."""
    folder.mkdir(parents=True)
    port = free_port()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "ALLDEBRID_API_KEY": alldebrid.key,
        "ALLDEBRID_API_URL": alldebrid.url,
        "CONFIG_DIR": str(folder / "config"),
        "DOWNLOAD_DIR": str(folder / "downloads"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "MAX_CONCURRENT_DOWNLOADS": "30",
    }
    if login:
        environment |= {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD}
    command = [str(Path(sys.executable).with_name("alldebrid-client")), "serve"]
    downloads = folder / "downloads" / "complete"
    door = Door(port, {"own_downloads": str(downloads), "own_port": str(port)})
    with _process(command, folder / "log", environment, port):
        if login:
            _log_in(door)
        yield door


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def until(done: Callable[[], bool], deadline: float, every: float = 0.02) -> bool:
    """Ask until it is done, or for `deadline` seconds; return whether it is done."""
    end = time.monotonic() + deadline
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(every)  # another process: there is nothing to wait on
    return True


@contextlib.contextmanager
def torrents_server(torrents: dict[str, bytes]) -> Iterator[str]:
    """Serve .torrent files over HTTP; yield the URL of their folder."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = torrents.get(self.path.strip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/x-bittorrent")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def _process(
    command: list[str], output: Path, environment: dict[str, str], port: int
) -> Iterator[None]:
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        if not until(lambda: process.poll() is not None or answers(port), START):
            raise CannotStart(f"{command[0]} did not answer in {START:.0f} s:\n{_tail(output)}")
        if process.poll() is not None:
            raise CannotStart(f"{command[0]} ended at once:\n{_tail(output)}")
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Return whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _log_in(door: Door) -> None:
    answer = door.log_in(USERNAME, PASSWORD)
    if not door.sid:
        raise CannotStart(f"no session after a login: {answer.status} {answer.text}")


def _tail(output: Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-20:])
