import pytest

from tests.arrpush.memory import memory


@pytest.fixture
def db():
    """A database in memory, with all its tables."""
    with memory() as db:
        yield db
