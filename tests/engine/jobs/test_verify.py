"""Pieces that are checked while files come in any order, and some of them never."""

import asyncio
import hashlib
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.jobs.pieces import PieceMismatch
from engine.jobs.verify import Verifier
from engine.metainfo import MetaFile, Metainfo
from engine.store.records import FileRecord

PIECE = 8

sizes = st.lists(st.integers(0, 30), min_size=1, max_size=5).filter(any)


class Entry:
    """The files of a torrent as they stand."""

    def __init__(self, lengths: list[int]) -> None:
        self.files = [
            FileRecord(torrent="0" * 40, index=index, path=str(index), size=size)
            for index, size in enumerate(lengths)
        ]

    def file(self, index: int) -> FileRecord:
        return self.files[index]

    def change(self, index: int, **fields) -> None:
        self.files[index] = msgspec.structs.replace(self.files[index], **fields)


def torrent(bodies: list[bytes]) -> Metainfo:
    files, stream = [], b""
    for number, body in enumerate(bodies):
        files.append(
            MetaFile(path=(str(number),), size=len(body), padding=False, offset=len(stream))
        )
        stream += body
    starts = range(0, len(stream), PIECE)
    return Metainfo(
        infohash="0" * 40,
        name="n",
        files=tuple(files),
        single_file=False,
        size=len(stream),
        piece_length=PIECE,
        pieces=b"".join(hashlib.sha1(stream[at : at + PIECE]).digest() for at in starts),
        trackers=(),
        private=False,
    )


async def fetched(folder: Path, entry: Entry, verifier: Verifier, index: int, body: bytes) -> None:
    """Let a file come, a few bytes at a time, and be durable as it comes."""
    file = entry.file(index)
    observe = await verifier.before(file)
    with (folder / file.path).open("ab") as out:
        for at in range(file.flushed, len(body), 7):
            part = memoryview(body)[at : at + 7]
            observe(at, [part[:3], part[3:]])
            out.write(part)
    entry.change(index, flushed=len(body))
    await verifier.after()


async def mismatch_of(
    folder: Path, bodies: list[bytes], wrong: list[bytes], order: list[int], there: dict[int, int]
) -> int | None:
    """Return the piece that is found wrong when files come in an order, or None.

    `there` says how much of files is on disk before.
    """
    entry = Entry([len(body) for body in bodies])
    for index, length in there.items():
        (folder / str(index)).write_bytes(wrong[index][:length])
        entry.change(index, flushed=length)
    verifier = Verifier(folder, entry, torrent(bodies))
    try:
        for index in order:
            if entry.file(index).size > entry.file(index).flushed:
                await fetched(folder, entry, verifier, index, wrong[index])
    except PieceMismatch as mismatch:
        return mismatch.piece
    return None


@settings(max_examples=300)
@given(st.data(), sizes)
def test_what_is_wrong_is_found_as_soon_as_all_of_its_piece_is_there(data, lengths):
    stream = bytes(at % 251 for at in range(sum(lengths)))
    begins = [sum(lengths[:index]) for index in range(len(lengths))]
    bodies = [stream[at : at + size] for at, size in zip(begins, lengths, strict=True)]
    order = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True))
    spot = data.draw(st.integers(0, len(stream) - 1))
    spoilt = bytearray(stream)
    spoilt[spot] ^= 1
    wrong = [bytes(spoilt[at : at + size]) for at, size in zip(begins, lengths, strict=True)]
    piece = spot // PIECE
    touched = [
        index
        for index, (at, size) in enumerate(zip(begins, lengths, strict=True))
        if size and at < (piece + 1) * PIECE and at + size > piece * PIECE
    ]

    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(mismatch_of(Path(folder), bodies, wrong, order, {}))

    assert found == (piece if set(touched) <= set(order) else None)


@settings(max_examples=200)
@given(st.data(), sizes)
def test_what_is_right_is_never_held_to_be_wrong(data, lengths):
    stream = bytes(at % 251 for at in range(sum(lengths)))
    begins = [sum(lengths[:index]) for index in range(len(lengths))]
    bodies = [stream[at : at + size] for at, size in zip(begins, lengths, strict=True)]
    order = data.draw(st.permutations(range(len(lengths))))
    there = {
        index: data.draw(st.integers(0, size), label=f"there {index}")
        for index, size in enumerate(lengths)
    }

    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(mismatch_of(Path(folder), bodies, bodies, order, there))

    assert found is None


async def test_files_in_their_final_place_are_not_read(tmp_path):
    bodies = [b"a" * 12, b"b" * 12]
    entry = Entry([12, 12])
    entry.change(0, flushed=12, published=True)
    verifier = Verifier(tmp_path, entry, torrent(bodies))

    await fetched(tmp_path, entry, verifier, 1, bodies[1])

    assert (tmp_path / "1").read_bytes() == bodies[1]
