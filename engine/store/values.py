"""Single values that must survive a restart, by name. They may be secrets.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

import apsw


def get(db: apsw.Connection, name: str) -> str | None:
    """Return the value kept under `name`, or None."""
    row = db.execute("SELECT value FROM named_values WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def put(db: apsw.Connection, name: str, value: str) -> None:
    """Keep `value` under `name`, in the place of an earlier one."""
    db.execute(
        "INSERT INTO named_values (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
