"""One HTTP server for all tests, a fresh application in it for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from tests.fakes.served_app import ServedApp
from tests.fakes.sonarr_http import SonarrHttp
from tests.fakes.torrents import InMemoryTorrents

NOW = 1_700_000_000


@pytest.fixture(scope="session")
def server() -> Iterator[ServedApp]:
    with ServedApp() as server:
        yield server


@pytest.fixture
def torrents() -> InMemoryTorrents:
    return InMemoryTorrents(now=NOW)


@pytest.fixture
def sonarr(server: ServedApp, torrents: InMemoryTorrents) -> SonarrHttp:
    """A Sonarr without user and password, at an open API."""
    server.app = create_app(torrents, ApiConfig(), clock=lambda: NOW)
    return SonarrHttp(server.port)


@pytest.fixture
def torrent_file() -> bytes:
    """Made by mktorrent: two files in a folder, one tracker."""
    return (Path(__file__).parents[2] / "data" / "qbittorrent" / "two_files.torrent").read_bytes()
