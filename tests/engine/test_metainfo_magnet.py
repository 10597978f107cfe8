import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.metainfo import BadMetainfo, parse_magnet

HASH = "cae352fd0d2e9e321336037d0046919eb0f61f57"
BASE32 = base64.b32encode(bytes.fromhex(HASH)).decode()
OTHER = "8db7dea7141ae6a92fc3a01ba94ae04eee2933dd"
BTMH = "urn:btmh:1220" + "ab" * 32


@pytest.mark.parametrize(
    "text", [HASH, HASH.upper(), BASE32, BASE32.lower(), BASE32.title(), f"  {HASH}\r\n"]
)
def test_a_bare_hash_becomes_a_magnet(text):
    magnet = parse_magnet(text)
    assert magnet.infohash == HASH
    assert magnet.uri == f"magnet:?xt=urn:btih:{HASH}"
    assert (magnet.name, magnet.trackers) == ("", ())


@pytest.mark.parametrize(
    "query",
    [
        f"xt=urn:btih:{HASH}",
        f"xt=urn:btih:{HASH.upper()}",
        f"xt=urn:btih:{BASE32}",
        f"xt=urn:btih:{BASE32.lower()}",
        f"XT=URN:BTIH:{HASH}",
        f"xt=urn%3Abtih%3A{HASH}",
        f"xt.1=urn:btih:{HASH}",
        f"&dn=x&xt=urn:btih:{HASH}",
        f"xt={BTMH}&xt=urn:btih:{HASH}",
        f"xt=urn:btih:{HASH}&xt={BTMH}",
        f"xt=urn:sha1:{BASE32}&xt=urn:btih:{HASH}",
        f"xt=urn:btih:{HASH}&xt=urn:btih:{BASE32}",
        f"xt=urn:btih:garbage&xt=urn:btih:{HASH}",
    ],
)
def test_the_infohash_is_found_however_it_is_written(query):
    magnet = parse_magnet(f"magnet:?{query}")
    assert magnet.infohash == HASH
    assert magnet.uri == f"magnet:?{query}"


@pytest.mark.parametrize("scheme", ["MAGNET:?", "Magnet:?", "magnet://?", "magnet:/?"])
def test_the_scheme_is_normalised(scheme):
    assert parse_magnet(f"{scheme}xt=urn:btih:{HASH}").uri == f"magnet:?xt=urn:btih:{HASH}"


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("Some.Release-GRP", "Some.Release-GRP"),
        ("Some+Release%20%28x%29", "Some Release (x)"),
        ("A%2BB%26C", "A+B&C"),
        ("%C3%89t%C3%A9", "Été"),
        ("Été", "Été"),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        ("+", ""),
        ("", ""),
        ("%", "%"),
    ],
)
def test_the_name_is_decoded(escaped, name):
    assert parse_magnet(f"magnet:?xt=urn:btih:{HASH}&dn={escaped}").name == name


def test_every_tracker_is_kept_in_order():
    trackers = ["http://b/announce?key=1+2&x=3", "udp://a:80", "http://b/announce?key=1+2&x=3"]
    keys = ["tr", "tr.1", "TR"]
    query = "&".join(f"{key}={quote(url)}" for key, url in zip(keys, trackers, strict=True))
    uri = f"magnet:?xt=urn:btih:{HASH}&{query}&tr="
    magnet = parse_magnet(uri)
    assert magnet.trackers == tuple(trackers)
    assert magnet.uri == uri


def test_ampersands_escaped_for_a_web_page_are_restored():
    magnet = parse_magnet(f"magnet:?xt=urn:btih:{HASH}&amp;dn=x&amp;tr=udp%3A%2F%2Fa")
    assert (magnet.name, magnet.trackers) == ("x", ("udp://a",))
    assert "amp;" not in magnet.uri


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "neither a magnet URI"),
        ("magnet:", "names no torrent"),
        ("magnet:?", "names no torrent"),
        ("magnet:?dn=secret", "names no torrent"),
        ("magnet:?xt=urn:sha1:secret", "names no torrent"),
        (f"magnet:?xt={BTMH}&tr=secret", "v2-only torrent"),
        (f"magnet:?xt=urn:btih:{HASH[:-1]}&tr=secret", "40 hex digits or 32 base32"),
        (f"magnet:?xt=urn:btih:{'0' * 64}", "40 hex digits or 32 base32"),
        (f"magnet:?xt=urn:btih:{'1' * 32}", "40 hex digits or 32 base32"),
        (f"magnet:?xt=urn:btih:{HASH}&xt=urn:btih:{OTHER}", "names several torrents"),
        ("https://secret/x.torrent?xt=1", "neither a magnet URI"),
        ("secret", "neither a magnet URI"),
        (HASH + "0", "neither a magnet URI"),
        (f"magnet:?xt=urn:btih:{HASH}&tr=secret&dn=" + "x" * 200_000, "longer than"),
        (f"magnet:?xt=urn:btih:{HASH}&dn=secret\ud800", "no text"),
    ],
)
def test_garbage_is_refused_without_repeating_it(text, message):
    with pytest.raises(BadMetainfo, match=message) as raised:
        parse_magnet(text)
    assert "secret" not in str(raised.value)


def test_no_tracker_is_in_the_repr():
    magnet = parse_magnet(f"magnet:?xt=urn:btih:{HASH}&dn=Name&tr=http://a/passkey")
    assert repr(magnet) == f"<Magnet {HASH} name='Name' trackers=1>"


@given(st.text() | st.text("magnet:?xt=urnbih&d%.[]/;#", max_size=60).map("magnet:?".__add__))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    try:
        assert len(parse_magnet(text).infohash) == 40
    except BadMetainfo as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@given(
    st.binary(min_size=20, max_size=20),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)),
)
def test_what_is_escaped_properly_comes_back(digest, name, trackers):
    uri = f"magnet:?xt=urn:btih:{digest.hex()}&dn={quote(name)}"
    uri += "".join(f"&tr={quote(tracker, safe='')}" for tracker in trackers)
    magnet = parse_magnet(uri)
    assert magnet.infohash == digest.hex()
    assert magnet.name == name.strip()
    assert magnet.trackers == tuple(trackers)
    assert magnet.uri == uri
