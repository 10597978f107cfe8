"""The tags of the qBittorrent API: all there are, whether a torrent has them or not.

A tag exists before a torrent gets it, and goes after all torrents have lost it: a crash in between
leaves a tag that nobody has, never one that nobody knows.
"""

from collections.abc import Iterable

from engine.store import tags
from engine.store.store import Store


class Tags:
    """All tags, in memory and in the store. The event loop's thread only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: set[str] = set()

    def __repr__(self) -> str:
        return f"<Tags {sorted(self._names)}>"

    async def load(self) -> None:
        """Read them; once, before anything else. Raises StoreError."""
        self._names = set(await self._store.run(tags.load_all))

    def listed(self) -> list[str]:
        """Return all, by name."""
        return sorted(self._names)

    async def create(self, names: Iterable[str]) -> None:
        """Keep tags; those that exist stay. Raises StoreError."""
        new = [name for name in names if name not in self._names]
        if new:
            await self._store.run(lambda db: tags.save(db, new))
            self._names.update(new)

    async def delete(self, names: Iterable[str]) -> None:
        """Forget tags, unknown ones too. Raises StoreError."""
        known = [name for name in names if name in self._names]
        if known:
            await self._store.run(lambda db: tags.delete(db, known))
            self._names.difference_update(known)


def cleaned(names: Iterable[str]) -> list[str]:
    """Return acceptable tags as they are kept, each once; a comma parts tags, so none holds one."""
    stripped = (name.strip() for name in names)
    return list(dict.fromkeys(name for name in stripped if name and "," not in name))
