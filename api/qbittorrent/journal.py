"""What has changed since when: the memory behind sync/maindata. Pure.

Theory
    There is one present state, in sections (`torrents`, `tags`, ...) of values by key, and a log
    of what changed with each revision: which keys, and of those that were there before and after
    which fields. An increment since a revision is the present value of everything that the log
    names after it. So it does not matter how often something changed in between, whether it
    changed back, or how many clients there are and which answers they lost: a client is nothing
    but the revision it knows.

    A key that is not there any more is removed; one that came and went since then is removed too,
    though the client has never heard of it, which harms nobody.

Guarantees
    State at a revision, with the increment since that revision applied, is the present state. The
    log holds `limit` keys at most; since a revision that it does not reach back to there is no
    increment, and the client has to be told everything.
"""

import functools
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

LIMIT = 50_000
"""Keys in the log. A client that asks every 1.5 s while 1,000 torrents download may miss an answer
for more than a minute; memory for it is about 5 MB, which a quiet service does not need."""

Fields = tuple[str, ...] | None
"""Names of the fields of a value that changed; None for the whole value: it came, went, or has no
fields."""


class Increment(msgspec.Struct, frozen=True):
    """What changed in a section."""

    changed: dict[str, Any]
    """The whole values, or mappings of the fields that changed, by key."""
    removed: list[str]


class _Step(msgspec.Struct, frozen=True):
    revision: int
    changes: dict[str, dict[str, Fields]]
    size: int


class Journal:
    """The present state and its log. One thread only."""

    def __init__(self, sections: Iterable[str], *, limit: int = LIMIT) -> None:
        self._state: dict[str, dict[str, Any]] = {section: {} for section in sections}
        self._log: deque[_Step] = deque()
        self._logged = 0
        self._limit = limit
        self._first = 0
        self.revision = 0
        """Of the present state."""

    def __repr__(self) -> str:
        return f"<Journal revision {self.revision}, {self._logged} changes kept>"

    def state(self, section: str) -> Mapping[str, Any]:
        """Return the values of a section; not to be changed."""
        return self._state[section]

    def advance(self, new: Mapping[str, Mapping[str, Any]]) -> None:
        """Make what is `new` the present state; a value of None means that there is none.

        Sections and keys that it does not name stay as they are. Values are structs of one type
        for each key, or whatever can be compared.
        """
        changes = {}
        for section, values in new.items():
            if changed := self._put(self._state[section], values):
                changes[section] = changed
        if changes:
            self.revision += 1
            self._note(changes)

    def since(self, revision: int) -> dict[str, Increment] | None:
        """Return what changed since a revision, in sections where anything did.

        None when the log does not reach back so far, or there was no such revision.
        """
        if not self._first <= revision <= self.revision:
            return None
        return {
            section: _increment(self._state[section], keys)
            for section, keys in self._named_since(revision).items()
        }

    def _named_since(self, revision: int) -> dict[str, dict[str, Fields]]:
        named: dict[str, dict[str, Fields]] = {}
        for step in reversed(self._log):
            if step.revision <= revision:
                break
            for section, keys in step.changes.items():
                _merge(named.setdefault(section, {}), keys)
        return named

    @staticmethod
    def _put(state: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Fields]:
        changed: dict[str, Fields] = {}
        for key, value in values.items():
            old = state.get(key)
            if old is value or old == value:
                continue
            if value is None:
                del state[key]
            else:
                state[key] = value
            changed[key] = _different(old, value)
        return changed

    def _note(self, changes: dict[str, dict[str, Fields]]) -> None:
        step = _Step(self.revision, changes, sum(map(len, changes.values())))
        self._log.append(step)
        self._logged += step.size
        while self._logged > self._limit:
            dropped = self._log.popleft()
            self._logged -= dropped.size
            self._first = dropped.revision


def _merge(named: dict[str, Fields], more: Mapping[str, Fields]) -> None:
    for key, fields in more.items():
        named[key] = _both(named[key], fields) if key in named else fields


def _both(ones: Fields, others: Fields) -> Fields:
    if ones is others:
        return ones
    if ones is None or others is None:
        return None
    return _one(tuple(dict.fromkeys((*ones, *others))))


def _increment(state: Mapping[str, Any], keys: Mapping[str, Fields]) -> Increment:
    return Increment(
        {key: _part(state[key], fields) for key, fields in keys.items() if key in state},
        [key for key in keys if key not in state],
    )


def _part(value: Any, fields: Fields) -> Any:
    return value if fields is None else {name: getattr(value, name) for name in fields}


def _different(old: Any, new: Any) -> Fields:
    if not isinstance(old, msgspec.Struct) or not isinstance(new, msgspec.Struct):
        return None
    before, after = msgspec.structs.astuple(old), msgspec.structs.astuple(new)
    names = new.__struct_fields__
    return _one(
        tuple(name for name, one, other in zip(names, before, after, strict=True) if one != other)
    )


@functools.lru_cache(maxsize=1024)
def _one(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object for equal names: thousands of torrents change in the same few fields."""
    return names
