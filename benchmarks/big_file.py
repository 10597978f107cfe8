"""A large file over HTTPS from nginx on loopback: speed, CPU and memory, beside aria2c.

    .venv/bin/python -m benchmarks.big_file [--size 4G] [--runs 3]

`get` is the engine by itself, `serve` the whole service: a magnet is added through its API, a fake
AllDebrid gives the link, and the time is that from the request to the finished state, the wait for
AllDebrid's next poll included. Runs alternate, so that all see the same weather; medians are
printed, and every file is compared with the original.

Needs nginx and openssl; aria2c is left out of the table when it is missing. The file is served from
memory (/dev/shm) and written below the current folder.
"""

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from api.sizes import parse_size
from tests.fakes.alldebrid import FakeAllDebrid
from tests.whole.service import COMMAND, Service

PORT = 18443
CHUNK = 1 << 20
INFOHASH = "4b" * 20
NGINX = """
worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} ssl; root {folder};
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
  }}
}}
"""
ARIA2 = ("aria2c", "-x16", "-s16", "-k1M", "--file-allocation=falloc", "--quiet=true")


class Served(msgspec.Struct, frozen=True):
    """The file to fetch."""

    url: str
    size: int
    sha256: str
    ca_file: str


class Run(msgspec.Struct, frozen=True):
    """What one download took."""

    seconds: float
    cpu: float
    """Seconds of CPU time, user and system, of all processes of the client."""
    rss: int
    """Peak resident bytes of the process that downloads."""


Runner = Callable[[Served, Path], int]
"""Downloads to a path and returns the peak of resident bytes."""


def main() -> int:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--size", type=parse_size, default=parse_size("4G"))
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    missing = [name for name in ("nginx", "openssl") if shutil.which(name) is None]
    if missing:
        print(f"missing: {', '.join(missing)} (Debian: apt install {' '.join(missing)})")
        return 1
    runners: dict[str, Runner] = {"alldebrid-client get": get, "alldebrid-client serve": serve}
    if shutil.which("aria2c"):
        runners["aria2c"] = aria2c
    results: dict[str, list[Run]] = {name: [] for name in runners}
    with serving(chosen.size) as served:
        for _ in range(chosen.runs):
            for name, runner in runners.items():
                results[name].append(measure(runner, served))
    print(f"{chosen.size / 2**30:.1f} GiB over HTTPS, medians of {chosen.runs}, hashes compared")
    print(f"{'':24} {'MB/s':>8} {'CPU s':>8} {'peak MB':>8}")
    for name, runs in results.items():
        speed = chosen.size / statistics.median(run.seconds for run in runs) / 1e6
        cpu = statistics.median(run.cpu for run in runs)
        rss = statistics.median(run.rss for run in runs) / 1e6
        print(f"{name:24} {speed:8.0f} {cpu:8.2f} {rss:8.1f}")
    return 0


@contextlib.contextmanager
def serving(size: int) -> Iterator[Served]:
    """Serve a file of `size` bytes with nginx."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        folder.chmod(0o755)
        certify(folder)
        digest = make_file(folder / "film.mkv", size)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=PORT))
        command = ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        server = subprocess.Popen([*command, "-g", "daemon off;"])
        try:
            wait_for(server)
            url = f"https://localhost:{PORT}/film.mkv"
            yield Served(url, size, digest, str(folder / "cert.pem"))
        finally:
            server.terminate()
            server.wait()


def certify(folder: Path) -> None:
    """Write a key and a certificate for localhost."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)


def make_file(path: Path, size: int) -> str:
    """Write bytes that differ in every chunk; return their SHA-256."""
    block, digest, left = os.urandom(CHUNK), hashlib.sha256(), size
    with path.open("wb") as file:
        while left:
            piece = (left.to_bytes(8, "big") + block[8:])[: min(left, CHUNK)]
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
    return digest.hexdigest()


def wait_for(server: subprocess.Popen[bytes]) -> None:
    """Wait until nginx takes connections."""
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit("nginx did not start")


def measure(runner: Runner, served: Served) -> Run:
    """Run one download into an empty folder and check what came of it."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        target = Path(name) / "film.mkv"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        rss = runner(served, target)
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with target.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != served.sha256:
                sys.exit(f"{runner.__name__}: the file is not the one that was served")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu, rss)


def get(served: Served, target: Path) -> int:
    """Download with `alldebrid-client get`."""
    command = [COMMAND, "get", served.url, "-o", target, "--ca", served.ca_file]
    output = subprocess.run([*command, "--json", "--quiet"], check=True, capture_output=True)
    return int(json.loads(output.stdout)["peak_rss_bytes"])


def serve(served: Served, target: Path) -> int:
    """Download by way of the service."""
    with FakeAllDebrid() as alldebrid:
        files = {target.name: served.size}
        alldebrid.hold(INFOHASH, target.name, files, file_host=lambda _: served.url)
        environment = {"SSL_CERT_FILE": served.ca_file, "LOG_LEVEL": "WARNING"}
        service = Service(target.parent, alldebrid, **environment)
        service.start()
        with service.client() as client:
            client.torrents_add(urls=f"magnet:?xt=urn:btih:{INFOHASH}&dn={target.name}")
        shown = service.wait_for(INFOHASH, "pausedUP", timeout=600)
        peak = service.memory()
        service.stop()
    Path(shown.content_path).rename(target)
    return peak


def aria2c(served: Served, target: Path) -> int:
    """Download with aria2c, 16 connections, as its users set it for speed."""
    where = ["-d", str(target.parent), "-o", target.name]
    process = subprocess.Popen([*ARIA2, f"--ca-certificate={served.ca_file}", *where, served.url])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("aria2c failed")
    return usage.ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
