"""Servers on loopback for as long as a `with` block lasts: nginx, and `benchmarks.line`.

Each has a process of its own and a port that was free. Certificates are made on the spot.
"""

import contextlib
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import trustme

from benchmarks.line import Shape, Stats
from benchmarks.payload import make_file
from benchmarks.processes import ROOT

START = 10.0
"""Seconds a server may take to answer."""

NAME = "film.mkv"

NGINX = """
worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; {extra}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port}{tls}; root {folder};
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
  }}
}}
"""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Where the file is."""

    url: str
    size: int
    ca_file: Path

    def stats(self) -> Stats:
        """Ask a line what happened so far."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        url = self.url.removesuffix(NAME) + "stats"
        with urllib.request.urlopen(url, context=context, timeout=START) as answer:
            return msgspec.json.decode(answer.read(), type=Stats)


@contextlib.contextmanager
def nginx(folder: Path, size: int, *, tls: bool = True, extra: str = "") -> Iterator[Served]:
    """Serve the file from `folder`, which should be in memory; `extra` goes into the http block."""
    folder.mkdir(exist_ok=True)
    for above in (folder, *folder.parents):  # the workers are nobody
        with contextlib.suppress(PermissionError):
            above.chmod(above.stat().st_mode | 0o711)
    ca_file = certify(folder)
    film = folder / NAME
    if not film.exists() or film.stat().st_size != size:
        make_file(film, size)
    film.chmod(0o644)
    port = free_port()
    config = folder / f"nginx-{port}.conf"
    config.write_text(
        NGINX.format(folder=folder, port=port, tls=" ssl" if tls else "", extra=extra)
    )
    process = subprocess.Popen(["nginx", "-c", config, "-e", folder / "error.log"])
    try:
        _wait_for(process, port)
        yield _served(port, size, ca_file, tls=tls)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def line(folder: Path, size: int, shape: Shape, *, tls: bool = True) -> Iterator[Served]:
    """Serve a pattern of `size` bytes over a line of that shape; it begins with the block."""
    folder.mkdir(exist_ok=True)
    ca_file = certify(folder)
    command = [sys.executable, "-m", "benchmarks.line", "--size", str(size)]
    command += ["--shape", msgspec.json.encode(shape).decode()]
    if tls:
        command += ["--tls", str(folder / "cert.pem"), str(folder / "key.pem")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        said = process.stdout.readline() if process.stdout else ""
        if not said.startswith("ready "):
            raise RuntimeError("the line did not start")
        yield _served(int(said.split()[1]), size, ca_file, tls=tls)
    finally:
        process.terminate()
        process.communicate()


def certify(folder: Path) -> Path:
    """Write cert.pem and key.pem for localhost; return the file of the authority."""
    ca_file = folder / "ca.pem"
    if not ca_file.exists():
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        leaf.private_key_pem.write_to_path(folder / "key.pem")
        leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        authority.cert_pem.write_to_path(ca_file)
    return ca_file


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _served(port: int, size: int, ca_file: Path, *, tls: bool) -> Served:
    scheme = "https" if tls else "http"
    return Served(url=f"{scheme}://localhost:{port}/{NAME}", size=size, ca_file=ca_file)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError("nginx did not start")
