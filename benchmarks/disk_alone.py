"""What the disk takes from one writer while nothing is received: the ceiling of every download.

    python -m benchmarks.disk_alone FILE BYTES

The calls are the engine's own (`engine.transfer.disk`): room reserved, direct writes as long as the
engine's usual one, one after the other, all of it synced at the end.
"""

import mmap
import sys
from pathlib import Path

from engine.transfer.disk import PartFile
from engine.transfer.ring import BLOCK
from engine.transfer.writer import USUAL_WRITE


def main() -> int:
    """Write the file, whose name and size are the arguments."""
    name, size = sys.argv[1:]
    write(Path(name), int(size))
    return 0


def write(path: Path, size: int) -> None:
    """Write `size` bytes from memory to a new file at `path`."""
    memory = memoryview(mmap.mmap(-1, USUAL_WRITE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    for at in range(0, USUAL_WRITE, mmap.PAGESIZE):
        memory[at] = 1  # or all would be the one page of zeros
    with PartFile(path) as part:
        part.reserve(size)
        for start in range(0, size, USUAL_WRITE):
            end = min(USUAL_WRITE, size - start)
            views = [memory[at : min(at + BLOCK, end)] for at in range(0, end, BLOCK)]
            part.write(start, views)
        part.finish(size)


if __name__ == "__main__":
    sys.exit(main())
