import pytest

from tests.engine.jobs.world import world_in


@pytest.fixture
async def world(tmp_path):
    async with world_in(tmp_path) as world:
        yield world
