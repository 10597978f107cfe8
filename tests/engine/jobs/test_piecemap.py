"""Which pieces are shown as there, compared with what the bytes say."""

from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.piecemap import DOWNLOADING, MISSING, ON_DISK, piece_states
from engine.store.records import FileRecord

sizes = st.lists(st.integers(0, 30), min_size=1, max_size=6)


def records(spans: list[tuple[int, int]]) -> list[FileRecord]:
    return [
        FileRecord(torrent="0" * 40, index=index, path=str(index), size=size, flushed=flushed)
        for index, (size, flushed) in enumerate(spans)
    ]


@given(st.data(), sizes, st.integers(1, 16), st.booleans())
def test_a_piece_is_there_when_all_its_bytes_are(data, lengths, piece, padded):
    flushed = [data.draw(st.integers(0, size)) for size in lengths]
    offsets, at, missing = [], 0, set()
    for size, there in zip(lengths, flushed, strict=True):
        at += data.draw(st.integers(0, 20)) if padded else 0
        offsets.append(at)
        missing |= {byte // piece for byte in range(at + there, at + size)}
        at += size
    pieces = -(-at // piece)

    states = piece_states(
        records(list(zip(lengths, flushed, strict=True))),
        offsets if padded else (),
        piece_length=piece,
        pieces=pieces,
    )

    expected = [MISSING if one in missing else ON_DISK for one in range(pieces)]
    assert states == expected


def test_the_piece_that_is_being_downloaded_is_the_first_that_is_missing_of_its_file():
    files = records([(25, 25), (30, 12), (20, 0)])
    shown = piece_states(files, (), piece_length=10, pieces=8, downloading=1)
    assert shown == [ON_DISK] * 3 + [DOWNLOADING] + [MISSING] * 4
    assert DOWNLOADING not in piece_states(files, (), piece_length=10, pieces=8, downloading=0)
