"""What a torrent may do only so often before it has failed, counted from its history.

The counts are read from the torrent's events, so a restart does not refill them. They begin anew
when somebody asks (after adding, resuming or rechecking) and under another account.

The detail of such an event begins with what it was done to, up to a colon: "piece 12: ...".
"""

from collections import Counter
from collections.abc import Iterable

from engine.store.records import EventRecord

TORRENT = "torrent"
"""What is done to the torrent as a whole is done to this."""

REFILLED_BY = frozenset({"added", "added_again", "resumed", "rechecked", "account_changed"})


class Allowance:
    """How often each thing was done again, by kind of event and what it was done to."""

    def __init__(self, events: Iterable[EventRecord] = ()) -> None:
        self._spent: Counter[tuple[str, str]] = Counter()
        for event in events:
            if event.kind in REFILLED_BY:
                self._spent.clear()
            else:
                self._spent[event.kind, event.detail.partition(":")[0]] += 1

    def __repr__(self) -> str:
        return f"<Allowance {dict(self._spent)}>"

    def spend(self, kind: str, about: str = TORRENT) -> bool:
        """Do it once: True the first time, False from the second on.

        Who gets True records the event, with a detail from `detail_of`.
        """
        self._spent[kind, about] += 1
        return self._spent[kind, about] == 1


def detail_of(sentence: str, about: str = TORRENT) -> str:
    """Return the detail of an event that is counted; `about` holds no colon."""
    return f"{about}: {sentence}"
