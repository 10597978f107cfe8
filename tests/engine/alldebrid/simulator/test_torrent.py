import base64
import hashlib

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.simulator.torrent import (
    MOST_NESTED,
    Named,
    NotATorrent,
    encode,
    named_by_file,
    named_by_magnet,
)

HASH = "a1" * 20
VALUES = st.recursive(
    st.integers(-(2**63), 2**63) | st.binary(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(VALUES)
def test_encoding_is_read_by_another_implementation(value):
    assert bencodepy.decode(encode([value])) == [value]


@given(st.dictionaries(st.binary(max_size=5), VALUES, max_size=4))
def test_the_infohash_is_that_of_the_info_dictionary_as_it_stands(info):
    data = encode({b"announce": b"x", b"info": info, b"zzz": 1})
    named = named_by_file(data)
    assert named.infohash == hashlib.sha1(encode(info)).hexdigest()


def test_the_name_of_a_torrent_is_read():
    assert named_by_file(encode({b"info": {b"name": "Ä".encode()}})).name == "Ä"
    assert named_by_file(encode({b"info": {}})).name == ""


@given(st.binary(max_size=60))
def test_any_bytes_are_a_torrent_or_none(data):
    try:
        named = named_by_file(data)
    except NotATorrent:
        return
    assert len(named.infohash) == 40


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"d",
        b"de",
        b"le",
        b"d4:infoe",
        b"d4:info5:abcde",
        b"d4:infod4:name99:ae",
        b"d4:infoi5e",
        b"d4:info" + b"l" * (MOST_NESTED + 2) + b"e" * (MOST_NESTED + 2) + b"e",
        b"<html>",
    ],
)
def test_what_is_no_torrent_is_refused(data):
    with pytest.raises(NotATorrent):
        named_by_file(data)


def test_magnets_are_read_in_hex_base32_and_bare():
    base32 = base64.b32encode(bytes.fromhex(HASH)).decode()
    assert named_by_magnet(f"magnet:?xt=urn:btih:{HASH.upper()}&dn=A%20b&tr=x") == Named(
        HASH, "A b"
    )
    assert named_by_magnet(f"magnet:?xt=urn:btih:{base32.lower()}") == Named(HASH)
    assert named_by_magnet(HASH) == Named(HASH)


@pytest.mark.parametrize(
    "uri", ["", "x", "magnet:", "magnet:?xt=urn:btmh:1220aa", "magnet:?xt=urn:btih:zz", "a" * 41]
)
def test_what_is_no_magnet_is_refused(uri):
    with pytest.raises(NotATorrent):
        named_by_magnet(uri)
