from engine.alldebrid.links import KeptLink
from tests.fakes.links import MemoryLinks


async def test_a_link_is_kept_until_it_is_forgotten():
    keeper = MemoryLinks()
    kept = KeptLink(link="page", url="direct", unlocked_at=1)
    await keeper.put(kept)
    assert await keeper.get("page") == kept

    await keeper.forget("page")

    assert await keeper.get("page") is None
