"""Unlocked links in the store, as the link cache wants them."""

from engine.alldebrid.links import KeptLink
from engine.store import links
from engine.store.records import UnlockedLink
from engine.store.store import Store


class StoredLinks:
    """A `LinkKeeper` that survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __repr__(self) -> str:
        return f"<StoredLinks {self._store!r}>"

    async def get(self, link: str) -> KeptLink | None:
        """Return what is kept for a page link."""
        found = await self._store.run(lambda db: links.get(db, link))
        if found is None:
            return None
        return KeptLink(
            link=found.link,
            url=found.url,
            unlocked_at=found.unlocked_at,
            max_connections=found.max_connections,
        )

    async def put(self, kept: KeptLink) -> None:
        """Keep an unlocked link, in the place of an older one."""
        record = UnlockedLink(
            link=kept.link,
            url=kept.url,
            unlocked_at=kept.unlocked_at,
            max_connections=kept.max_connections,
        )
        await self._store.run(lambda db: links.put(db, record))

    async def forget(self, link: str) -> None:
        """Drop what is kept for a page link."""
        await self._store.run(lambda db: links.forget(db, link))
