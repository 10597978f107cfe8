import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.errors import (
    FileChanged,
    LinkExpired,
    ServerBusy,
    ServerTrouble,
    TransferError,
    Unusable,
)
from engine.transfer.http1 import Framing, Head
from engine.transfer.ranges import Body, Expected, RangeIgnored, Redirect, check, is_strong

NOW = 1_700_000_000.0
ETAG = '"v1"'
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


def head(status, /, minor=1, **headers):
    """A head; `content_range="x"` stands for `Content-Range: x`."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items() if value]
    return Head(minor, status, "", tuple(named))


def part(content_range="bytes 10-19/100", content_length="10", **headers):
    return head(206, content_range=content_range, content_length=content_length, **headers)


def judge(answer, asked=(10, 20), **expected):
    return check(answer, asked=asked, expected=Expected(**expected), now=NOW)


def refused(error, answer, asked=(10, 20), **expected):
    with pytest.raises(error) as caught:
        judge(answer, asked, **expected)
    assert type(caught.value) is error
    return caught.value


def test_the_part_that_was_asked_for():
    answer = part(etag=ETAG, last_modified=DATE)

    assert judge(answer, size=100, etag=ETAG, last_modified=DATE) == Body(
        start=10,
        end=20,
        size=100,
        etag=ETAG,
        last_modified=DATE,
        keep_alive=True,
        framing=Framing.LENGTH,
        ranged=True,
    )


def test_the_first_answer_tells_the_size():
    body = judge(part("bytes 0-99/100", "100"), asked=(0, None))

    assert (body.start, body.end, body.size, body.etag) == (0, 100, 100, "")


@pytest.mark.parametrize("asked", [(10, 20), (10, 25), (10, None)])
def test_a_server_may_send_less_than_was_asked_for(asked):
    assert judge(part(), asked, size=100).end == 20


def test_a_part_may_come_in_chunks_or_until_the_end():
    chunked = judge(part(content_length="", transfer_encoding="chunked"))
    assert (chunked.framing, chunked.end, chunked.keep_alive) == (Framing.CHUNKED, 20, True)

    closing = judge(part(content_length=""))
    assert (closing.framing, closing.end, closing.keep_alive) == (Framing.UNTIL_CLOSE, 20, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes */100",
        "bytes 10-19/*",
        "bytes 10-19",
        "bytes=10-19/100",
        "items 10-19/100",
        "bytes 19-10/100",
        "bytes 10-100/100",
        "bytes -10-19/100",
        "bytes 10-19/0",
        f"bytes 10-19/{'9' * 19}",
        "bytes 10-19/100, bytes 30-39/100",
        # Not what was asked for:
        "bytes 9-18/100",
        "bytes 11-20/100",
        "bytes 10-20/100",
        "bytes 0-99/100",
    ],
)
def test_a_part_that_is_not_the_one_asked_for_is_trouble(text):
    refused(ServerTrouble, part(text, ""))


def test_a_length_that_is_not_the_ranges_is_trouble():
    refused(ServerTrouble, part(content_length="11"))
    refused(ServerTrouble, part(content_length="9"))


def test_another_total_is_another_file():
    error = refused(FileChanged, part(), size=101)

    assert "100 bytes instead of 101" in str(error)


def test_several_ranges_are_refused():
    refused(ServerTrouble, part(content_type="multipart/byteranges; boundary=x"))


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "DEFLATE"])
def test_a_compressed_body_is_refused(coding):
    assert "compressed" in str(refused(ServerTrouble, part(content_encoding=coding)))
    refused(ServerTrouble, head(200, content_length="100", content_encoding=coding), (0, None))


def test_identity_is_no_compression():
    assert judge(part(content_encoding="Identity")).size == 100


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_web_page_means_the_link_has_expired(kind):
    refused(LinkExpired, head(200, content_length="300", content_type=kind), size=100, etag=ETAG)
    page = head(200, content_length="300", content_type=kind, etag='"page"')
    refused(LinkExpired, page, (0, None), size=100, etag=ETAG)
    refused(LinkExpired, head(200, content_type=kind, content_encoding="gzip"))
    refused(LinkExpired, part(content_type=kind), size=100)


def test_a_file_that_is_a_web_page_may_be_fetched():
    page = head(200, content_length="300", content_type="text/html")

    assert judge(page, (0, None), html_ok=True).html
    assert not judge(part(content_type="video/x-matroska")).html


def test_a_whole_file_will_do_when_its_beginning_was_asked_for():
    body = judge(head(200, content_length="100", etag=ETAG), (0, 20), size=100)

    assert (body.start, body.end, body.size, body.ranged) == (0, 100, 100, False)
    assert judge(head(200, content_length="100"), (0, None)).size == 100
    assert judge(head(200, content_length="0"), (0, None)).end == 0


def test_a_whole_file_of_unknown_length_will_do_when_nothing_is_known():
    chunked = judge(head(200, transfer_encoding="chunked"), (0, None))
    assert (chunked.end, chunked.size, chunked.framing) == (None, None, Framing.CHUNKED)

    closing = judge(head(200, minor=0), (0, None))
    assert (closing.end, closing.framing, closing.keep_alive) == (None, Framing.UNTIL_CLOSE, False)


def test_a_whole_file_is_of_no_use_in_the_middle():
    refused(RangeIgnored, head(200, content_length="100"), (10, 20), size=100)
    refused(RangeIgnored, head(200, content_length="100"), (10, None))


def test_a_whole_body_of_another_size_is_not_the_file():
    # "rate limiting, please retry" comes as a text with status 200: no reason to give up.
    refused(
        ServerTrouble, head(200, content_length="27", content_type="text/plain"), (0, 9), size=9
    )
    refused(ServerTrouble, head(200, transfer_encoding="chunked"), (0, 9), size=9)
    refused(ServerTrouble, head(200), (0, 9), size=9)


def test_a_whole_file_with_another_validator_is_another_file():
    answer = head(200, content_length="120", etag='"v2"')

    refused(FileChanged, answer, (10, 20), size=100, etag=ETAG)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ((ETAG, DATE), (ETAG, DATE), False),
        ((ETAG, DATE), ('"v2"', DATE), True),
        ((ETAG, DATE), (ETAG, "another day"), False),
        ((ETAG, DATE), ("", DATE), False),
        ((ETAG, DATE), ("", "another day"), True),
        ((ETAG, ""), ('W/"v2"', ""), False),
        (('W/"v1"', DATE), ('W/"v2"', DATE), False),
        (('W/"v1"', DATE), ('"v2"', "another day"), True),
        (("", DATE), (ETAG, ""), False),
        (("", ""), (ETAG, DATE), False),
        ((ETAG, DATE), ("", ""), False),
    ],
)
def test_validators(before, after, changed):
    answer = part(etag=after[0], last_modified=after[1])
    expected = {"size": 100, "etag": before[0], "last_modified": before[1]}

    if changed:
        refused(FileChanged, answer, **expected)
    else:
        assert judge(answer, **expected).size == 100


def test_a_weak_etag_is_not_kept():
    assert judge(part(etag='W/"v1"', last_modified=DATE)).etag == ""


@pytest.mark.parametrize(
    ("etag", "strong"),
    [
        ('"a"', True),
        ('""', True),
        ('"\xe9"', True),
        ('W/"a"', False),
        ("a", False),
        ("", False),
        ('"a b"', False),
        ('"a"b"', False),
        ('"a\r\n"', False),
        ('"\u20ac"', False),
    ],
)
def test_strong_etags(etag, strong):
    assert is_strong(etag) is strong


def test_the_validator_for_if_range_is_the_best_there_is():
    assert Expected(etag=ETAG, last_modified=DATE).validator == ETAG
    assert Expected(etag='W/"a"', last_modified=DATE).validator == DATE
    assert Expected(etag='W/"a"').validator == ""
    assert Expected(last_modified="x\r\ny").validator == ""
    assert Expected().validator == ""


def test_an_empty_file_has_no_range():
    body = judge(head(416, content_range="bytes */0", content_length="0"), (0, None))
    assert (body.start, body.end, body.size, body.keep_alive) == (0, 0, 0, True)

    page = head(416, content_range="bytes */0", content_length="190", content_type="text/html")
    assert not judge(page, (0, 50), size=0).keep_alive


def test_a_range_that_can_not_be_satisfied():
    refused(FileChanged, head(416, content_range="bytes */90"), (95, 99), size=100)
    refused(FileChanged, head(416, content_range="bytes */0"), (0, None), size=100)
    refused(ServerTrouble, head(416, content_range="bytes */100"), (10, 20), size=100)
    refused(ServerTrouble, head(416, content_range="bytes */100"), (100, None))
    refused(ServerTrouble, head(416, content_range="bytes */0"), (10, None))
    refused(ServerTrouble, head(416))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, LinkExpired) for status in (400, 401, 403, 404, 410)),
        *((status, ServerBusy) for status in (429, 503)),
        *((status, ServerTrouble) for status in (500, 502, 504, 520, 521, 408, 421, 425)),
        *((status, Unusable) for status in (402, 405, 407, 412, 451)),
        *((status, ServerTrouble) for status in (201, 202, 203, 204, 300, 304, 305)),
    ],
)
def test_every_status_has_its_error(status, error):
    assert str(status) in str(refused(error, head(status)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (email.utils.formatdate(NOW + 30, usegmt=True), 30),
        (email.utils.formatdate(NOW + 30), 30),
        (email.utils.formatdate(NOW - 30, usegmt=True), 0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1" * 10, None),
        ("Tue, 99 Nov 2023 22:13:20 GMT", None),
    ],
)
def test_retry_after(text, seconds):
    assert refused(ServerBusy, head(429, retry_after=text)).retry_after == seconds


@given(st.text(st.characters(max_codepoint=255)))
def test_any_retry_after_is_a_wait_or_nothing(text):
    wait = refused(ServerBusy, head(503, retry_after=text)).retry_after

    assert wait is None or wait >= 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_returned(status):
    found = judge(head(status, location="https://b/secret"))

    assert found == Redirect(location="https://b/secret", status=status)
    assert repr(found) == f"Redirect({status})"


def test_a_location_in_raw_bytes_is_encoded_as_the_bytes_it_is():
    raw = "/Amélie 1.mkv".encode().decode("latin-1")

    assert judge(head(302, location=raw)).location == "/Am%C3%A9lie%201.mkv"


def test_a_redirect_must_say_where():
    refused(ServerTrouble, head(302))


VALUES = st.sampled_from(
    [
        "bytes 10-19/100",
        "bytes */100",
        "bytes */0",
        "10",
        "100",
        "0",
        "",
        "chunked",
        ETAG,
        "gzip",
        "text/html",
        "W/x",
        DATE,
        "https://b/",
    ]
) | st.text(st.characters(max_codepoint=255), max_size=30)
NAMES = [
    "content-range",
    "content-length",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "content-encoding",
    "transfer-encoding",
    "retry-after",
    "connection",
]


@given(
    st.integers(200, 599) | st.sampled_from([200, 206, 416]),
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8),
    st.sampled_from([(0, None), (0, 20), (10, 20), (10, None)]),
    st.sampled_from([None, 0, 100]),
)
def test_any_answer_is_judged(status, headers, asked, size):
    answer = Head(1, status, "", tuple(headers))
    try:
        found = check(answer, asked=asked, expected=Expected(size=size), now=NOW)
    except TransferError:
        return
    if isinstance(found, Body):
        assert found.start == asked[0]
        assert (found.end is None) == (found.size is None)
        if found.size is not None and found.end is not None:
            assert found.start <= found.end <= found.size
            assert size in (None, found.size)
        if found.ranged and asked[1] is not None:
            assert found.end <= asked[1]
