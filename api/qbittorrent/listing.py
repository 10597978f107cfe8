"""Which torrents torrents/info lists, and in what order. Pure but for `Answers`, which remembers.

As in qBittorrent 4.5: names of filters and categories are matched exactly and a filter that is
unknown lets all through; a field to sort by that there is not is an error, but not where nothing is
left to be sorted; `reverse` means nothing without a field. Torrents that are equal in the field
stay in the order of adding either way. `stopped` and `running` are what qBittorrent 5 calls
`paused` and `resumed`.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec

from api.qbittorrent.parameters import BadParameter, Parameters
from api.qbittorrent.shown import Item, Shown
from api.qbittorrent.wire import Torrent

_DOWNLOADING = frozenset(
    {"downloading", "forcedDL", "stalledDL", "checkingDL", "pausedDL", "queuedDL"}
)
_PAUSED = frozenset({"pausedDL", "pausedUP"})
_ACTIVE = frozenset({"downloading", "forcedDL", "moving"})
_CHECKING = frozenset({"checkingDL", "checkingUP"})
_STALLED = frozenset({"stalledDL"})
_NONE: frozenset[str] = frozenset()

_NAMED: dict[str, frozenset[str]] = {
    "downloading": _DOWNLOADING,
    "seeding": frozenset({"checkingUP"}),
    "completed": frozenset({"pausedUP", "checkingUP"}),
    "paused": _PAUSED,
    "stopped": _PAUSED,
    "active": _ACTIVE,
    "stalled": _STALLED,
    "stalled_downloading": _STALLED,
    "stalled_uploading": _NONE,
    "checking": _CHECKING,
    "moving": frozenset({"moving"}),
    "errored": frozenset({"error"}),
}
"""The states that a filter lets through, of those that we ever say."""

_EXCEPT: dict[str, frozenset[str]] = {
    "resumed": _PAUSED,
    "running": _PAUSED,
    "inactive": _ACTIVE,
}
"""The states that a filter holds back."""

_FIELDS = frozenset(Torrent.__struct_fields__)

REMEMBERED = 8
"""Answers that are kept: clients ask the same few questions again and again."""

REMEMBERED_BYTES = 8 * 1024 * 1024
"""Bytes of them all; about 6,000 torrents. A longer answer is put together every time."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants to have listed."""

    filter: str = ""
    category: str | None = None
    """None for any; empty for torrents without one."""
    tag: str | None = None
    """None for any; empty for torrents without one."""
    hashes: frozenset[str] | None = None
    """None for any."""
    sort: str = ""
    """A field of `Torrent`; empty leaves the order of adding."""
    reverse: bool = False
    limit: int = 0
    """0 or less for all."""
    offset: int = 0
    """Negative counts from the end."""


def question(parameters: Parameters) -> Question:
    """Read the parameters of torrents/info."""
    # Not `parameters.hashes`: there is no `all` here, it is a hash that no torrent has.
    hashes = frozenset(parameters.text("hashes").lower().split("|")) - {""}
    return Question(
        filter=parameters.text("filter"),
        category=parameters.get("category"),
        tag=parameters.get("tag"),
        hashes=hashes or None,
        sort=parameters.text("sort"),
        reverse=parameters.flag("reverse"),
        limit=parameters.whole("limit", 0),
        offset=parameters.whole("offset", 0),
    )


def listing(items: Iterable[Item], asked: Question) -> list[Item]:
    """Return what was asked for, in the order that was asked for. Raises BadParameter."""
    if asked.category is not None:
        items = _in_category(items, asked.category)
    listed = [item for item in items if _wanted(item, asked)]
    if asked.sort and listed:
        if asked.sort not in _FIELDS:
            raise BadParameter("'sort' parameter is invalid")
        listed.sort(key=lambda item: getattr(item.torrent, asked.sort), reverse=asked.reverse)
    return _page(listed, asked.limit, asked.offset)


class Answers:
    """The last answers to torrents/info, each for as long as it would be the same."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Question, bytes] = OrderedDict()
        self._version = -1
        self._size = 0

    def __repr__(self) -> str:
        return f"<Answers {len(self._answers)}, {self._size} bytes>"

    def answer(self, shown: Shown, asked: Question) -> bytes:
        """Return the JSON list that was asked for. Raises BadParameter."""
        if self._version != shown.version:
            self._version = shown.version
            self._answers.clear()
            self._size = 0
        if asked not in self._answers:
            answer = b"[%b]" % b",".join([one.json for one in listing(shown.items.values(), asked)])
            if len(answer) > REMEMBERED_BYTES:
                return answer
            self._remember(asked, answer)
        self._answers.move_to_end(asked)
        return self._answers[asked]

    def _remember(self, asked: Question, answer: bytes) -> None:
        self._answers[asked] = answer
        self._size += len(answer)
        while self._size > REMEMBERED_BYTES or len(self._answers) > REMEMBERED:
            _, dropped = self._answers.popitem(last=False)
            self._size -= len(dropped)


def _in_category(items: Iterable[Item], category: str) -> Iterator[Item]:
    """Find torrents as the category has them: one may belong to several."""
    for item in items:
        if item.view.record.category == category:
            yield item
        elif item.others:
            yield from (one for one in item.others if one.view.record.category == category)


def _wanted(item: Item, asked: Question) -> bool:
    record = item.view.record
    if asked.hashes is not None and record.hash not in asked.hashes:
        return False
    if asked.tag is not None and not _tagged(record.tags, asked.tag):
        return False
    return not asked.filter or _passes(item.torrent.state, asked.filter)


def _tagged(tags: tuple[str, ...], tag: str) -> bool:
    return tag in tags if tag else not tags


def _passes(state: str, name: str) -> bool:
    """Return whether the filter lets the state through; one that is unknown does."""
    if name in _NAMED:
        return state in _NAMED[name]
    return state not in _EXCEPT.get(name, _NONE)


def _page(listed: list[Item], limit: int, offset: int) -> list[Item]:
    """Cut out a page; an offset beyond either end counts as 0, as in qBittorrent."""
    start = len(listed) + offset if offset < 0 else offset
    if not 0 <= start < len(listed):
        start = 0
    return listed[start : start + limit] if limit > 0 else listed[start:]
