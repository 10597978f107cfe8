"""What sync/maindata tells: everything, or what has changed since the client asked last.

The torrents come from `shown`, changes are kept by `journal`, and `numbers` knows what a client
has been told. Categories and torrents change by fields, trackers and tags as a whole.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from api.qbittorrent.journal import Increment, Journal
from api.qbittorrent.numbers import Numbers
from api.qbittorrent.shown import HEAD, Item, Shown
from api.qbittorrent.texts import tracker_host
from api.qbittorrent.wire import Category, ServerState, Torrent

TORRENTS, CATEGORIES, TAGS = "torrents", "categories", "tags"
TRACKERS, SERVER_STATE = "trackers", "server_state"

_encode = msgspec.json.Encoder().encode


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What there is besides torrents."""

    categories: Mapping[str, Category]
    tags: Iterable[str]
    server_state: ServerState


class MainData:
    """The state that clients follow. Used on the event loop's thread only."""

    def __init__(self) -> None:
        self._journal = Journal([TORRENTS, CATEGORIES, TAGS, TRACKERS, SERVER_STATE])
        self._trackers = _Trackers()

    def __repr__(self) -> str:
        return f"<MainData {self._journal!r}>"

    def answer(self, shown: Shown, around: Around, numbers: Numbers, known: int) -> bytes:
        """Return the JSON for a client that names `known` as the last answer it has."""
        self._advance(shown, around)
        revision = numbers.revision(known) if known > 0 else None
        changes = None if revision is None else self._journal.since(revision)
        number = numbers.following(self._journal.revision)
        if changes is None:
            return self._everything(number, shown)
        return _encode({"rid": number} | _told(changes))

    def _advance(self, shown: Shown, around: Around) -> None:
        changed = shown.changed()
        items = {infohash: shown.items.get(infohash) for infohash in changed}
        torrents = {infohash: item and item.torrent for infohash, item in items.items()}
        self._journal.advance(
            {
                TORRENTS: torrents,
                TRACKERS: self._trackers.take(items),
                CATEGORIES: self._all(CATEGORIES, around.categories),
                TAGS: self._all(TAGS, dict.fromkeys(around.tags, True)),
                SERVER_STATE: msgspec.structs.asdict(around.server_state),
            }
        )

    def _all(self, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a section of which every key is known, for `Journal.advance`."""
        return dict.fromkeys(self._journal.state(section)) | dict(values)

    def _everything(self, number: int, shown: Shown) -> bytes:
        """Put the whole state together; the torrents are JSON already."""
        state = self._journal.state
        rest = _encode(
            {
                "rid": number,
                "full_update": True,
                CATEGORIES: state(CATEGORIES),
                TAGS: list(state(TAGS)),
                TRACKERS: state(TRACKERS),
                SERVER_STATE: state(SERVER_STATE),
            }
        )
        torrents = b",".join([item.member for item in shown.items.values()])
        return b'{"torrents":{%b},%b' % (torrents, rest[1:])


def _told(changes: Mapping[str, Increment]) -> dict[str, Any]:
    """Return increments under the names that qBittorrent has for them."""
    told: dict[str, Any] = {}
    for section, increment in changes.items():
        if increment.changed:
            told[section] = _values(section, increment.changed)
        if increment.removed:
            told[f"{section}_removed"] = increment.removed
    return told


def _values(section: str, changed: dict[str, Any]) -> Any:
    if section == TAGS:
        return sorted(changed)
    if section == TORRENTS:
        return {infohash: _without_hash(value) for infohash, value in changed.items()}
    if section == CATEGORIES:
        return {name: _category_fields(value) for name, value in changed.items()}
    return changed


def _without_hash(value: Any) -> Any:
    """Leave out what the key says already."""
    if isinstance(value, Torrent):
        return msgspec.Raw(b"{" + _encode(value)[HEAD:])
    return value


def _category_fields(value: Any) -> Any:
    if isinstance(value, Category):
        return value
    return {_SPELLED[name]: text for name, text in value.items()}


_SPELLED = dict(zip(Category.__struct_fields__, Category.__struct_encode_fields__, strict=True))


class _Trackers:
    """Infohashes by tracker, of torrents in the order in which they came."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, dict[str, None]] = {}

    def take(self, items: Mapping[str, Item | None]) -> dict[str, list[str] | None]:
        """Take over torrents that came, changed or went; return the trackers that changed."""
        touched: set[str] = set()
        for infohash, item in items.items():
            old, new = self._of.pop(infohash, ()), _hosts(item)
            if new:
                self._of[infohash] = new
            if old == new:
                continue
            touched.update(old, new)
            for host in old:
                self._members[host].pop(infohash, None)
            for host in new:
                self._members.setdefault(host, {})[infohash] = None
        changed = {host: list(self._members[host]) or None for host in sorted(touched)}
        for host, members in changed.items():
            if members is None:
                del self._members[host]
        return changed


def _hosts(item: Item | None) -> tuple[str, ...]:
    """Return the trackers of a torrent as they are shown, each once."""
    if item is None:
        return ()
    return tuple(filter(None, dict.fromkeys(map(tracker_host, item.view.trackers))))
