"""A real qbittorrent-nox, on loopback and talking to nobody."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.waiting import Answering, until_it_answers
from tests.whole.service import free_port

NOX = "qbittorrent-nox"

PROFILE = r"""[LegalNotice]
Accepted=true

[BitTorrent]
Session\DefaultSavePath={downloads}
Session\DHTEnabled=false
Session\LSDEnabled=false
Session\PeXEnabled=false

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\LocalHostAuth=false
"""
"""A fresh profile, with what qBittorrent itself sets but for the peers it would look for."""


@contextlib.contextmanager
def qbittorrent(folder: Path) -> Iterator[Answering]:
    """Run it with a fresh profile, open to this machine, as ours is."""
    config = folder / "profile" / "qBittorrent" / "config" / "qBittorrent.conf"
    config.parent.mkdir(parents=True)
    config.write_text(PROFILE.format(downloads=folder / "downloads"))
    port = free_port()
    command = [NOX, f"--profile={folder / 'profile'}", f"--webui-port={port}"]
    with (folder / "nox.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=dict(os.environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        until_it_answers(port, process)
        yield Answering(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
