"""A process that accepts releases and reports each one once it has been told that it is accepted.

python -m tests.arrpush.acceptor DATABASE FIRST

Releases come in bursts, each of them twice at once, and every third one with its .torrent.
"""

import asyncio
import contextlib
import itertools
import sys
import time
from pathlib import Path

import bencodepy

from arrpush.accepting import Desk, Offer
from arrpush.payload import Release, Target
from engine.metainfo import parse_torrent
from engine.store.store import Store

BURST = 7
PIECES = 200
"""Of 16 KiB; 4 KB of hashes with every third release: some hundreds of them make the WAL long
enough for a checkpoint."""


def torrent(number: int, passkey: str = "marked-passkey") -> bytes:
    """Return the .torrent of a release."""
    return bencodepy.encode(
        {
            b"announce": f"http://tracker.invalid/{passkey}".encode(),
            b"info": {
                b"length": PIECES * 16384,
                b"name": f"Inside.{number}".encode(),
                b"piece length": 16384,
                b"pieces": b"p" * 20 * PIECES,
            },
        }
    )


def name(number: int) -> str:
    return f"Show.S01E{number:05}.1080p.WEB.H264-GRP"


def offer(number: int) -> Offer:
    """Return a release that is always the same for a number."""
    if number % 3:
        release = Release(name=name(number), infohash=f"{number + 1:040x}")
        return Offer(release=release, target=Target.SONARR)
    data = torrent(number)
    release = Release(name=name(number), torrent=parse_torrent(data))
    return Offer(release=release, target=Target.SONARR, torrent=data)


async def report(desk: Desk, number: int) -> None:
    taken = await desk.accept(offer(number))
    sys.stdout.write(f"{number} {taken.push.id}\n")
    sys.stdout.flush()


async def main(path: Path, first: int) -> None:
    with contextlib.closing(Store(path)) as store:
        desk = Desk(store, time.time)
        for start in itertools.count(first, BURST):
            burst = range(start, start + BURST)
            await asyncio.gather(*(report(desk, number) for number in [*burst, *burst]))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
