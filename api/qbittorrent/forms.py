"""From the bytes of a request to `Parameters`: query strings, urlencoded and multipart bodies.

Sonarr sends a form as multipart as soon as one value is longer than 1024 bytes, so a magnet with
many trackers comes as multipart without any file. Bytes that are no UTF-8 become U+FFFD: nothing
a client sends may end in an error of ours.
"""

from collections.abc import Iterator

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from api.qbittorrent.parameters import BadParameter, Parameters, Upload
from api.qbittorrent.urlencoded import TooMany, pairs

MAX_FIELDS = 1000
"""Fields and files in one request: far more than any client sends."""


def parse(query: bytes, content_type: str, body: bytes) -> Parameters:
    """Return the parameters of a request; the body's win over the query's.

    A form without a content type is read as urlencoded. Raises BadParameter for a multipart body
    that is broken, for more than MAX_FIELDS fields, and for a body of another kind.
    """
    fields = _urlencoded(query)
    kind, options = parse_options_header(content_type)
    if kind == "multipart/form-data":
        parts = list(_multipart(body, options.get("boundary", "")))
        fields += [(part.field, _decode(part.content)) for part in parts if not _is_file(part)]
        return Parameters(fields, [part for part in parts if _is_file(part)])
    if kind in {"application/x-www-form-urlencoded", ""}:
        fields += _urlencoded(body)
    elif body:
        raise BadParameter("Bad Request")
    return Parameters(fields)


def _urlencoded(data: bytes) -> list[tuple[str, str]]:
    try:
        return pairs(data, MAX_FIELDS)
    except TooMany:
        raise BadParameter(f"More than {MAX_FIELDS} fields in one request.") from None


def _multipart(body: bytes, boundary: str) -> Iterator[Upload]:
    try:
        with PushMultipartParser(
            boundary, content_length=len(body), max_segment_count=MAX_FIELDS
        ) as parser:
            yield from _uploads(parser.parse(body))
    except MultipartError as error:
        raise BadParameter("The multipart form is broken or not complete.") from error


def _uploads(events: Iterator[MultipartSegment | bytes | None]) -> Iterator[Upload]:
    """Gather the parser's events: a segment, its bytes in chunks, and None at its end."""
    segment: MultipartSegment | None = None
    content = bytearray()
    for event in events:
        if isinstance(event, MultipartSegment):
            segment, content = event, bytearray()
        elif event:
            content += event
        elif segment is not None:
            yield Upload(segment.name or "", _filename(segment), bytes(content))


def _filename(segment: MultipartSegment) -> str:
    """Return the file name; `Upload` has one exactly when the part is a file.

    A .torrent without a file name is still no text: curl's `-F torrents=<x` sends such parts.
    """
    if segment.filename is not None:
        return segment.filename or "unnamed"
    return "unnamed" if segment.name == "torrents" else ""


def _is_file(part: Upload) -> bool:
    return bool(part.filename)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
