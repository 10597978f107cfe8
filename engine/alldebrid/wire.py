"""AllDebrid's answers: from bytes to structs, or to the ApiError that they mean. Pure.

Rules
    The body counts before the HTTP status: errors come with 200, and success with anything.
    No JSON, or JSON without `status`, is a failed request, whatever the HTTP status says.
    Errors also hide in the items of a successful answer; there they are raised as well, except in
    `trees`, where each torrent has its own.
"""

import msgspec

from engine.alldebrid import lenient, tree
from engine.alldebrid.errors import (
    DELAYED_FAILED,
    GARBLED,
    NO_FILES,
    NO_LINK,
    RATE_LIMITED,
    SERVER_TROUBLE,
    TABLE,
    ApiError,
    Treatment,
)
from engine.alldebrid.lenient import JsonObject
from engine.alldebrid.values import MagnetStatus, RemoteFile, Unlocked, Uploaded, User, Verdict

BUSY = frozenset({429, 503})
"""HTTP statuses with which AllDebrid and its CDN limit the rate."""

HASH_LENGTH = 40

_decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder()


class LinkOrWait(msgspec.Struct, frozen=True):
    """An unlocked link, or the id under which it will be ready (`delayed` is not 0 then)."""

    unlocked: Unlocked
    delayed: int = 0


class Confirmation(msgspec.Struct, frozen=True):
    """The state of the e-mail confirmation; `key` may be a new API key."""

    verdict: Verdict
    key: str = ""

    def __repr__(self) -> str:
        return f"Confirmation(verdict={self.verdict})"


class Change(msgspec.Struct, frozen=True):
    """What a status answer says about one torrent; UNSET is what it does not mention."""

    id: int
    name: str | msgspec.UnsetType = msgspec.UNSET
    size: int | msgspec.UnsetType = msgspec.UNSET
    hash: str | msgspec.UnsetType = msgspec.UNSET
    code: int | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    downloaded: int | msgspec.UnsetType = msgspec.UNSET
    speed: int | msgspec.UnsetType = msgspec.UNSET
    seeders: int | msgspec.UnsetType = msgspec.UNSET


class StatusAnswer(msgspec.Struct, frozen=True):
    """An answer to `magnet/status`."""

    changes: tuple[Change, ...]
    counter: int = 0
    """What to send next in live mode."""
    full: bool = False
    """True when `changes` is everything there is, not just what changed."""


