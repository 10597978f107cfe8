"""The categories of the qBittorrent API and the folders that go with them."""

import logging
from pathlib import Path

from engine.jobs.fetch import in_thread
from engine.jobs.folders import category_folder, checked_name
from engine.jobs.views import BadCategory, UnknownCategory
from engine.store import categories
from engine.store.records import CategoryRecord
from engine.store.store import Store
from engine.transfer.disk import make_folder
from engine.transfer.errors import DiskFull, DiskTrouble

logger = logging.getLogger("engine.jobs.categories")


class Categories:
    """All categories, in memory and in the store. The event loop's thread only."""

    def __init__(self, store: Store, base: Path) -> None:
        self._store = store
        self.base = base
        """Absolute folder of finished files without a category; others are relative to it."""
        self._records: dict[str, CategoryRecord] = {}

    def __repr__(self) -> str:
        return f"<Categories {sorted(self._records)}>"

    def __contains__(self, name: str) -> bool:
        return name in self._records

    async def load(self) -> None:
        """Read them, and make their folders: Sonarr's health check looks for them."""
        for record in await self._store.run(categories.load_all):
            self._records[record.name] = record
        await self.make_folders()

    async def make_folders(self) -> None:
        """Make the folders of all categories where they are missing, as far as that is possible."""
        for name in list(self._records):
            try:
                await in_thread(make_folder, self.folder(name))
            except (DiskFull, DiskTrouble) as problem:
                # A disk that is not mounted yet must not keep the others from starting.
                logger.warning("category=%r folder=missing reason=%r", name, str(problem))

    def listed(self) -> list[CategoryRecord]:
        """Return all, by name."""
        return [self._records[name] for name in sorted(self._records)]

    def folder(self, name: str, base: Path | None = None) -> Path:
        """Return the absolute folder of a category's finished files, also for none ("").

        With a `base` it is the one that it would have there.
        """
        base = base or self.base
        if not name:
            return base
        record = self._records.get(name)
        return category_folder(base, name, record.save_path if record else "")

    async def create(self, name: str, save_path: str) -> None:
        """Create a category and its folder; one that exists keeps its path. Raises BadCategory."""
        record = CategoryRecord(name=checked_name(name), save_path=save_path.strip())
        await self._keep(self._records.get(name, record))

    async def edit(self, name: str, save_path: str) -> None:
        """Give a category another folder, and make that. Raises UnknownCategory, BadCategory."""
        if name not in self._records:
            raise UnknownCategory(f"there is no category {name!r}")
        await self._keep(CategoryRecord(name=name, save_path=save_path.strip()))

    async def remove(self, name: str) -> None:
        """Forget a category; nothing happens if there is none."""
        await self._store.run(lambda db: categories.delete(db, name))
        self._records.pop(name, None)

    async def _keep(self, record: CategoryRecord) -> None:
        folder = category_folder(self.base, record.name, record.save_path)
        try:
            await in_thread(make_folder, folder)
        except (DiskFull, DiskTrouble) as problem:
            what = f"the category {record.name!r} cannot have its folder"
            raise BadCategory(f"{what}: {problem}") from None
        await self._store.run(lambda db: categories.save(db, record))
        self._records[record.name] = record
