"""The resume record of `get`: what of an unfinished file can be trusted.

Format
    `FILE.part.resume` beside `FILE.part` is one JSON object:

    format         1
    source         SHA-256 (hex) of the URL without its query: where the bytes came from. A hash,
                   because links are secrets and this file is not.
    size           bytes of the whole file
    flushed        bytes from the start of FILE.part that survive a power cut
    etag           strong ETag of the file, "" when the server gives none
    last_modified  Last-Modified of the file, word for word, or ""

Rules
    The record is replaced as a whole (written beside, synced, renamed, folder synced), and only
    after the bytes it speaks of are synced, so it is true at any moment.
    A record that cannot be read, or that is about another file, counts for nothing.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine.transfer import disk
from engine.transfer.urls import Url

RECORD_BYTES = 64 << 10
"""A record has a few hundred bytes; whatever is longer is no record."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of an unfinished file is on disk; see the module's format."""

    format: Literal[1] = 1
    source: str
    size: Count
    flushed: Count
    etag: str
    last_modified: str


class BadRecord(Exception):
    """What is there cannot be gone on with; the message says why, in a few words."""


def source_of(url: Url) -> str:
    """Return what identifies the file at a URL: the query often holds a token that changes."""
    place = url.origin + url.target.partition("?")[0]
    return hashlib.sha256(place.encode()).hexdigest()


def load(part: Path, source: str) -> Record | None:
    """Return the record of the unfinished file `part`; None when there is nothing of it.

    Raises BadRecord when something is there that does not go with `source`, DiskTrouble when the
    disk does not let us look.
    """
    with disk.translated(f"cannot read {record_path(part)}"):
        length = part.stat().st_size if part.exists() else 0
        data = _read(record_path(part))
    if data is None:
        if length:
            raise BadRecord("nothing tells which of its bytes are good")
        return None
    try:
        record = msgspec.json.decode(data, type=Record)
    except msgspec.DecodeError:
        raise BadRecord("its resume record is damaged") from None
    if record.source != source:
        raise BadRecord("it comes from another address")
    if record.flushed > record.size or record.flushed > length:
        raise BadRecord("it is shorter than its resume record says")
    return record


def save(part: Path, record: Record) -> None:
    """Put `record` beside `part`, so that it survives a power cut. Raises DiskFull, DiskTrouble."""
    path = record_path(part)
    beside = path.with_name(f"{path.name}.new")
    with disk.translated(f"cannot write {path}"):
        try:
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(record))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            disk.sync_folder(path.parent)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise


def forget(part: Path) -> None:
    """Remove the record, so that it survives a power cut. Raises DiskTrouble."""
    path = record_path(part)
    with disk.translated(f"cannot remove {path}"):
        path.unlink(missing_ok=True)
        disk.sync_folder(path.parent)


def record_path(part: Path) -> Path:
    """Return where the record of an unfinished file is."""
    return part.with_name(f"{part.name}.resume")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(RECORD_BYTES)
    except FileNotFoundError:
        return None