def data_of(http_status: int, body: bytes, retry_after: float | None) -> JsonObject:
    """Return the `data` of a successful answer, or raise the ApiError that the answer means.

    `retry_after` is the answer's Retry-After in seconds.
    """
    try:
        envelope = lenient.mapping(_decoder.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        envelope = {}
    status = lenient.text(envelope.get("status"))
    if status == "success":
        return lenient.mapping(envelope.get("data"))
    if status == "error" or "error" in envelope:
        error = error_of(lenient.mapping(envelope.get("error")), retry_after)
        if http_status not in BUSY or error.code in TABLE:
            raise error
    raise ApiError(_code_of(http_status), f"HTTP {http_status}", retry_after=retry_after)


def error_of(value: JsonObject, retry_after: float | None = None) -> ApiError:
    """Return the ApiError that an `error` object means."""
    code = lenient.text(value.get("code")).strip() or "GENERIC"
    token = lenient.text(value.get("token")) if code == "AUTH_BLOCKED" else ""
    return ApiError(code, lenient.text(value.get("message")), retry_after=retry_after, token=token)


def uploaded(data: JsonObject, key: str, infohash: str) -> Uploaded:
    """Read the one torrent of an upload (`key` is "magnets" or "files"); its id may still be 0.

    `infohash` stands in where the answer has none. Raises the item's own error.
    """
    for item in lenient.objects(data.get(key), "id"):
        _raise_item_error(item)
        name = lenient.text(item.get("name"))
        return Uploaded(
            id=lenient.size(item.get("id")),
            hash=_infohash(item.get("hash")) or infohash.lower(),
            name="" if name == "noname" else name,
            size=lenient.size(item.get("size")),
            ready=lenient.flag(item.get("ready")),
        )
    raise ApiError(GARBLED, "the upload is missing from the answer")


def statuses(data: JsonObject) -> StatusAnswer:
    """Read a status answer of any shape; items without an id are left out."""
    items = lenient.objects(data.get("magnets"), "id")
    changes = tuple(change for change in map(_change, items) if change.id)
    counter = lenient.size(data.get("counter"))
    # Without a counter the server does not speak live mode: what it sends is all there is.
    return StatusAnswer(changes, counter, lenient.flag(data.get("fullsync")) or counter == 0)


def status_of(data: JsonObject, magnet_id: int) -> MagnetStatus:
    """Read the answer for one id. Raises the item's error, or MAGNET_INVALID_ID without the id."""
    items = list(lenient.objects(data.get("magnets"), "id"))
    for item in items:
        if "id" not in item or lenient.number(item["id"]) == magnet_id:
            _raise_item_error(item)
            return status_from(msgspec.structs.replace(_change(item), id=magnet_id))
    raise ApiError("MAGNET_INVALID_ID", "the id is missing from the answer")


def status_from(change: Change) -> MagnetStatus:
    """Return the status that all that is known of a torrent amounts to."""
    known = {
        name: value
        for name, value in msgspec.structs.asdict(change).items()
        if value is not msgspec.UNSET
    }
    return MagnetStatus(**known)


def trees(data: JsonObject, ids: list[int]) -> dict[int, list[RemoteFile] | ApiError]:
    """Read file trees: for each asked id its files, or its own error.

    An item's ACCOUNT error is raised: it concerns them all.
    """
    found: dict[int, list[RemoteFile] | ApiError] = {}
    for item in lenient.objects(data.get("magnets"), "id"):
        magnet_id = lenient.number(item.get("id"), ids[0] if len(ids) == 1 else 0)
        if "error" in item:
            error = error_of(lenient.mapping(item["error"]))
            if error.treatment is Treatment.ACCOUNT:
                raise error
            found[magnet_id] = error
        else:
            found[magnet_id] = tree.flatten(item.get("files"))
    missing = ApiError(NO_FILES, "the id is missing from the answer")
    return {magnet_id: found.get(magnet_id, missing) for magnet_id in ids}


def unlocked(data: JsonObject) -> LinkOrWait:
    """Read an unlocked link. Raises NO_LINK when there is neither a link nor one to wait for."""
    link = Unlocked(
        url=lenient.text(data.get("link")).strip(),
        filename=lenient.text(data.get("filename")),
        size=lenient.size(data.get("filesize")),
        max_connections=lenient.size(data.get("max_chunks")),
    )
    delayed = lenient.size(data.get("delayed"))
    if not link.url and not delayed:
        raise ApiError(NO_LINK)
    return LinkOrWait(link, 0 if link.url else delayed)


def delayed_link(data: JsonObject) -> str:
    """Read a delayed link: its URL, or "" while AllDebrid is at it. Raises DELAYED_FAILED."""
    state = lenient.number(data.get("status"))
    if state == _DELAYED_FAILED:
        raise ApiError(DELAYED_FAILED)
    link = lenient.text(data.get("link")).strip()
    if state == _DELAYED_READY and not link:
        raise ApiError(NO_LINK)
    return link


_DELAYED_READY = 2
_DELAYED_FAILED = 3


def user(data: JsonObject) -> User:
    """Read the account."""
    account = lenient.mapping(data.get("user"))
    return User(
        username=lenient.text(account.get("username")),
        premium=lenient.flag(account.get("isPremium")),
        trial=lenient.flag(account.get("isTrial")),
        premium_until=lenient.size(account.get("premiumUntil")),
    )


def confirmation(data: JsonObject) -> Confirmation:
    """Read the state of the e-mail confirmation; what is unknown counts as waiting."""
    word = lenient.text(data.get("verif"))
    verdict = Verdict(word) if word in {"allowed", "denied"} else Verdict.WAITING
    return Confirmation(verdict, lenient.text(data.get("apikey")).strip())


def done(data: JsonObject) -> None:
    """Read the answer of an order (`restart`, `delete`). Raises an item's error."""
    for item in lenient.objects(data.get("magnets"), "magnet"):
        _raise_item_error(item)


def _code_of(http_status: int) -> str:
    if http_status in BUSY:
        return RATE_LIMITED
    if http_status == 404:
        return "404"
    return GARBLED if http_status < 300 else SERVER_TROUBLE


def _raise_item_error(item: JsonObject) -> None:
    if item.get("error"):
        raise error_of(lenient.mapping(item["error"]))


def _infohash(value: object) -> str:
    infohash = lenient.text(value).lower()
    return infohash if len(infohash) == HASH_LENGTH else ""


def _change(item: JsonObject) -> Change:
    """Read what one item mentions; null counts as not mentioned."""
    values: dict[str, int | str] = {}
    for ours, theirs in _NUMBERS.items():
        if item.get(theirs) is not None:
            values[ours] = lenient.size(item[theirs])
    for ours, theirs in _TEXTS.items():
        if item.get(theirs) is not None:
            values[ours] = lenient.text(item[theirs])
    if "hash" in values:
        values["hash"] = str(values["hash"]).lower()
    return msgspec.convert({"id": lenient.size(item.get("id")), **values}, Change)


_NUMBERS = {
    "size": "size",
    "code": "statusCode",
    "downloaded": "downloaded",
    "speed": "downloadSpeed",
    "seeders": "seeders",
}
_TEXTS = {"name": "filename", "hash": "hash", "text": "status"}
