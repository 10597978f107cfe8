"""How torrents ended, kept with the moves of the ledger for whoever wants to know.

Theory
    An ending is stored in the transaction of the move that ended the torrent, and deleted in that
    of the move that lets it go on, so what is stored always fits the torrents. Only torrents that
    have an ending, or had one, cost anything; when nobody wants to know, none is kept.

    Each step of the ledger gets a `Change` to take along: `store` within its transaction, `show`
    when that is committed.
"""

from collections.abc import Callable

from engine.jobs.states import State
from engine.store import endings
from engine.store.records import EndingRecord
from engine.store.store import Connection


def ending_of(infohash: str, target: State, at: float, *, bad_release: bool) -> EndingRecord | None:
    """Return what a move to `target` at Unix time `at` ends the torrent with, if it does."""
    if bad_release or target is State.COMPLETED:
        return EndingRecord(torrent=infohash, failed=bad_release, at=int(at))
    return None


class Change:
    """What a step of the ledger changes about endings."""

    def __init__(self, work: Callable[[Connection], None], shown: Callable[[], None]) -> None:
        self.store = work
        """Part of the step's transaction."""
        self.show = shown
        """To be called when that is committed."""


def _no_work(_: Connection) -> None:
    """Store nothing."""


NOTHING = Change(_no_work, lambda: None)


class Endings:
    """Knows which torrents have ended; `heard` is told of every change. The loop's thread only."""

    def __init__(self, heard: Callable[[], None] | None) -> None:
        self._heard = heard
        self._known: set[str] = set()
        """Torrents of which an ending is stored, or was."""

    def __repr__(self) -> str:
        return f"<Endings of {len(self._known)} torrents>"

    def load(self, db: Connection) -> None:
        """Read which torrents have ended; a work. If nobody wants to know, none has."""
        if self._heard is None:
            endings.delete_all(db)
        self._known = {ending.torrent for ending in endings.load_all(db)}

    def moves(self, infohash: str, ending: EndingRecord | None = None) -> Change:
        """Return what changes with a torrent's move, which ends it or lets it go on."""
        ending = ending if self._heard else None
        goes_on = infohash in self._known
        if ending is None and not goes_on:
            return NOTHING

        def work(db: Connection) -> None:
            if goes_on:
                endings.forget(db, infohash)
            if ending is not None:
                endings.save(db, ending)

        return Change(work, lambda: self._tell(infohash))

    def deleted(self, infohash: str) -> Change:
        """Return what changes when a torrent is deleted."""
        if infohash not in self._known:
            return NOTHING
        return Change(lambda db: endings.deleted(db, infohash), lambda: self._tell(infohash))

    def _tell(self, infohash: str) -> None:
        self._known.add(infohash)
        if self._heard is not None:
            self._heard()
