"""A store full of torrents, made without adding them one by one."""

import hashlib
import time
from functools import partial
from pathlib import Path

from engine.jobs.states import State
from engine.store import files, torrents
from engine.store.records import FileRecord, TorrentRecord
from engine.store.store import Connection, Store

AGE = 3600
"""Seconds between the additions of two torrents."""


def fill(database: Path, downloads: Path, count: int, *, unfinished: int) -> None:
    """Store `count` torrents of one file each; the first `unfinished` are still to be downloaded.

    Every second one was added as a magnet with a tracker, the others without anything.
    """
    store = Store(database)
    store.call(partial(_fill, downloads=downloads, count=count, unfinished=unfinished))
    store.close()


def _fill(db: Connection, *, downloads: Path, count: int, unfinished: int) -> None:
    now = int(time.time())
    for number in range(count):
        done = number >= unfinished
        infohash = hashlib.sha1(b"%d" % number).hexdigest()
        name, size = f"Some.Film.{number}.2160p.WEB-DL", (number + 1) << 20
        tracker = "&tr=http%3A%2F%2Ftracker.example.org%3A8080%2Fannounce"
        record = TorrentRecord(
            hash=infohash,
            name=name,
            state=State.COMPLETED if done else State.DOWNLOADING,
            category="movies",
            save_path=str(downloads / "complete" / "movies"),
            root=name,
            size=size,
            added_at=now - (number + 2) * AGE,
            completed_at=now - (number + 1) * AGE if done else 0,
            magnet=f"magnet:?xt=urn:btih:{infohash}{tracker}" if number % 2 else "",
            position=0 if done else number + 1,
        )
        torrents.save(db, record)
        file = FileRecord(
            torrent=infohash,
            index=0,
            path=f"{name}/film.mkv",
            size=size,
            flushed=size if done else 0,
            published=done,
        )
        files.replace(db, infohash, [file])
