"""What became of a release, as users see it: without the secrets that it came with."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from api.logs import MASKER, STARS
from arrpush.cover import Cover, plain
from arrpush.payload import utc
from engine.store.records import PushRecord

HIDDEN = frozenset({"downloadUrl", "magnetUrl", "infoUrl"})
"""Fields that are nothing but a secret."""


def brief(record: PushRecord) -> dict[str, Any]:
    """Return what is shown of a release among others."""
    return _brief(record, msgspec.json.decode(record.payload))


def several(records: Iterable[PushRecord]) -> list[dict[str, Any]]:
    """Return what is shown of releases together. Any thread may call."""
    return [brief(one) for one in records]


def whole(record: PushRecord) -> dict[str, Any]:
    """Return what is shown of one release: all there is, but for secrets."""
    payload = msgspec.json.decode(record.payload)
    return {
        **_brief(record, payload),
        "payload": {
            name: STARS if name in HIDDEN else _each(value, _masked)
            for name, value in payload.items()
        },
        "answer": _answer(record.answer, Cover(payload)),
    }


def _brief(record: PushRecord, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record.id,
        "target": record.target,
        "state": record.state,
        "title": _masked(record.title),
        "infohash": record.infohash,
        "indexer": _masked(payload.get("indexer", "")),
        "size": payload.get("size", 0),
        "accepted_at": _moment(record.accepted_at),
        "attempted_at": _moment(record.attempted_at),
        "grabbed_at": _moment(record.grabbed_at),
        "ended_at": _moment(record.ended_at),
        "attempts": record.attempts,
        "code": record.code,
        "said": _masked(Cover(payload).text(record.said)) if record.said else "",
        "payload_bytes": len(record.payload.encode()),
    }


def _answer(answer: str, cover: Cover) -> Any:
    """Return what a program said: decoded JSON, or a text."""

    def clean(text: str) -> str:
        return _masked(cover.text(text))

    try:
        return _each(msgspec.json.decode(answer), clean)
    except (ValueError, RecursionError):
        return clean(plain(answer))


def _each(value: Any, clean: Callable[[str], str]) -> Any:
    """Return decoded JSON with each of its texts cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_each(one, clean) for one in value]
    if isinstance(value, dict):
        return {clean(name): _each(one, clean) for name, one in value.items()}
    return value


def _moment(seconds: int) -> str | None:
    return utc(dt.datetime.fromtimestamp(seconds, dt.UTC)) if seconds else None


def _masked(text: str) -> str:
    # A lone surrogate has no place in JSON.
    return MASKER.mask(text.encode("utf-8", "replace").decode())
