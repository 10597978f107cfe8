"""What a Sonarr or a Radarr refuses of a pushed release before it judges it. Pure.

What reads the JSON refuses with one object, what checks the release and what parses its title with
a list. Names of fields are read whatever their case.
"""

import re
from collections.abc import Iterator
from typing import Any

_PARSEABLE = re.compile(r"S\d+(E\d+)?|\b\d{4}\b", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TEXTS = (
    *("title", "downloadUrl", "magnetUrl", "indexer", "infoUrl", "commentUrl", "infoHash"),
    *("guid", "downloadClient"),
)
_NUMBERS = (
    *("size", "indexerId", "downloadClientId", "seeders", "leechers", "indexerFlags"),
    *("tvdbId", "tvRageId", "tmdbId"),
)
_PROTOCOLS = {"torrent", "usenet", "unknown", "1", "2"}


def fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as the program names them."""
    return {name[:1].lower() + name[1:]: value for name, value in body.items()}


def wrong_types(body: Any, *, radarr: bool) -> dict[str, list[str]]:
    """What is refused when the JSON is read, by its path."""
    if not isinstance(body, dict):
        return {"": ["A non-empty request body is required."]}
    texts, numbers = (_TEXTS, (*_NUMBERS, "imdbId")) if radarr else ((*_TEXTS, "imdbId"), _NUMBERS)
    wrong = [
        *(name for name in texts if not isinstance(body.get(name, ""), str | None)),
        *(name for name in numbers if not _is_number(body.get(name, 0))),
    ]
    if str(body.get("protocol", "unknown")).lower() not in _PROTOCOLS:
        wrong.append("protocol")
    if not _DATE.fullmatch(str(body.get("publishDate", "2026-01-01T00:00:00Z"))):
        wrong.append("publishDate")
    text = "The JSON value could not be converted. Path: $.{0} | LineNumber: 0."
    return {f"$.{name}": [text.format(name)] for name in wrong}


def failures(release: dict[str, Any]) -> list[dict[str, Any]]:
    """What is refused of a release whose JSON could be read."""
    found = list(_invalid(release))
    if not found and not _PARSEABLE.search(release["title"]):
        found = [_failure("Title", "Unable to parse", release["title"])]
    return found


def problem(errors: dict[str, list[str]]) -> dict[str, Any]:
    """The object that JSON is refused with."""
    title = "One or more validation errors occurred."
    return {"type": "rfc9110", "title": title, "status": 400, "traceId": "00-1", "errors": errors}


def judged(
    release: dict[str, Any], rejections: list[str], *, temporarily: bool
) -> list[dict[str, Any]]:
    """The answer to a release that was understood, whatever became of it."""
    return [
        {
            "guid": f"PUSH-{release.get('downloadUrl', '')}",
            "title": release["title"],
            "indexer": release.get("indexer", ""),
            "indexerId": 0,
            "approved": not rejections,
            "temporarilyRejected": bool(rejections) and temporarily,
            "rejected": bool(rejections) and not temporarily,
            "rejections": rejections,
            "downloadAllowed": True,
        }
    ]


def _invalid(release: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not release.get("title"):
        yield _failure("Title", "'Title' must not be empty.", "", "NotEmptyValidator")
    if not release.get("downloadUrl") and not release.get("magnetUrl"):
        for name in ("DownloadUrl", "MagnetUrl"):
            yield _failure(name, f"'{name}' must not be empty.", "", "NotEmptyValidator")
    if str(release.get("protocol", "unknown")).lower() == "unknown":
        yield _failure("Protocol", "'Protocol' must not be empty.", 0, "NotEmptyValidator")
    if not release.get("publishDate"):
        yield _failure("PublishDate", "'Publish Date' must not be empty.", "", "NotEmptyValidator")


def _failure(name: str, message: str, value: Any, code: str = "") -> dict[str, Any]:
    said = {"propertyName": name, "errorMessage": message, "attemptedValue": value}
    return said | {"severity": "error"} | ({"errorCode": code} if code else {})


def _is_number(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
