from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.address import BadAddress, allowed_url, base_url, is_private


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alldebrid.com",
        "https://x.debrid.it:8443/dl/a%20b/f.mkv?x=1",
        "http://127.0.0.1:4000/dl/a",
        "http://localhost/",
        "http://LOCALHOST.:80/",
        "http://a.localhost/",
        "http://[::1]:9/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:10.1.2.3]/",
        "http://10.0.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.2/",
        "http://169.254.1.1/",
    ],
)
def test_https_and_private_addresses_stay_as_they_are(url):
    assert allowed_url(url) == url


@pytest.mark.parametrize(
    ("url", "upgraded"),
    [
        ("http://x.debrid.it/dl/a", "https://x.debrid.it/dl/a"),
        ("http://x.debrid.it:80/dl/a?b=c", "https://x.debrid.it/dl/a?b=c"),
        ("http://x.debrid.it:8080/", "https://x.debrid.it:8080/"),
        ("HTTP://x.debrid.it/", "https://x.debrid.it/"),
        ("http://172.32.0.1/", "https://172.32.0.1/"),
        ("http://8.8.8.8/", "https://8.8.8.8/"),
        ("http://0.0.0.0/", "https://0.0.0.0/"),
        ("http://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("http://[::ffff:8.8.8.8]/", "https://[::ffff:8.8.8.8]/"),
        ("http://127.0.0.1@evil.example/", "https://127.0.0.1@evil.example/"),
        ("http://127.0.0.1.evil.example/", "https://127.0.0.1.evil.example/"),
        ("http://2130706433/", "https://2130706433/"),
        ("http://notlocalhost/", "https://notlocalhost/"),
    ],
)
def test_plain_http_to_anybody_else_becomes_https(url, upgraded):
    assert allowed_url(url) == upgraded


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.debrid.it/dl",
        "//x.debrid.it/dl",
        "ftp://x.debrid.it/dl",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "https:///dl",
        "http://x:port/",
        "http://x:99999/",
        "http://[::1/",
        "http://evil.example\\@127.0.0.1/",
        "http://x.example/a b",
        "http://x.example/\r\nHost: y",
        " https://x.example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url):
    with pytest.raises(BadAddress) as caught:
        allowed_url(url)
    assert str(caught.value).startswith("the address ")
    assert "example" not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from(["http://", "https://", ""]))
def test_whatever_is_allowed_is_https_or_private(text, scheme):
    try:
        url = allowed_url(scheme + text)
    except BadAddress:
        return
    parts = urlsplit(url)
    assert parts.scheme == "https" or is_private(parts.hostname)
    assert allowed_url(url) == url


@given(st.ip_addresses())
def test_public_addresses_are_not_private(address):
    if address.is_global:
        assert not is_private(str(address))


def test_a_base_address_loses_its_last_slash():
    assert base_url("https://api.alldebrid.com/") == "https://api.alldebrid.com"
    assert base_url("http://127.0.0.1:8/some/where/") == "http://127.0.0.1:8/some/where"
    assert base_url("http://api.example") == "https://api.example"


@pytest.mark.parametrize("url", ["https://api.example/?a=b", "https://api.example/#x"])
def test_a_base_address_has_neither_query_nor_fragment(url):
    with pytest.raises(BadAddress):
        base_url(url)
