import contextlib

import pytest

from engine.store.connection import open_database
from engine.store.store import Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "client.db"


@pytest.fixture
def store(path):
    with contextlib.closing(Store(path)) as store:
        yield store


@pytest.fixture
def db(path):
    with contextlib.closing(open_database(path)) as db:
        yield db
