"""The contents of the files that the .torrent files beside this were made from.

`python -m tests.data.torrents.contents FOLDER` writes them below FOLDER.
"""

import hashlib
import sys
from pathlib import Path

SINGLE = "The.Sample.S01E01.1080p.WEB.H264-GROUP.mkv"
NESTED = "Nested.Release.2024-GROUP"
UNICODE = "Les Misérables \N{EN DASH} 悲惨世界"

SIZES = {
    SINGLE: 150_001,
    f"{NESTED}/CD1/track.bin": 40_000,
    f"{NESTED}/CD2/track.bin": 40_000,
    f"{NESTED}/CD2/extra/track.bin": 32_768,
    f"{NESTED}/CD2/extra/empty.txt": 0,
    f"{NESTED}/info.nfo": 77,
    f"{UNICODE}/Épisode ①.mkv": 70_000,
    f"{UNICODE}/日本語/字幕.srt": 1_234,
    f"{UNICODE}/ночь.txt": 5,
}
"""Bytes of each file, by relative path."""


def content(path: str) -> bytes:
    """Return the bytes of a file: a stream of SHA-256 over its path and a counter."""
    blocks = range(-(-SIZES[path] // 32))
    stream = b"".join(hashlib.sha256(f"{path} {block}".encode()).digest() for block in blocks)
    return stream[: SIZES[path]]


def write_all(folder: Path) -> None:
    """Write every file below `folder`."""
    for path in SIZES:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content(path))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
