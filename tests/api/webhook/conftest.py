"""One HTTP server for all tests, a fresh outbox behind it for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.webhook.world import World
from tests.fakes.served_app import ServedApp


@pytest.fixture(scope="session")
def server() -> Iterator[ServedApp]:
    with ServedApp() as server:
        yield server


@pytest.fixture
def world(server: ServedApp, tmp_path: Path) -> Iterator[World]:
    world = World(server, tmp_path)
    yield world
    world.close()
