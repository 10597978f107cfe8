from engine.alldebrid.links import KeptLink
from engine.jobs.keeper import StoredLinks
from engine.store.store import Store


async def test_links_are_kept_over_a_restart_until_they_are_forgotten(tmp_path):
    kept = KeptLink(link="page", url="https://host/secret", unlocked_at=7, max_connections=3)
    store = Store(tmp_path / "store.db")
    await StoredLinks(store).put(kept)
    store.close()

    store = Store(tmp_path / "store.db")
    links = StoredLinks(store)

    assert await links.get("page") == kept
    assert await links.get("other") is None
    await links.forget("page")
    assert await links.get("page") is None
    assert "secret" not in repr(links)
    store.close()
