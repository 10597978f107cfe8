import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.pieces import PieceChecker, PieceMismatch, pieces_of
from engine.metainfo import MetaFile, Metainfo, parse_torrent
from tests.data.torrents.contents import content

TORRENTS = Path(__file__).parents[2] / "data" / "torrents"
P = "padding"


def torrent(piece_length, *files):
    """A Metainfo of files (bytes, or P and a size), and the bytes of each file."""
    entries, contents, stream = [], [], b""
    for number, file in enumerate(files):
        padding = isinstance(file, tuple)
        body = bytes(file[1]) if padding else file
        entries.append(MetaFile((str(number),), len(body), padding, len(stream)))
        contents.append(body)
        stream += body
    starts = range(0, len(stream), piece_length)
    hashes = [hashlib.sha1(stream[at : at + piece_length]).digest() for at in starts]
    size = sum(entry.size for entry in entries if not entry.padding)
    meta = Metainfo(
        "0" * 40, "n", tuple(entries), False, size, piece_length, b"".join(hashes), (), False
    )
    return meta, contents


def feed_all(checker, meta, contents, start=(0, 0), chunk=1 << 20):
    """Feed everything from (file, offset) on, in views of `chunk` bytes."""
    first, begin = start
    for index in range(first, len(meta.files)):
        if meta.files[index].padding:
            continue
        body = memoryview(contents[index])
        for at in range(begin if index == first else 0, len(body), chunk):
            checker.feed(index, at, [body[at : at + chunk]])


def resume_at(checker, meta, contents, point):
    """Read back what is needed to go on at (file, offset), then feed the rest."""
    for index, start, end in checker.needs(*point):
        checker.feed(index, start, [memoryview(contents[index])[start:end]])
    feed_all(checker, meta, contents, point)


def flipped(contents, index, at):
    """Return the contents with one bit of a file changed."""
    body = bytearray(contents[index])
    body[at] ^= 1
    return [*contents[:index], bytes(body), *contents[index + 1 :]]


# --- real torrents ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["single", "nested", "nested-transmission", "unicode"])
@pytest.mark.parametrize("chunk", [1000, 16_384, 1 << 20])
def test_the_pieces_of_other_tools_agree_with_the_contents(name, chunk):
    meta = parse_torrent((TORRENTS / f"{name}.torrent").read_bytes())
    above = () if meta.single_file else (meta.name,)
    contents = [content("/".join((*above, *file.path))) for file in meta.files]
    feed_all(PieceChecker(meta), meta, contents, chunk=chunk)
    for index, file in enumerate(meta.files):
        if file.size:
            with pytest.raises(PieceMismatch) as raised:
                feed_all(PieceChecker(meta), meta, flipped(contents, index, file.size - 1))
            assert raised.value.piece == pieces_of(meta, index)[-1]


# --- one by one ------------------------------------------------------------------------------


def test_a_wrong_piece_names_every_file_it_touches_and_where_it_begins_there():
    meta, contents = torrent(10, b"a" * 17, b"", b"bb", (P, 1), b"c" * 12)
    with pytest.raises(PieceMismatch, match=r"^piece 1 is not what the torrent says$") as raised:
        feed_all(PieceChecker(meta), meta, flipped(contents, 2, 0))
    assert raised.value.piece == 1
    assert raised.value.rewinds == ((0, 10), (2, 0))


def test_a_wrong_piece_is_told_with_its_last_byte_and_not_before():
    meta, contents = torrent(10, b"a" * 25)
    body = memoryview(flipped(contents, 0, 3)[0])
    checker = PieceChecker(meta)
    checker.feed(0, 0, [body[:9]])
    with pytest.raises(PieceMismatch) as raised:
        checker.feed(0, 9, [body[9:10]])
    assert raised.value.rewinds == ((0, 0),)


def test_the_last_piece_is_settled_although_only_padding_follows():
    meta, contents = torrent(10, b"a" * 13, (P, 7), b"b" * 3, (P, 2), b"", (P, 1))
    with pytest.raises(PieceMismatch) as raised:
        feed_all(PieceChecker(meta), meta, flipped(contents, 2, 2))
    assert (raised.value.piece, raised.value.rewinds) == (2, ((2, 0),))


def test_several_views_may_span_several_pieces():
    meta, contents = torrent(4, b"0123456789abcdef")
    body = memoryview(contents[0])
    PieceChecker(meta).feed(0, 0, [body[:3], body[3:3], body[3:11], body[11:]])
    wrong = memoryview(flipped(contents, 0, 9)[0])
    with pytest.raises(PieceMismatch, match="piece 2 "):
        PieceChecker(meta).feed(0, 0, [wrong[:3], wrong[3:11], wrong[11:]])


