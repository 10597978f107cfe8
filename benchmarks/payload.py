"""The file that every server serves, and whether what came is that file.

It is a pattern whose period is a prime a little above 1 MiB (`tests.fakes.content`): a block in the
wrong place never goes unnoticed, and a file is compared byte by byte as fast as it is read.
"""

import os
import time
from pathlib import Path

from tests.fakes.content import PERIOD, Pattern


def make_file(path: Path, size: int) -> None:
    """Write the file of `size` bytes."""
    with path.open("wb") as file:
        for view in Pattern(size).views(0, size):
            file.write(view)


def difference(path: Path, size: int) -> str:
    """Return what is wrong with a file, or "" when it is the one that was served."""
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return "there is no file"
    if found != size:
        return f"{found} bytes instead of {size}"
    block = bytes(next(Pattern(2 * PERIOD).views(0, PERIOD)))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for at in range(0, size, PERIOD):
            if os.pread(descriptor, PERIOD, at) != block[: size - at]:
                return f"wrong bytes between {at} and {at + PERIOD}"
    finally:
        os.close(descriptor)
    return ""


def settle(path: Path) -> float:
    """Write out what the cache holds of a file; return the seconds that took."""
    began = time.monotonic()
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0.0
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return time.monotonic() - began
