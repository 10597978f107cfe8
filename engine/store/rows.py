"""How a record becomes a row, and a row a record.

A column has the name of its field. Tuples are kept as JSON text, booleans as 0 and 1. All names
that go into SQL here come from our own code, all values are bound.
"""

import functools
from collections.abc import Iterable
from typing import Any, TypeVar, get_origin

import apsw
import msgspec

R = TypeVar("R", bound=msgspec.Struct)


def select(kind: type[msgspec.Struct], source: str, rest: str = "") -> str:
    """Return a SELECT of `kind`'s fields from `source`, for `read`."""
    return f"SELECT {_listed(_names(kind))} FROM {source} {rest}"  # noqa: S608 - our own names


def insert(kind: type[msgspec.Struct], table: str, *, but: tuple[str, ...] = ()) -> str:
    """Return an INSERT of `kind`'s fields into `table`, for `write`; without the fields `but`."""
    names = [name for name in _names(kind) if name not in but]
    values = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table} ({_listed(names)}) VALUES ({values})"  # noqa: S608 - our own names


def upsert(kind: type[msgspec.Struct], table: str, key: str, *, but: tuple[str, ...] = ()) -> str:
    """Return an `insert` that updates the row with the same `key` where there is one.

    The row stays the same row, unlike with REPLACE, which would delete all that refers to it.
    """
    names = [name for name in _names(kind) if name not in (key, *but)]
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names)
    return f'{insert(kind, table, but=but)} ON CONFLICT ("{key}") DO UPDATE SET {changes}'


def write(db: apsw.Connection, sql: str, records: Iterable[msgspec.Struct]) -> None:
    """Run an `insert` or `upsert` for each record."""
    db.executemany(sql, (_bindings(record) for record in records))


def read(db: apsw.Connection, kind: type[R], sql: str, *values: str | int) -> list[R]:
    """Return the records that a `select` of the same `kind` finds, with `values` bound to it."""
    names, packed = _names(kind), _packed(kind)
    records = []
    for row in db.execute(sql, values):
        fields: dict[str, Any] = dict(zip(names, row, strict=True))
        for name in packed:
            fields[name] = msgspec.json.decode(fields[name])
        # Not strict: a boolean comes as 0 or 1.
        records.append(msgspec.convert(fields, kind, strict=False))
    return records


def _bindings(record: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(record)
    for name in _packed(type(record)):
        fields[name] = msgspec.json.encode(fields[name]).decode()
    return fields


@functools.cache
def _packed(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields that are kept as JSON text."""
    fields = msgspec.structs.fields(kind)
    return tuple(field.name for field in fields if get_origin(field.type) is tuple)


def _names(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return kind.__struct_fields__


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
