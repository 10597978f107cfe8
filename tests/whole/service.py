"""The whole service as a process of its own, seen from outside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import qbittorrentapi

COMMAND = Path(sys.executable).with_name("alldebrid-client")
START = 30.0
"""Seconds a service may take to answer; on a quiet machine it takes less than one."""


class Service:
    """`alldebrid-client serve` with its folders below one of the test's."""

    def __init__(self, folder, alldebrid, **environment):
        self.folder = folder
        self.downloads = folder / "downloads"
        self.port = free_port()
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ALLDEBRID_API_KEY": alldebrid.key,
            "ALLDEBRID_API_URL": alldebrid.url,
            "CONFIG_DIR": str(folder / "config"),
            "DOWNLOAD_DIR": str(self.downloads),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "ARRPUSH_LOG": str(folder / "arr_push_v5.log"),
            **environment,
        }
        self.process = None
        self.output = folder / "service.log"

    def launch(self):
        """Start the process; return at once."""
        with self.output.open("ab") as log:
            self.process = subprocess.Popen([COMMAND, "serve"], env=self.environment, stderr=log)

    def start(self):
        """Start it and wait until it answers."""
        self.launch()
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.01)  # another process: there is nothing to wait on
        raise AssertionError(f"the service did not answer in {START} s: {self.output.read_text()}")

    def kill(self):
        """End it as a power cut would, but for the kernel."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """End it in order; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def client(self, **login):
        """A client from the qbittorrent-api package."""
        return qbittorrentapi.Client(
            host=f"http://127.0.0.1:{self.port}",
            VERIFY_WEBUI_CERTIFICATE=False,
            REQUESTS_ARGS={"timeout": 10},
            **login,
        )

    def memory(self, label="VmHWM"):
        """Bytes of resident memory: the peak, or with VmRSS the present."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(each for each in status.splitlines() if each.startswith(label))
        return int(line.split()[1]) * 1024

    def wait_for(self, infohash, *states, timeout=60.0):
        """Wait until a torrent is in one of the states; return it as the API shows it."""
        deadline = time.monotonic() + timeout
        with self.client() as client:
            while time.monotonic() < deadline:
                found = client.torrents_info(torrent_hashes=infohash)
                if found and found[0].state in states:
                    return found[0]
                time.sleep(0.05)
        shown = found[0].state if found else "nothing"
        raise AssertionError(
            f"{shown} instead of {states} after {timeout} s: {self.output.read_text()}"
        )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
