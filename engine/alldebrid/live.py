"""AllDebrid's live mode: keeping the list of torrents from answers that hold only what changed.

Theory
    A client picks a number, the session, and sends the counter of the last answer it saw. The
    server answers with what changed since then. A counter the server does not expect (an answer
    was lost, the session is forgotten) makes it send everything again.

Rules
    A change is merged into what was known of the torrent, never put in its place: a change with
    just a speed would otherwise wipe the name, the size and the status.
    A full answer replaces everything: what it lacks is no longer there. How a deleted torrent
    shows in changes is not documented, so only full answers remove.

Guarantee
    However a series of changes is cut into answers, the result is what a full answer would say.
"""

from collections.abc import Mapping

import msgspec

from engine.alldebrid.values import MagnetStatus
from engine.alldebrid.wire import Change, StatusAnswer, status_from


class Live(msgspec.Struct, frozen=True):
    """What is known of all torrents, and where the conversation with the server stands."""

    session: int
    counter: int = 0
    known: Mapping[int, Change] = {}
    lost: bool = False
    """True when a change came for a torrent we know too little of: ask for everything."""

    def statuses(self) -> dict[int, MagnetStatus]:
        """Return the status of each torrent, by id."""
        return {magnet_id: status_from(change) for magnet_id, change in self.known.items()}


def apply(live: Live, answer: StatusAnswer) -> Live:
    """Return what is known after an answer."""
    # The first answer of a session is everything, even from a server that does not say so.
    full = answer.full or live.counter == 0
    known = {} if full else dict(live.known)
    lost = False
    for change in answer.changes:
        old = known.get(change.id)
        known[change.id] = merge(old, change) if old else change
        lost = lost or (old is None and change.code is msgspec.UNSET)
    return Live(live.session, answer.counter, known, lost and not full)


def merge(old: Change, change: Change) -> Change:
    """Return `old` with all that `change` mentions put over it."""
    mentioned = {
        name: value
        for name, value in msgspec.structs.asdict(change).items()
        if value is not msgspec.UNSET
    }
    return msgspec.structs.replace(old, **mentioned)
