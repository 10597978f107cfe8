"""Links to kept .torrent files: only ours lead there, only in time, and nothing else raises."""

import re
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arrpush import links
from arrpush.links import Link

KEY = bytes(range(32))
HASH = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
UNTIL = 1_800_000_000
NOW = UNTIL - 1.0
TOKEN = links.token(KEY, Link(HASH, UNTIL))

KEYS = st.binary(min_size=links.KEY_BYTES, max_size=links.KEY_BYTES)
HASHES = st.binary(min_size=20, max_size=20).map(bytes.hex)
TIMES = st.integers(1, 2**48 - 1)


@given(KEYS, HASHES, TIMES)
def test_a_link_leads_to_its_torrent_until_its_time_is_over(key, infohash, until):
    token = links.token(key, Link(infohash, until))

    assert links.read(key, token, 0.0) == infohash
    assert links.read(key, token, until - 1) == infohash
    assert links.read(key, token, until) is None
    assert links.read(key, token, until + 1) is None


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_a_link_with_one_digit_changed_leads_nowhere(place):
    for digit in "0123456789abcdef":
        if digit != TOKEN[place]:
            changed = f"{TOKEN[:place]}{digit}{TOKEN[place + 1 :]}"
            assert links.read(KEY, changed, NOW) is None


@given(st.sets(st.integers(0, len(TOKEN) * 4 - 1), min_size=1))
def test_a_link_with_any_bits_changed_leads_nowhere(bits):
    changed = int(TOKEN, 16)
    for bit in bits:
        changed ^= 1 << bit

    assert links.read(KEY, f"{changed:0{len(TOKEN)}x}", NOW) is None


@given(KEYS)
def test_a_link_signed_with_another_key_leads_nowhere(key):
    assume(key != KEY)

    assert links.read(key, TOKEN, NOW) is None


@given(st.integers(0, len(TOKEN) - 1))
def test_a_link_that_was_cut_or_lengthened_leads_nowhere(length):
    for text in (TOKEN[:length], TOKEN[length + 1 :], TOKEN + TOKEN[:length] + "00"):
        assert links.read(KEY, text, NOW) is None


@pytest.mark.parametrize("key", [b"", KEY])
@pytest.mark.parametrize("text", ["", "0", "00", "0" * len(TOKEN), "f" * len(TOKEN), "0" * 10_000])
def test_a_link_of_zeros_leads_nowhere(key, text):
    assert links.read(key, text, 0.0) is None


@given(st.text())
def test_no_text_raises_or_leads_anywhere(text):
    assert links.read(KEY, text, NOW) is None


@given(st.integers(0, len(TOKEN)), st.text(st.characters(), min_size=1, max_size=3))
def test_whatever_gets_into_a_link_it_leads_to_the_same_torrent_or_nowhere(place, text):
    for changed in (
        TOKEN[:place] + text + TOKEN[place:],
        TOKEN[:place] + text + TOKEN[place + len(text) :],
    ):
        assert links.read(KEY, changed, NOW) in {None, HASH}


@pytest.mark.parametrize(
    "text",
    [
        *("\ud800" * 84, "\x00" * 84, "\uff11" * 84, "\u0661" * 84, "\xe9" * 84),
        *("%00" * 28, "../" * 28, "\uff10" * len(TOKEN), TOKEN[:-1], f"{TOKEN}0", f"0x{TOKEN}"),
    ],
)
def test_what_is_no_hex_is_no_link(text):
    assert links.read(KEY, text, NOW) is None


def test_capitals_do_not_matter():
    assert links.read(KEY, TOKEN.upper(), NOW) == HASH
    assert links.token(KEY, Link(HASH.upper(), UNTIL)) == TOKEN


def test_links_of_two_torrents_or_two_times_have_nothing_in_common_but_what_they_say():
    other = links.token(KEY, Link(HASH, UNTIL + 1))

    assert TOKEN[-32:] != other[-32:]
    assert links.read(KEY, TOKEN[:52] + other[-32:], NOW) is None


@given(KEYS, HASHES, TIMES)
def test_a_link_stands_in_a_url_as_it_is(key, infohash, until):
    token = links.token(key, Link(infohash, until))

    assert re.fullmatch(r"[0-9a-f]{84}", token)
    assert quote(token, safe="") == token


@pytest.mark.parametrize("base", ["http://nas:6500", "https://nas.example/below", "http://[::1]:1"])
def test_a_url_has_the_base_and_names_a_torrent_file(base):
    url = links.url(base, KEY, Link(HASH, UNTIL))

    assert url == f"{base}/arrpush/torrent/{TOKEN}/release.torrent"
    assert urlsplit(url).geturl() == url
    token = urlsplit(url).path.split("/")[-2]
    assert links.read(KEY, token, NOW) == HASH


def test_signatures_for_links_are_worth_nothing_elsewhere():
    """The key may come to sign other things: what it signs says what it is for."""
    body = bytes.fromhex(TOKEN)[:26]

    assert links._signature(KEY, body) != links.hmac.digest(KEY, body, "sha256")[:16]
