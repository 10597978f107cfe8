import contextlib
import tracemalloc
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.qbittorrent import urlencoded
from api.qbittorrent.urlencoded import TooMany, pairs

SIZE = 1 << 20


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT)))
def test_what_was_encoded_is_read_back(fields):
    assert pairs(urlencode(fields).encode(), 10**6) == fields


TELLING = st.sampled_from(
    [b"%", b"%4", b"%41", b"%zz", b"%C3", b"%a9", b"+", b"&", b"=", b";", b"a"]
)


@given(st.lists(TELLING | st.binary(max_size=3), max_size=30).map(b"".join), st.integers(3, 9))
def test_it_reads_as_the_standard_library_wherever_it_cuts(data, size):
    expected = parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    before, urlencoded.SLICE = urlencoded.SLICE, size
    try:
        found = pairs(data, 10**6)
    finally:
        urlencoded.SLICE = before
    if "\ufffd" not in str(expected):  # how many of them stand for broken bytes is nobody's concern
        assert found == expected


def test_more_fields_than_allowed_are_refused():
    assert len(pairs(b"a&b&c", 3)) == 3
    with pytest.raises(TooMany):
        pairs(b"a&b&c&d", 3)


@pytest.mark.parametrize(
    "bomb",
    [b"%" * SIZE, b"%41" * (SIZE // 3), b"%ff" * (SIZE // 3), b"%41x" * (SIZE // 4), b"&" * SIZE],
    ids=["signs", "letters", "no text", "mixed", "fields"],
)
def test_a_bomb_takes_memory_in_proportion_to_its_size(bomb):
    tracemalloc.start()
    try:
        with contextlib.suppress(TooMany):
            pairs(bomb, 1000)
        assert tracemalloc.get_traced_memory()[1] < 8 * SIZE + (8 << 20)
    finally:
        tracemalloc.stop()
