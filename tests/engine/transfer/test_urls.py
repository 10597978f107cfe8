import base64
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.errors import NotTrusted, TransferError, Unusable
from engine.transfer.urls import MAX_REDIRECTS, MAX_URL, Url, follow, parse_url, resolve


def test_a_url_is_taken_apart():
    url = parse_url("HTTPS://CDN.Example.com:8443/dl/abc/Film%20(2020).mkv?sig=a%2Bb&x=#top")

    assert url == Url(
        scheme="https",
        host="cdn.example.com",
        port=8443,
        target="/dl/abc/Film%20(2020).mkv?sig=a%2Bb&x=",
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("http://a", "/"),
        ("http://a?", "/?"),
        ("http://a?q=1", "/?q=1"),
        ("http://a/b?", "/b?"),
        ("http://a/b c", "/b%20c"),
        ("http://a/é?ü=1", "/%C3%A9?%C3%BC=1"),
        ("http://a/100%", "/100%"),
        ("http://a/..//./x;y='\"<>{}|\\^`[]", "/..//./x;y='\"<>{}|\\^`[]"),
        ("  http://a/b  ", "/b"),
        ("http://a/x@y:z", "/x@y:z"),
        ("http://a#/b", "/"),
    ],
)
def test_path_and_query_are_kept_as_given(text, target):
    assert parse_url(text).target == target


@pytest.mark.parametrize(
    ("text", "host", "port", "authority", "origin"),
    [
        ("http://a/", "a", 80, "a", "http://a"),
        ("https://a:443/", "a", 443, "a", "https://a"),
        ("https://a:80/", "a", 80, "a:80", "https://a:80"),
        ("http://a:/", "a", 80, "a", "http://a"),
        ("http://a.:0081/", "a", 81, "a:81", "http://a:81"),
        ("http://[::1]/", "::1", 80, "[::1]", "http://[::1]"),
        ("https://[2001:DB8:0::1]:99", "2001:db8::1", 99, "[2001:db8::1]:99", None),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", None),
        ("http://under_score.example", "under_score.example", 80, "under_score.example", None),
        ("http://127.0.0.1:6500", "127.0.0.1", 6500, "127.0.0.1:6500", None),
    ],
)
def test_host_and_port_are_normal(text, host, port, authority, origin):
    url = parse_url(text)

    assert (url.host, url.port, url.authority) == (host, port, authority)
    assert url.origin == (origin or f"{url.scheme}://{authority}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a/secret",
        "a/secret",
        "http:/a/secret",
        "magnet:?xt=secret",
        "http://",
        "http:///secret",
        "http://:80/secret",
        "http://a:0/secret",
        "http://a:65536/secret",
        "http://a:99999999/secret",
        "http://a:x/secret",
        "http://a:-1/secret",
        "http://a:\u0661/secret",
        "http://a:1:2/secret",
        "http://::1/secret",
        "http://[::1/secret",
        "http://[secret]/",
        "http://[::1%eth0]/secret",
        "http://[127.0.0.1]/secret",
        "http://a b/secret",
        "http://a..b/secret",
        "http://-a/secret",
        f"http://{'a' * 64}/secret",
        f"http://{'a.' * 200}a/secret",
        "http://a\uff0fb/secret",
        "http://a%41/secret",
        "http://a\\b/secret",
        "http://a/secret\r\nHost: b",
        "http://a/secret\x7f",
        "http://a\t/secret",
        "http://a/\ud800secret",
        "http://\ud800:secret@a/",
        "http://a/secret" + "x" * MAX_URL,
    ],
)
def test_what_is_no_usable_url_is_refused_without_repeating_it(text):
    with pytest.raises(Unusable) as caught:
        parse_url(text)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_user_part_becomes_basic_authorization():
    url = parse_url("https://user%40home:p%C3%A4ss:@files.example/x")

    assert url.host == "files.example"
    scheme, _, value = url.authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == "user@home:päss:".encode()


def test_the_host_is_what_follows_the_last_at_sign():
    assert parse_url("http://good.example@evil.example/").host == "evil.example"


