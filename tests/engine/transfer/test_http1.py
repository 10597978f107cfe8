import http.client
import io
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.errors import ServerTrouble
from engine.transfer.http1 import (
    MAX_HEAD,
    MAX_HEADERS,
    Framing,
    Head,
    HeadParser,
    build_request,
)
from engine.transfer.urls import Url, parse_url

PART = (
    b"HTTP/1.1 206 Partial Content\r\n"
    b"Server: nginx\r\n"
    b"Content-Length: 5\r\n"
    b"Content-Range: bytes 0-4/10\r\n"
    b"Set-Cookie: a=1\r\n"
    b"set-cookie:\tb=2 \r\n"
    b"X-Empty:\r\n"
    b"\r\n"
)


def parse(data, cuts=()):
    """The outcome of feeding `data` cut at `cuts`: head and rest, None, or "trouble"."""
    parser = HeadParser()
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in itertools.pairwise(edges):
        try:
            found = parser.feed(data[start:end])
        except ServerTrouble:
            return "trouble"
        if found is not None:
            head, rest = found
            return head, rest + data[end:]
    return None


def head(*lines, status="HTTP/1.1 200 OK"):
    text = "\r\n".join([status, *lines, "", ""])
    found = parse(text.encode("latin-1"))
    assert found is not None
    assert found != "trouble"
    return found[0]


def test_a_request_for_a_range():
    url = parse_url("https://cdn.example:8443/dl/abc?sig=x%2By")

    assert build_request(url, 10, 20, validator='"v1"') == (
        b"GET /dl/abc?sig=x%2By HTTP/1.1\r\n"
        b"Host: cdn.example:8443\r\n"
        b"User-Agent: alldebrid-client\r\n"
        b"Accept: */*\r\n"
        b"Accept-Encoding: identity\r\n"
        b"Range: bytes=10-19\r\n"
        b'If-Range: "v1"\r\n'
        b"Connection: keep-alive\r\n"
        b"\r\n"
    )


def test_a_request_without_an_end_or_a_validator():
    lines = build_request(parse_url("http://[::1]/x"), 7).split(b"\r\n")

    assert b"Range: bytes=7-" in lines
    assert b"Host: [::1]" in lines
    assert not any(line.lower().startswith((b"if-range", b"authorization")) for line in lines)


def test_a_request_carries_authorization_and_extra_headers():
    url = parse_url("http://user:word@a/x")
    lines = build_request(url, 0, headers=[("User-Agent", "other/1"), ("X-Name", "é")]).split(
        b"\r\n"
    )

    assert b"Authorization: Basic dXNlcjp3b3Jk" in lines
    assert b"X-Name: \xe9" in lines
    assert [line for line in lines if line.startswith(b"User-Agent")] == [b"User-Agent: other/1"]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (5, 4)])
def test_an_empty_range_can_not_be_asked_for(start, end):
    with pytest.raises(ValueError, match="no byte"):
        build_request(parse_url("http://a/"), start, end)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "a\0b"),
        ("X", " a"),
        ("X", "\u20ac"),
        ("X\r\nY", "a"),
        ("X Y", "a"),
        ("", "a"),
        ("Range", "bytes=0-0"),
        ("hOST", "b"),
    ],
)
def test_a_header_can_not_be_smuggled_in(name, value):
    with pytest.raises(ValueError, match="header"):
        build_request(parse_url("http://a/"), 0, headers=[(name, value)])


def test_a_validator_can_not_smuggle_a_header_in():
    with pytest.raises(ValueError, match="If-Range"):
        build_request(parse_url("http://a/"), 0, validator='"a"\r\nX: y')


@pytest.mark.parametrize("target", ["/x HTTP/1.1\r\nY: z", "/a b", "x", "", "/é"])
def test_a_target_that_was_not_parsed_is_refused(target):
    url = Url(scheme="http", host="a", port=80, target=target)

    with pytest.raises(ValueError, match="encoded"):
        build_request(url, 0)


@given(st.text(), st.text())
def test_no_input_adds_a_line_to_a_request(name, value):
    plain = build_request(parse_url("http://a/"), 0).count(b"\n")
    try:
        request = build_request(parse_url("http://a/"), 0, headers=[(name, value)])
    except ValueError:
        return
    assert request.count(b"\n") in (plain, plain + 1)  # replaced or added
    assert request.count(b"\r\n\r\n") == 1


def test_a_head_is_read_with_the_body_behind_it():
    found, rest = parse(PART + b"01234")

    assert rest == b"01234"
    assert (found.minor, found.status, found.reason) == (1, 206, "Partial Content")
    assert found.one("CONTENT-length") == "5"
    assert found.length == 5
    assert found.values("Set-Cookie") == ("a=1", "b=2")
    assert found.values("X-Empty") == ("",)
    assert found.one("ETag") == ""
    assert found.headers[0] == ("server", "nginx")


def test_repr_tells_no_header():
    assert repr(head("Location: https://secret/")) == "Head(200, 1 headers)"
    parser = HeadParser()
    parser.feed(PART[:60])
    assert repr(parser) == "HeadParser(60 bytes, 2 lines)"


def test_the_parser_knows_whether_anything_came():
    parser = HeadParser()
    assert not parser.started

    parser.feed(b"H")
    assert parser.started


@given(st.lists(st.integers(0, len(PART) + 5)))
def test_the_split_makes_no_difference(cuts):
    assert parse(PART + b"01234", cuts) == parse(PART + b"01234")


def test_byte_by_byte_is_the_same():
    data = b"HTTP/1.1 100 Continue\r\n\r\n" + PART + b"x"

    assert parse(data, range(len(data))) == parse(data) != "trouble"


