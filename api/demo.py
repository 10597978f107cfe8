"""What a run without a key shows: one sample torrent, from the API to a verified file.

The sample is added through the service's own qBittorrent API, as Sonarr would do it, and what is
shown comes from there too. At the end the file is read back from the disk and every piece of it is
compared with the .torrent, by nothing that took part in the download.
"""

import asyncio
import contextlib
import hashlib
import http.client
import logging
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from api import memory
from api.bar import Bar, Shown, duration
from api.sizes import human_size
from engine.alldebrid.forms import Encoded, FilePart, multipart
from engine.alldebrid.simulator.sample import sample
from engine.metainfo import Metainfo, parse_torrent
from engine.transfer.disk import read_range
from engine.transfer.errors import TransferError

CATEGORY = "sample"

LOOK = 0.2
"""Seconds between two looks at the progress."""

TIMEOUT = 60.0
"""Seconds of silence after which a request to the service has failed."""

PLAIN = 2.0
"""Seconds between two lines of progress where there is no terminal to redraw."""

FOR_EVER = 8_640_000
"""Seconds that stand for "nobody knows" in the qBittorrent API."""

FINISHED = frozenset({"pausedUP"})
FAILED = frozenset({"error", "missingFiles"})

logger = logging.getLogger("api.demo")


def announce() -> None:
    """Say, in one plain line, that nothing here is real."""
    _say(
        "No ALLDEBRID_API_KEY: this run uses a SIMULATED AllDebrid on this machine, and adds a"
        " sample torrent to it. Set the key to download for real."
    )


async def show(host: str, port: int, sid: str) -> None:
    """Add the sample, show its progress, verify its file. Never raises but when cancelled.

    `host` and `port` are what the service listens on, `sid` is a session of it.
    """
    service = _Service(_reachable(host), port, sid)
    try:
        await _add(service)
        torrent = await _watch(service)
        folder = Path(torrent["content_path"])
        _say(f"Reading {folder} back to verify it ...")
        digests = await asyncio.to_thread(_verify, folder)
    except (http.client.HTTPException, OSError, ValueError, TransferError) as problem:
        _say(f"The sample failed: {problem}")
        return
    for path, digest in digests:
        _say(f"Verified: {path}\n  SHA-256 {digest}")
    _say(
        f"The service stays up: add it in Sonarr or Radarr as a qBittorrent client, host"
        f" {_reachable(host)}, port {port}. Ctrl-C ends it."
    )


class _Service:
    """The service's API as somebody outside sees it. A connection for each call: few are made."""

    def __init__(self, host: str, port: int, sid: str) -> None:
        self._address = (host.strip("[]"), port)
        self._cookie = f"SID={sid}"

    async def call(self, path: str, body: Encoded | None = None) -> bytes:
        """Return the answer; POST when there is a body. Raises OSError, ValueError and others."""
        return await asyncio.to_thread(self._call, f"/api/v2/{path}", body)

    def _call(self, path: str, body: Encoded | None) -> bytes:
        headers = {"Cookie": self._cookie, "Content-Type": body.content_type if body else ""}
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT)
        with contextlib.closing(connection):
            connection.request(
                "POST" if body else "GET",
                path,
                body.content if body else None,
                {name: value for name, value in headers.items() if value},
            )
            answer = connection.getresponse()
            if answer.status >= 400:
                raise ValueError(f"the service answered {answer.status} {answer.reason}")
            return answer.read()


async def _add(service: _Service) -> None:
    name = f"{sample().name}.torrent"
    file = FilePart("torrents", name, sample().torrent, "application/x-bittorrent")
    if await service.call("torrents/add", multipart([("category", CATEGORY)], file)) != b"Ok.":
        raise ValueError("the service did not take the sample torrent")


async def _watch(service: _Service) -> dict[str, Any]:
    """Draw the progress until the torrent is finished; return it. Raises ValueError if it fails."""
    bar = Bar(sys.stderr) if sys.stderr.isatty() else None
    said_at = asyncio.get_running_loop().time()
    try:
        while True:
            query = urlencode({"hashes": sample().infohash})
            found = msgspec.json.decode(await service.call(f"torrents/info?{query}"))
            if not found:
                raise ValueError("it was deleted")
            torrent: dict[str, Any] = found[0]
            if torrent["state"] in FINISHED:
                return torrent
            if torrent["state"] in FAILED:
                raise ValueError(f"its state is {torrent['state']}; the log says why")
            now = asyncio.get_running_loop().time()
            if bar is not None:
                _draw(bar, torrent)
            elif now - said_at >= PLAIN:
                said_at = now
                _say(_line(torrent))
            await asyncio.sleep(LOOK)
    finally:
        if bar is not None:
            bar.clear()


def _draw(bar: Bar, torrent: dict[str, Any]) -> None:
    if torrent["state"] == "queuedDL":
        bar.say("The simulated AllDebrid gets the sample ready ...")
        return
    bar.draw(
        Shown(
            received=torrent["completed"],
            size=torrent["size"],
            speed=torrent["dlspeed"],
            resident=memory.resident(),
        )
    )


def _line(torrent: dict[str, Any]) -> str:
    return (
        f"{torrent['progress']:4.0%} of {human_size(torrent['size'])}"
        f"  {human_size(torrent['dlspeed'])}/s  ETA {_eta(torrent['eta'])}"
        f"  RAM {human_size(memory.resident())}  {torrent['state']}"
    )


def _eta(seconds: int) -> str:
    return duration(None if seconds >= FOR_EVER else seconds)


def _verify(folder: Path) -> list[tuple[Path, str]]:
    """Compare what is on the disk with the .torrent; return paths and hashes. Blocks.

    Raises ValueError when a piece differs, TransferError (an OSError's sentence) when it can't be
    read.
    """
    meta = parse_torrent(sample().torrent)
    digests = []
    pieces = _Pieces(meta)
    for file in meta.files:
        path = folder.joinpath(*file.path)
        digest = hashlib.sha256()
        for view in read_range(path, 0, file.size):
            digest.update(view)
            pieces.update(view)
        digests.append((path, digest.hexdigest()))
    pieces.finish()
    return digests


class _Pieces:
    """Hashes a stream piece by piece, in the plainest way there is."""

    def __init__(self, meta: Metainfo) -> None:
        self._meta = meta
        self._done = 0
        self._pending = bytearray()

    def update(self, data: memoryview) -> None:
        self._pending += data
        while len(self._pending) >= self._meta.piece_length:
            self._check(bytes(self._pending[: self._meta.piece_length]))
            del self._pending[: self._meta.piece_length]

    def finish(self) -> None:
        if self._pending:
            self._check(bytes(self._pending))
        if self._done * 20 != len(self._meta.pieces):
            raise ValueError("there are fewer bytes than the .torrent names")

    def _check(self, piece: bytes) -> None:
        expected = self._meta.pieces[self._done * 20 : self._done * 20 + 20]
        if hashlib.sha1(piece, usedforsecurity=False).digest() != expected:
            raise ValueError(f"piece {self._done} differs from the .torrent")
        self._done += 1


def _reachable(host: str) -> str:
    """Return an address at which this machine reaches a service that listens on `host`."""
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, flush=True)  # noqa: T201 - for the user who watches
