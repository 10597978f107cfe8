import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.simulator.content import CHUNK, Counted, Fixed, block

SIZE = 2 * CHUNK + 1000
WHOLE = Counted(SIZE, 7).read(0, SIZE)


def test_counted_content_is_as_long_as_it_says():
    assert len(WHOLE) == SIZE


@given(
    st.one_of(
        st.integers(0, SIZE),
        st.integers(CHUNK - 20, CHUNK + 20),
        st.integers(2 * CHUNK - 20, 2 * CHUNK + 20),
    ),
    st.integers(0, 100),
)
def test_any_part_is_the_same_as_in_the_whole(start, length):
    assert Counted(SIZE, 7).read(start, start + length) == WHOLE[start : start + length]


def test_reading_beyond_the_end_ends_there():
    assert Counted(10).read(5, 100) == Counted(10).read(5, 10)
    assert Fixed(b"abc").read(1, 100) == b"bc"


def test_no_two_chunks_and_no_two_seeds_are_alike():
    chunks = {WHOLE[:CHUNK], WHOLE[CHUNK : 2 * CHUNK], Counted(CHUNK, 8).read(0, CHUNK)}
    assert len(chunks) == 3


def test_the_block_and_the_stamp_make_a_chunk():
    assert block() + Counted(SIZE, 7).stamp(1) == WHOLE[CHUNK : 2 * CHUNK]


@pytest.mark.parametrize("content", [Fixed(b"abc"), Counted(3, 1)])
def test_tags_are_quoted_and_strong(content):
    assert content.etag[0] == content.etag[-1] == '"'
    assert "3" in repr(content)


def test_different_content_has_different_tags():
    tags = {Fixed(b"a").etag, Fixed(b"b").etag, Counted(1, 1).etag, Counted(1, 2).etag}
    assert len(tags | {Counted(2, 1).etag}) == 5