def test_padding_longer_than_one_run_of_zeros_is_hashed_in_full():
    meta, contents = torrent(1 << 18, b"a", (P, (1 << 18) - 1), b"b", (P, 200_000), b"c")
    feed_all(PieceChecker(meta), meta, contents)
    with pytest.raises(PieceMismatch, match="piece 1 ") as raised:
        feed_all(PieceChecker(meta), meta, flipped(contents, 4, 0))
    assert raised.value.rewinds == ((2, 0), (4, 0))


def test_resuming_needs_the_bytes_of_the_piece_before_that_point():
    meta, _ = torrent(10, b"a" * 14, b"", b"b" * 3, (P, 1), b"c" * 30)
    checker = PieceChecker(meta)
    assert checker.needs(0, 0) == []
    assert checker.needs(0, 10) == []
    assert checker.needs(0, 13) == [(0, 10, 13)]
    assert checker.needs(2, 2) == [(0, 10, 14), (2, 0, 2)]
    assert checker.needs(4, 1) == [(0, 10, 14), (2, 0, 3), (4, 0, 1)]
    assert checker.needs(4, 2) == []
    assert checker.needs(4, 29) == [(4, 22, 29)]


def test_a_piece_without_further_bytes_needs_nothing():
    meta, _ = torrent(10, b"a" * 7, (P, 3), b"b" * 4, b"")
    for point in ((0, 7), (2, 4), (3, 0)):
        assert PieceChecker(meta).needs(*point) == []


def test_nothing_is_needed_while_the_stream_runs_on():
    meta, contents = torrent(10, b"a" * 14, b"b" * 30)
    checker = PieceChecker(meta)
    checker.feed(0, 0, [memoryview(contents[0])])
    assert checker.needs(1, 0) == []
    assert checker.needs(1, 4) == [(1, 0, 4)]


def test_a_running_piece_is_finished_before_going_on_far_behind_it():
    meta, contents = torrent(10, b"a" * 14, b"b" * 30)
    checker = PieceChecker(meta)
    checker.feed(0, 0, [memoryview(contents[0])])
    assert checker.needs(1, 19) == [(1, 0, 6), (1, 16, 19)]
    resume_at(checker, meta, contents, (1, 19))
    assert "between pieces" in repr(checker)


def test_a_mismatch_in_what_is_read_back_is_told_as_well():
    meta, contents = torrent(10, b"a" * 14, b"b" * 30)
    checker = PieceChecker(meta)
    contents = flipped(contents, 0, 12)
    checker.feed(0, 10, [memoryview(contents[0])[10:]])
    with pytest.raises(PieceMismatch) as raised:
        checker.feed(1, 0, [memoryview(contents[1])])
    assert (raised.value.piece, raised.value.rewinds) == (1, ((0, 10), (1, 0)))


@pytest.mark.parametrize(
    ("index", "offset", "size"),
    [(0, 5, 1), (0, 2, 1), (1, 0, 1), (3, 0, 1), (0, 3, 12), (0, -1, 1), (2, 0, 1), (0, 14, 1)],
)
def test_bytes_that_do_not_come_next_are_a_mistake_of_the_caller(index, offset, size):
    meta, contents = torrent(10, b"a" * 14, b"b" * 3, (P, 3), b"c" * 5)
    checker = PieceChecker(meta)
    checker.feed(0, 0, [memoryview(contents[0])[:3]])
    with pytest.raises(ValueError, match=r"comes next|has no bytes"):
        checker.feed(index, offset, [memoryview(bytes(size))])


def test_padding_is_not_fed():
    meta, contents = torrent(10, b"a" * 4, (P, 2), b"b" * 4)
    checker = PieceChecker(meta)
    checker.feed(0, 0, [memoryview(contents[0])])
    with pytest.raises(ValueError, match="file 1 has no bytes 0 to 2 to check"):
        checker.feed(1, 0, [memoryview(bytes(2))])


def test_a_piece_cannot_be_begun_in_the_middle():
    meta, contents = torrent(10, b"a" * 14)
    with pytest.raises(ValueError, match="byte 10 of the torrent comes next, not 12"):
        PieceChecker(meta).feed(0, 12, [memoryview(contents[0])[12:]])


def test_no_bytes_change_nothing():
    meta, contents = torrent(10, b"a" * 14, b"")
    checker = PieceChecker(meta)
    checker.feed(0, 12, [])
    checker.feed(1, 0, [memoryview(b"")])
    feed_all(checker, meta, contents)


