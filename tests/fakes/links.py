"""Unlocked links that are kept as long as the test runs."""

from engine.alldebrid.links import KeptLink


class MemoryLinks:
    """A LinkKeeper that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._links: dict[str, KeptLink] = {}

    def __repr__(self) -> str:
        return f"<MemoryLinks {len(self._links)}>"

    async def get(self, link: str) -> KeptLink | None:
        """Return what is kept for a page link."""
        return self._links.get(link)

    async def put(self, kept: KeptLink) -> None:
        """Keep an unlocked link."""
        self._links[kept.link] = kept

    async def forget(self, link: str) -> None:
        """Drop what is kept for a page link."""
        self._links.pop(link, None)