ODDITIES = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 103 Early\n",
            b"HTTP/1.0 404\n",
            b"HTTP/1.1 ",
            b"A: b\r\n",
            b" folded\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b":",
            b"\xff",
            b"x" * 1000,
            b"y" * 40_000,
        ]
    )
    | st.binary(max_size=5),
    max_size=12,
).map(b"".join)


@given(ODDITIES, st.lists(st.integers(0, 90_000), max_size=20))
def test_garbage_is_trouble_in_any_split_and_nothing_worse(data, cuts):
    whole = parse(data)

    assert parse(data, cuts) == whole
    if isinstance(whole, tuple):
        assert 200 <= whole[0].status <= 599


@given(st.binary())
def test_any_bytes_after_a_status_line(data):
    found = parse(b"HTTP/1.1 200 OK\r\n" + data)

    assert found in (None, "trouble") or found[0].status == 200


HEADERS = st.lists(
    st.tuples(
        st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=10),
    ),
    max_size=8,
)


@given(HEADERS)
def test_a_head_reads_like_the_standard_library_reads_it(headers):
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    found = parse(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")

    theirs = http.client.parse_headers(io.BytesIO(lines + b"\r\n"))
    assert found is not None
    assert list(found[0].headers) == [(name.lower(), value) for name, value in theirs.items()]


def test_interim_answers_are_skipped():
    data = b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + PART

    assert parse(data)[0].status == 206


def test_bare_line_feeds_and_a_missing_reason_are_tolerated():
    found = parse(b"HTTP/1.0 200\nA: b\n\nbody")

    assert found == (Head(0, 200, "", (("a", "b"),)), b"body")


@pytest.mark.parametrize(
    "data",
    [
        b"S",
        b"HTTQ",
        b"HTTP/2 200 OK\r\n",
        b"HTTP/1.2 200 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 600 What\r\n\r\n",
        b"HTTP/1.1 099 What\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"<html>",
    ],
)
def test_nonsense_is_trouble(data):
    assert parse(data + b"\r\n\r\n") == "trouble"
    assert parse(data + b"\r\n\r\n", range(len(data))) == "trouble"


def test_a_server_of_another_protocol_is_seen_at_its_first_byte():
    with pytest.raises(ServerTrouble, match=r"HTTP/1\.1"):
        HeadParser().feed(b"S")


def padded(size):
    """A valid head of exactly `size` bytes."""
    frame = b"HTTP/1.1 200 OK\r\nA: %b\r\n\r\n"
    return frame % (b"x" * (size - len(frame) + 2))


def test_a_head_may_have_its_limit_and_no_byte_more():
    for split in ((), (MAX_HEAD - 1,), (MAX_HEAD,), (100, MAX_HEAD + 1)):
        assert parse(padded(MAX_HEAD) + b"rest", split)[1] == b"rest"
        assert parse(padded(MAX_HEAD + 1) + b"rest", split) == "trouble"


def test_interim_answers_count_towards_the_limit():
    assert parse(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000) == "trouble"


def test_headers_are_counted():
    lines = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * MAX_HEADERS

    assert len(parse(lines + b"\r\n")[0].headers) == MAX_HEADERS
    assert parse(lines + b"A: b\r\n\r\n") == "trouble"


def test_the_longest_head_byte_by_byte_takes_linear_work():
    before = time.process_time()

    assert parse(padded(MAX_HEAD), range(MAX_HEAD)) != "trouble"
    assert parse(b"HTTP/1.1 200 " + b"x" * MAX_HEAD, range(2 * MAX_HEAD)) == "trouble"
    assert time.process_time() - before < 2


def test_one_value_may_be_repeated_but_not_contradicted():
    assert head("Content-Length: 5", "Content-Length: 5").length == 5
    with pytest.raises(ServerTrouble, match="several different Content-Length"):
        _ = head("Content-Length: 5", "Content-Length: 6").length


@pytest.mark.parametrize("text", ["-1", "+1", "1.0", "0x5", "5, 5", "five", "1" * 19, "\xb2"])
def test_a_length_is_a_plain_number(text):
    with pytest.raises(ServerTrouble, match="no number"):
        _ = head(f"Content-Length: {text}").length


@pytest.mark.parametrize(
    ("lines", "framing"),
    [
        (["Content-Length: 0"], Framing.LENGTH),
        (["Transfer-Encoding: Chunked"], Framing.CHUNKED),
        ([], Framing.UNTIL_CLOSE),
    ],
)
def test_framing(lines, framing):
    assert head(*lines).framing is framing


@pytest.mark.parametrize(
    "lines",
    [
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ],
)
def test_framing_that_could_be_misread_is_refused(lines):
    with pytest.raises(ServerTrouble):
        _ = head(*lines).framing


def test_an_old_server_has_no_chunks():
    with pytest.raises(ServerTrouble):
        _ = head("Transfer-Encoding: chunked", status="HTTP/1.0 200 OK").framing


@pytest.mark.parametrize(
    ("status", "lines", "expected"),
    [
        ("HTTP/1.1 200 OK", ["Content-Length: 1"], True),
        ("HTTP/1.1 200 OK", ["Transfer-Encoding: chunked"], True),
        ("HTTP/1.1 200 OK", ["Content-Length: 1", "Connection: x, Close"], False),
        ("HTTP/1.1 200 OK", [], False),
        ("HTTP/1.0 200 OK", ["Content-Length: 1"], False),
        ("HTTP/1.0 200 OK", ["Content-Length: 1", "Connection: Keep-Alive"], True),
    ],
)
def test_keep_alive(status, lines, expected):
    assert head(*lines, status=status).keep_alive is expected
