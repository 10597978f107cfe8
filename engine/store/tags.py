"""The tags of the qBittorrent API: all there are, whether a torrent has them or not.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

from collections.abc import Iterable

import apsw


def load_all(db: apsw.Connection) -> list[str]:
    """Return all tags, by name."""
    return [str(name) for (name,) in db.execute("SELECT name FROM tags ORDER BY name")]


def save(db: apsw.Connection, names: Iterable[str]) -> None:
    """Keep tags; those that are kept already stay. Upper and lower case are different names."""
    db.executemany("INSERT OR IGNORE INTO tags (name) VALUES (?)", ((name,) for name in names))


def delete(db: apsw.Connection, names: Iterable[str]) -> None:
    """Forget tags; torrents that have them keep them. Nothing happens to those that are gone."""
    db.executemany("DELETE FROM tags WHERE name = ?", ((name,) for name in names))
