"""Bencoding, as far as the suite needs it to make its own torrents."""

import hashlib

PIECE = 16 * 1024
"""Bytes of a piece: the smallest there is, so that small files have several."""

TRACKER = "http://127.0.0.1:9/announce"
"""The discard port, where nobody listens."""


def bencoded(value: int | str | bytes | list | dict) -> bytes:
    """Return a value as bencoding."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        return bencoded(value.encode())
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencoded, value)) + b"e"
    pairs = sorted((key.encode(), inner) for key, inner in value.items())
    return b"d" + b"".join(bencoded(key) + bencoded(inner) for key, inner in pairs) + b"e"


def info_of(name: str, files: dict[str, bytes]) -> dict:
    """Return a torrent's info dictionary; files by path below its folder, or one named as it."""
    data = b"".join(files.values())
    pieces = b"".join(
        hashlib.sha1(data[at : at + PIECE]).digest() for at in range(0, len(data), PIECE)
    )
    info: dict = {"name": name, "piece length": PIECE, "pieces": pieces}
    if list(files) == [name]:
        return {**info, "length": len(data)}
    listed = [{"length": len(part), "path": path.split("/")} for path, part in files.items()]
    return {**info, "files": listed}
