"""The categories of the qBittorrent API.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw

from engine.store import rows
from engine.store.records import CategoryRecord

_LOAD = rows.select(CategoryRecord, "categories", "ORDER BY name")
_SAVE = rows.upsert(CategoryRecord, "categories", "name")


def load_all(db: apsw.Connection) -> list[CategoryRecord]:
    """Return all categories, by name."""
    return rows.read(db, CategoryRecord, _LOAD)


def save(db: apsw.Connection, record: CategoryRecord) -> None:
    """Insert the category or update it. Upper and lower case are different names."""
    rows.write(db, _SAVE, [record])


def delete(db: apsw.Connection, name: str) -> None:
    """Forget the category; torrents that have it keep its name. Nothing happens if it is gone."""
    db.execute("DELETE FROM categories WHERE name = ?", (name,))
