"""A process that commits numbers one after the other and reports each one once it is committed.

python -m tests.engine.store.committer DATABASE FIRST
"""

import itertools
import sys
from pathlib import Path

from engine.store import torrents
from engine.store.store import Store
from tests.engine.store.samples import infohash, torrent

BLOB = bytes(range(256)) * 40
"""10 KiB with each commit: a few hundred make the WAL long enough for a checkpoint."""


def main(path: Path, first: int) -> None:
    store = Store(path)
    for number in itertools.count(first):

        def work(db, number=number):
            torrents.save(db, torrent(number))
            torrents.save_metainfo(db, infohash(number), BLOB)

        store.call(work)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
