import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.chunked import MAX_LINE, MAX_TRAILERS, ChunkedDecoder
from engine.transfer.errors import ServerTrouble


def encode(parts, *, extension=b"", trailers=b"", newline=b"\r\n"):
    chunks = [b"%X" % len(part) + extension + newline + part + newline for part in parts if part]
    return b"".join(chunks) + b"0" + newline + trailers + newline


def decode(data, cuts=()):
    """Body, done and excess after feeding `data` cut at `cuts`; "trouble" if it is refused."""
    decoder = ChunkedDecoder()
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    body = b""
    try:
        for start, end in itertools.pairwise(edges):
            body += b"".join(decoder.feed(data[start:end]))
    except ServerTrouble:
        return "trouble"
    return body, decoder.done, decoder.excess


@given(
    st.lists(st.binary(max_size=300)),
    st.lists(st.integers(0, 4000)),
    st.sampled_from([b"", b";name=value", b" ; x"]),
    st.sampled_from([b"", b"X-Hash: 1\r\nY: 2\r\n"]),
    st.sampled_from([b"\r\n", b"\n"]),
)
def test_what_was_chunked_comes_out_in_any_split(parts, cuts, extension, trailers, newline):
    data = encode(parts, extension=extension, trailers=trailers, newline=newline)

    assert decode(data + b"more", cuts) == (b"".join(parts), True, 4)


def test_byte_by_byte_is_the_same():
    data = encode([b"a" * 100, b"b"])

    assert decode(data, range(len(data))) == (b"a" * 100 + b"b", True, 0)


@given(
    st.lists(st.sampled_from([b"5\r\n", b"\r\n", b"0", b"hello", b";", b"\n", b"-1"])).map(b"".join)
    | st.binary(),
    st.lists(st.integers(0, 100)),
)
def test_any_bytes_are_a_body_or_trouble_in_any_split(data, cuts):
    assert decode(data, cuts) == decode(data)


@given(st.lists(st.binary(min_size=1, max_size=20)), st.data())
def test_a_body_that_breaks_off_is_not_done(parts, data):
    whole = encode(parts)
    cut = data.draw(st.integers(0, len(whole) - 1))

    body, done, _ = decode(whole[:cut])
    assert not done
    assert b"".join(parts).startswith(body)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"5 5\r\n",
        b" 5\r\n",
        b"1" + b"0" * 15 + b"\r\n",
        b"5\r\nhelloX\r\n",
        b"5\r\nhello!\n",
        b"1" * (MAX_LINE + 1),
        b"5;" + b"x" * MAX_LINE + b"\r\n",
        b"0\r\n" + b"X: y\r\n" * MAX_TRAILERS,
    ],
)
def test_nonsense_is_trouble(data):
    assert decode(data) == "trouble"
    assert decode(data, range(len(data))) == "trouble"


def test_parts_are_views_of_what_was_fed():
    memory = bytearray(b"5\r\nhello\r\n")
    (part,) = ChunkedDecoder().feed(memory)
    memory[3:8] = b"HELLO"

    assert part == b"HELLO"


def test_tiny_chunks_take_linear_work():
    before = time.process_time()

    assert decode(encode([b"x"] * 50_000)) == (b"x" * 50_000, True, 0)
    assert time.process_time() - before < 2


def test_repr_says_how_far_it_is():
    decoder = ChunkedDecoder()
    decoder.feed(b"5\r\nhe")
    assert repr(decoder) == "ChunkedDecoder(3 bytes left in chunk)"

    decoder.feed(b"llo\r\n0\r\n\r\n")
    assert repr(decoder) == "ChunkedDecoder(done)"