def test_the_repr_says_where_it_is():
    meta, contents = torrent(10, b"a" * 14)
    checker = PieceChecker(meta)
    checker.feed(0, 0, [memoryview(contents[0])[:13]])
    assert repr(checker) == f"<PieceChecker {'0' * 40} piece=1 position=13>"
    checker.feed(0, 13, [memoryview(contents[0])[13:]])
    assert repr(checker) == f"<PieceChecker {'0' * 40} between pieces position=14>"


def test_the_pieces_of_a_file():
    meta, _ = torrent(10, b"a" * 10, b"", b"b", b"c" * 18, b"d" * 2)
    assert [pieces_of(meta, index) for index in range(5)] == [
        range(1),
        range(0),
        range(1, 2),
        range(1, 3),
        range(2, 4),
    ]


# --- any torrent -----------------------------------------------------------------------------


@st.composite
def torrents(draw):
    piece_length = draw(st.integers(1, 12))
    padding = st.tuples(st.just(P), st.integers(0, piece_length - 1))
    files = draw(st.lists(st.binary(max_size=30) | padding, min_size=1, max_size=8))
    if not any(isinstance(file, bytes) and file for file in files):
        files.append(b"x")
    return torrent(piece_length, *files)


def points(meta):
    """Every (file, offset) at which the stream could be resumed."""
    return [
        (index, offset)
        for index, file in enumerate(meta.files)
        if not file.padding
        for offset in range(file.size + 1)
    ]


@given(torrents(), st.integers(1, 40))
def test_right_bytes_pass_in_any_chunks(made, chunk):
    meta, contents = made
    checker = PieceChecker(meta)
    feed_all(checker, meta, contents, chunk=chunk)
    assert "between pieces" in repr(checker)


@given(torrents(), st.integers(1, 40), st.data())
def test_a_flipped_bit_is_reported_with_its_piece_and_rewinds(made, chunk, data):
    meta, contents = made
    real = [(i, at) for i, at in points(meta) if at < meta.files[i].size]
    index, at = data.draw(st.sampled_from(real))
    with pytest.raises(PieceMismatch) as raised:
        feed_all(PieceChecker(meta), meta, flipped(contents, index, at), chunk=chunk)
    piece = (meta.files[index].offset + at) // meta.piece_length
    assert raised.value.piece == piece
    first_in_piece = {}
    for i, offset in real:
        if (meta.files[i].offset + offset) // meta.piece_length == piece:
            first_in_piece.setdefault(i, offset)
    assert raised.value.rewinds == tuple(first_in_piece.items())


@given(torrents(), st.integers(1, 40), st.data())
def test_any_point_can_be_resumed_from_after_feeding_what_it_needs(made, chunk, data):
    meta, contents = made
    index, offset = data.draw(st.sampled_from(points(meta)))
    checker = PieceChecker(meta)
    fed = 0
    for file, start, end in checker.needs(index, offset):
        assert start < end
        assert not meta.files[file].padding
        checker.feed(file, start, [memoryview(contents[file])[start:end]])
        fed += end - start
    assert fed <= meta.piece_length
    assert checker.needs(index, offset) == []
    feed_all(checker, meta, contents, (index, offset), chunk)
    assert "between pieces" in repr(checker)


@given(torrents(), st.data())
def test_a_flipped_bit_is_found_after_resuming_in_its_piece(made, data):
    meta, contents = made
    real = [(i, at) for i, at in points(meta) if at < meta.files[i].size]
    index, at = data.draw(st.sampled_from(real))
    piece = (meta.files[index].offset + at) // meta.piece_length
    same = [(i, o) for i, o in real if (meta.files[i].offset + o) // meta.piece_length == piece]
    resume = data.draw(st.sampled_from(same))
    changed = flipped(contents, index, at)
    with pytest.raises(PieceMismatch) as raised:
        resume_at(PieceChecker(meta), meta, changed, resume)
    assert raised.value.piece == piece


@given(torrents(), st.data())
def test_after_stopping_anywhere_it_can_go_on_anywhere_later(made, data):
    meta, contents = made
    every = points(meta)
    first = data.draw(st.integers(0, len(every) - 1))
    then = data.draw(st.integers(first, len(every) - 1))
    checker = PieceChecker(meta)
    for index, offset in every[:first]:
        checker.feed(index, offset, [memoryview(contents[index])[offset : offset + 1]])
    resume_at(checker, meta, contents, every[then])
    assert "between pieces" in repr(checker)
