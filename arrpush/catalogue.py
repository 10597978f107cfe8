"""Which torrent is meant by the name of a release: what was pushed, grabbed and downloaded before.

A release that is announced without its infohash is looked up by name. The name must be alike
(`arrpush.similar`): one episode, season, year or resolution never stands for another. Of several
that are equally alike the most recent one counts.

Only names with the same tokens up to their last number can be alike, so only those are read: of all
the films of one year in one resolution and codec, those with the title that is meant.

Every function takes the store's connection and runs inside a work (`Store.submit`).
"""

from arrpush import similar
from engine.store import releases
from engine.store.records import ReleaseRecord
from engine.store.store import Connection

LONGEST_NAME = similar.LONGEST


def learn(db: Connection, name: str, infohash: str, now: float, *, size: int = 0) -> None:
    """Remember that a release of this name is this torrent."""
    if not infohash or not 0 < len(name) <= LONGEST_NAME or name.lower() == infohash:
        return
    releases.save(
        db,
        ReleaseRecord(
            name=name, infohash=infohash, start=_start(name), size=size, seen_at=int(now)
        ),
    )


def infohash_of(db: Connection, name: str) -> str:
    """Return the infohash of the release that this name means, "" when none is like it."""
    if not name or len(name) > LONGEST_NAME:
        return ""
    known = releases.candidates(db, _start(name))
    return similar.find(name, ((one.name, one.infohash) for one in known)) or ""


def _start(name: str) -> str:
    """Return the tokens of a name up to its last number, all of them where it has none."""
    tokens = similar.tokens(name)
    numbers = (place for place, token in enumerate(tokens, 1) if token.isdigit())
    return " ".join(tokens[: max(numbers, default=len(tokens))])
