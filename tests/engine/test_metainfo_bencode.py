import tracemalloc

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metainfo import BadMetainfo, Span, bencode, scan

VALUES = st.recursive(
    st.integers(-(10**20) + 1, 10**20 - 1) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=5), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_bencodepy_writes_is_read_back_the_same(value):
    assert scan(bencodepy.encode(value)).value == value


@given(VALUES, st.data())
def test_every_truncation_is_refused_with_a_byte_position(value, data):
    whole = bencodepy.encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BadMetainfo, match=r"at byte \d+"):
        scan(whole[:cut])


@given(VALUES, st.data())
def test_a_mutation_gives_a_value_or_a_byte_position_and_nothing_else(value, data):
    changed = bytearray(bencodepy.encode(value))
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] = data.draw(st.integers(0, 255))
    try:
        scanned = scan(bytes(changed))
    except BadMetainfo as error:
        assert "at byte " in str(error)  # noqa: PT017 - either outcome is right
    else:
        # What is taken is canonical but for the order of keys and repeated keys.
        assert len(bencodepy.encode(scanned.value)) <= len(changed)


@given(st.binary(max_size=60) | st.text("deil0123456789:-", max_size=40).map(str.encode))
def test_any_bytes_give_a_value_or_bad_metainfo(data):
    try:
        scan(data)
    except BadMetainfo as error:
        assert "at byte " in str(error)  # noqa: PT017 - either outcome is right


@given(st.dictionaries(st.binary(max_size=5), VALUES, min_size=1, max_size=4))
def test_spans_are_the_values_as_they_stand(table):
    data = bencodepy.encode(table)
    spans = scan(data).spans
    assert [span.key for span in spans] == list(table)
    for span in spans:
        assert data[span.start : span.end] == bencodepy.encode(table[span.key])


@pytest.mark.parametrize(
    ("data", "position", "why"),
    [
        (b"", 0, "too early"),
        (b"i12", 0, "plain digits"),
        (b"ie", 0, "plain digits"),
        (b"i-0e", 0, "plain digits"),
        (b"i03e", 0, "plain digits"),
        (b"i+3e", 0, "plain digits"),
        (b"i 3e", 0, "plain digits"),
        (b"i1_0e", 0, "plain digits"),
        ("i\N{ARABIC-INDIC DIGIT THREE}e".encode(), 0, "plain digits"),
        (b"l" + b"i" + b"9" * 21 + b"ee", 1, "up to 20"),
        (b"l" + b"1" * 21 + b":e", 1, "up to 20"),
        (b"l03:abce", 1, "its length"),
        (b"-1:a", 0, "byte 0x2d"),
        (b"x", 0, "byte 0x78"),
        (b"l5:abce", 1, "5 bytes runs past the end"),
        (b"99999999999999999999:a", 0, "runs past the end"),
        (b"e", 0, "end without a beginning"),
        (b"di1ei2ee", 1, "key must be a string"),
        (b"dlei2ee", 1, "key must be a string"),
        (b"d1:ae", 4, "no value"),
        (b"lee", 2, "1 bytes follow"),
        (b"i1e\n", 3, "1 bytes follow"),
        (b"l" * 65 + b"e" * 65, 64, "deeper than 64"),
        (b"d1:a" * 65 + b"i1e" + b"e" * 65, 256, "deeper than 64"),
    ],
)
def test_a_broken_value_is_refused_with_its_place_and_the_reason(data, position, why):
    with pytest.raises(BadMetainfo, match=f"at byte {position}: .*{why}"):
        scan(data)


def test_sixty_four_levels_and_twenty_digits_are_allowed():
    assert scan(b"l" * 64 + b"e" * 64).value
    assert scan(b"i-" + b"9" * 20 + b"e").value == -(10**20) + 1


def test_unsorted_keys_are_taken_and_spans_follow_the_file():
    scanned = scan(b"d1:b2:hi1:ai7ee")
    assert scanned.value == {b"a": 7, b"b": b"hi"}
    assert scanned.spans == (Span(b"b", 4, 8), Span(b"a", 11, 14))


def test_of_a_repeated_key_the_first_value_wins_and_both_spans_are_told():
    scanned = scan(b"d1:ai1e1:ai2ee")
    assert scanned.value == {b"a": 1}
    assert [span.key for span in scanned.spans] == [b"a", b"a"]


def test_only_the_outermost_dictionary_has_spans():
    assert scan(b"ld1:ai1eee").spans == ()
    assert scan(b"i1e").spans == ()
    assert [span.key for span in scan(b"d1:ad1:bi1eee").spans] == [b"a"]


MIB = 1 << 20
BOMBS = {
    "lists": b"l" * 1_000_000,
    "dictionaries": b"d0:" * 1_000_000,
    "empty lists": b"l" + b"le" * 600_000 + b"e",
    "empty dictionaries": b"l" + b"de" * 600_000 + b"e",
    "empty strings": b"l" + b"0:" * 600_000 + b"e",
    "short strings": b"l" + b"2:xx" * 600_000 + b"e",
    "keys": b"d" + b"1:ai0e" * 300_000 + b"e",
    "integers": b"l" + b"i99999999999999999999e" * 499_000 + b"x",
    "digits": b"i" + b"1" * 4_000_000 + b"e",
    "negative digits": b"i-" + b"1" * 4_000_000 + b"e",
    "digits without an end": b"i" + b"1" * 4_000_000,
    "length": b"1" * 4_000_000 + b":",
    "length that fits no machine": b"18446744073709551616:",
    "length beyond the end": b"l" + b"9999999:x" * 400_000,
    "a string of zeros": b"0" * 4_000_000 + b":",
}
"""Small files that would be large in memory, or take long, if they were read without a bound."""


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_within_the_bounds_of_steps_and_memory(bomb, monkeypatch):
    steps = 0
    step = bencode._Reader.step

    def counted(reader):
        nonlocal steps
        steps += 1
        step(reader)

    monkeypatch.setattr(bencode._Reader, "step", counted)
    tracemalloc.start()
    try:
        with pytest.raises(BadMetainfo, match="at byte") as caught:
            scan(bomb)
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    finally:
        tracemalloc.stop()
    assert steps <= bencode.MAX_TOKENS
    assert len(str(caught.value)) < 200


DEEP = st.recursive(
    st.binary(max_size=3) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.binary(max_size=2), inner),
    max_leaves=50,
)


@given(DEEP, st.integers(0, 80), st.sampled_from(["list", "dictionary"]))
def test_depth_is_counted_and_never_recursed_into(value, levels, kind):
    inner = bencodepy.encode(value)
    opening = b"l" if kind == "list" else b"d1:k"
    data = opening * levels + inner + b"e" * levels
    try:
        scan(data)
    except BadMetainfo as error:
        assert levels + inner.count(b"l") + inner.count(b"d") > bencode.MAX_DEPTH or (  # noqa: PT017
            "integer" in str(error)
        )
    else:
        assert levels <= bencode.MAX_DEPTH


def test_half_a_million_values_are_the_limit():
    fits = b"l" + b"0:" * 499_998 + b"e"
    assert isinstance(scan(fits).value, list)
    with pytest.raises(BadMetainfo, match="more than 500000 values"):
        scan(b"l" + b"0:" * 499_999 + b"e")
