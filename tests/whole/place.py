"""A service, what is behind it, and the programs in front of it; and what they grab."""

import random
import time
from pathlib import Path

from tests.engine.jobs.world import Torrent
from tests.fakes.sonarr_http import RADARR, SonarrHttp
from tests.fakes.sonarr_program import Grab, Settings, Sonarr
from tests.fakes.sonarr_reading import Status

BYTES = random.Random(11).randbytes
EPISODE = Torrent("Show.S01E01.1080p.WEB-GROUP.mkv", BYTES(300_001))
SEASON = Torrent(
    "Show.S02.1080p.WEB-GROUP",
    {
        "Show.S02E01.mkv": BYTES(200_000),
        "Show.S02E02.mkv": BYTES(150_000),
        "Subs/Show.S02E01.srt": BYTES(700),
        "info.nfo": BYTES(90),
    },
)
FILM = Torrent("Film.2024.1080p-GROUP.mkv", BYTES(250_000))
PATIENCE = 60.0
"""Seconds until something that should happen at once has failed to."""


class Place:
    """A service, the AllDebrid and the file host behind it, and the programs in front of it."""

    def __init__(self, folder, service, alldebrid, host):
        self.folder = folder
        self.service = service
        self.alldebrid = alldebrid
        self.host = host

    @property
    def complete(self):
        return self.service.downloads / "complete"

    def hold(self, *torrents):
        """Let AllDebrid have torrents."""
        for torrent in torrents:
            prefix = f"/{torrent.infohash}/"
            for path, data in torrent.paths.items():
                self.host.adds_file(prefix + path, data)
            self.alldebrid.hold(
                torrent.infohash,
                torrent.name,
                torrent.paths,
                file_host=lambda path, prefix=prefix: self.host.url(prefix + path),
            )

    def program(self, name="tv", release=RADARR, login=(), **settings):
        """Make a program with a library of its own."""
        http = SonarrHttp(self.service.port, *login, release=release)
        settings = Settings(category=name, **settings)
        return Sonarr(http, settings, library=self.folder / "library" / name)

    def files(self, folder=None):
        """Every file below a folder, by relative path; finished ones when no folder is given."""
        folder = folder or self.complete
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


def grab(program, torrent, **how):
    assert program.grab_file(torrent.name, torrent.infohash, torrent.metainfo, **how) is (
        Grab.GRABBED
    )


def until(look, service):
    """Look again and again until there is something; return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)  # another process: there is nothing to wait on
    raise AssertionError(service.output.read_text())


def completed(program, torrent, service):
    """Wait until a poll finds the torrent completed; return its line in the queue."""

    def look():
        for item in program.poll():
            if item.download_id == torrent.infohash.upper() and item.status is Status.COMPLETED:
                return item
        return None

    return until(look, service)


def videos(torrent):
    """What the library should have of a torrent, by file name."""
    return {Path(path).name: data for path, data in torrent.paths.items() if path.endswith(".mkv")}