def test_repr_shows_no_secret():
    url = parse_url("https://user:word@cdn.example:8443/dl/abc?sig=def")

    assert repr(url) == "Url(https://cdn.example:8443/...)"
    assert str(url) == repr(url)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "files.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.1.1",
        "[::1]",
        "[fd00::1]",
        "[fe80::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_private_addresses(host):
    assert parse_url(f"http://{host}/").is_private


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "localhost.example",
        "8.8.8.8",
        "172.32.0.1",
        "[2a00::1]",
        "[::ffff:8.8.8.8]",
        "nas",
        "2130706433",
    ],
)
def test_public_addresses(host):
    assert not parse_url(f"http://{host}/").is_private


@given(st.text())
def test_any_text_is_a_url_or_unusable(text):
    for whole in (text, f"http://{text}", f"https://a/{text}", f"http://u:{text}@[::1]/"):
        try:
            url = parse_url(whole)
        except Unusable:
            continue
        assert re.fullmatch(r"/[\x21-\x7e]*", url.target)
        assert re.fullmatch(r"[a-z0-9_.:-]+", url.host)
        assert 0 < url.port < 65536


@given(st.text(alphabet=string.printable.replace("#", "").strip(), max_size=50))
def test_printable_targets_are_never_touched(text):
    assert parse_url(f"http://a/{text}").target == f"/{text}"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://b/y?z", ("https://b", "/y?z")),
        ("//b:81/y", ("http://b:81", "/y")),
        ("/y?z", ("http://a:8080", "/y?z")),
        ("y", ("http://a:8080", "/dir/y")),
        ("../y", ("http://a:8080", "/y")),
        ("?z", ("http://a:8080", "/dir/file?z")),
        ("/a b", ("http://a:8080", "/a%20b")),
    ],
)
def test_locations_are_resolved(location, expected):
    url = resolve(parse_url("http://a:8080/dir/file?old"), location)

    assert (url.origin, url.target) == expected


@pytest.mark.parametrize(
    "location",
    ["ftp://a/", "javascript:alert(1)", "http://", "//[", "/x\r\ny", "http://a:b/", "//a b/"],
)
def test_locations_that_lead_nowhere_are_refused(location):
    with pytest.raises(Unusable):
        resolve(parse_url("http://a/x"), location)


@given(st.text())
def test_any_location_is_a_url_or_a_transfer_error(location):
    base = parse_url("https://a/dir/file")
    try:
        assert re.fullmatch(r"/[\x21-\x7e]*", resolve(base, location).target)
        follow([base], location)
    except TransferError:
        pass


def test_authorization_stays_within_the_origin():
    base = parse_url("https://user:word@a/x")

    assert resolve(base, "/y").authorization == base.authorization
    assert resolve(base, "https://a:443/y").authorization == base.authorization
    for elsewhere in ("https://b/y", "https://a:444/y", "http://a/y", "//b/y"):
        assert resolve(base, elsewhere).authorization == ""
    assert resolve(base, "https://new:word@a/y").authorization not in ("", base.authorization)


def test_five_redirects_are_followed_and_no_more():
    trail = [parse_url("http://a/0")]
    for number in range(1, MAX_REDIRECTS + 1):
        trail.append(follow(trail, f"/{number}"))

    with pytest.raises(Unusable, match="more than 5 times"):
        follow(trail, "/6")


def test_a_circle_is_seen():
    trail = [parse_url("http://user:word@a/x"), parse_url("http://b/y")]

    with pytest.raises(Unusable, match="circle"):
        follow(trail, "http://a/x")


def test_https_is_not_left_for_plain_http():
    trail = [parse_url("https://a/x")]

    with pytest.raises(NotTrusted, match="a redirects from https to plain http"):
        follow(trail, "http://a/x")


def test_https_is_not_left_by_way_of_a_private_address():
    trail = [parse_url("https://a/x")]
    trail.append(follow(trail, "http://127.0.0.1/y"))

    with pytest.raises(NotTrusted):
        follow(trail, "http://a/x")


def test_plain_http_may_become_https_and_stay_plain():
    assert follow([parse_url("http://a/x")], "https://a/x").scheme == "https"
    assert follow([parse_url("http://a/x")], "http://b/x").host == "b"
