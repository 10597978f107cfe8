"""What a request carries: form fields or one file, and how they go over the wire."""

import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

Form = list[tuple[str, str]]
"""Names and values; a name may come several times (`id[]`)."""


class FilePart(msgspec.Struct, frozen=True):
    """A file to be sent in a multipart form."""

    field: str
    filename: str
    """ASCII without quotes."""
    content: bytes
    content_type: str


class Encoded(msgspec.Struct, frozen=True):
    """A body and what its Content-Type header says."""

    content: bytes
    content_type: str

    def __repr__(self) -> str:
        return f"Encoded(bytes={len(self.content)}, content_type={self.content_type!r})"


def encoded(body: Form | FilePart) -> Encoded:
    """Return a form as `application/x-www-form-urlencoded`, a file as `multipart/form-data`."""
    if isinstance(body, FilePart):
        return multipart([], body)
    return Encoded(urlencode(body).encode(), "application/x-www-form-urlencoded")


def multipart(fields: Sequence[tuple[str, str]], file: FilePart) -> Encoded:
    """Return a file after form fields as `multipart/form-data` (RFC 7578).

    The names of fields stand in quotes in a header line: they are ours, ASCII without quotes.
    """
    # 128 random bits: nobody can build a file that holds the boundary.
    boundary = secrets.token_hex(16)
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields]
    named = f'name="{file.field}"; filename="{file.filename}"'
    described = f"{named}\r\nContent-Type: {file.content_type}"
    parts.append(_part(boundary, described, file.content))
    content = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return Encoded(content, f"multipart/form-data; boundary={boundary}")


def _part(boundary: str, described: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {described}\r\n\r\n"
    return b"".join([head.encode(), content, b"\r\n"])
