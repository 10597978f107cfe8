"""The paced server: what it answers, and that its rates are exact."""

import contextlib
import http.client
import socket
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.line import (
    GRACE,
    LARGEST_TURN,
    LAST_MODIFIED,
    RECORD,
    Asked,
    Line,
    Meter,
    Shape,
    Stats,
    answer,
    parse_request,
    satisfy,
    whole_records,
)
from tests.fakes.content import PERIOD, Pattern

SIZE = 3 * PERIOD + 17


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-1000", (10, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=100-", (100, 100)),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("", None),
    ],
)
def test_a_single_range_is_understood_and_everything_else_ignored(text, meant):
    assert satisfy(text, 100) == meant


@given(st.text(max_size=40))
def test_no_range_header_leads_outside_the_file(text):
    span = satisfy(f"bytes={text}", 100)

    assert span is None or (span[0] >= 0 and span[1] <= max(100, span[0]))


def test_a_request_is_read_with_its_fields_in_any_case():
    asked = parse_request("GET /film.mkv HTTP/1.1\r\nHost: a\r\nRANGE: bytes=1-2\r\nif-range: x")

    assert asked == Asked("GET", "/film.mkv", keep_alive=True, range="bytes=1-2", if_range="x")


@pytest.mark.parametrize(
    ("line", "field", "kept"),
    [
        ("GET / HTTP/1.1", "Host: a", True),
        ("GET / HTTP/1.1", "Connection: close", False),
        ("GET / HTTP/1.0", "Host: a", False),
        ("GET / HTTP/1.0", "Connection: Keep-Alive", True),
    ],
)
def test_a_connection_is_kept_as_its_client_wishes(line, field, kept):
    asked = parse_request(f"{line}\r\n{field}")

    assert asked is not None
    assert asked.keep_alive is kept


@given(st.text(max_size=60))
def test_what_is_no_request_is_no_request(text):
    asked = parse_request(text)

    assert asked is None or text.split("\r\n")[0].endswith(("HTTP/1.0", "HTTP/1.1"))


def ask(method="GET", span="", if_range=""):
    given = answer(Asked(method, "/f", True, span, if_range), 100, '"tag"')
    return given, given.head.decode().split("\r\n")[0]


def test_a_range_gets_206_and_the_whole_200():
    part, status = ask(span="bytes=10-19")
    assert (part.start, part.end, status) == (10, 20, "HTTP/1.1 206 Partial Content")
    assert b"Content-Range: bytes 10-19/100\r\n" in part.head
    assert b"Content-Length: 10\r\n" in part.head

    whole, status = ask()
    assert (whole.start, whole.end, status) == (0, 100, "HTTP/1.1 200 OK")


def test_a_changed_validator_gets_the_whole_and_the_right_ones_the_part():
    assert ask(span="bytes=10-19", if_range='"other"')[0].end == 100
    assert ask(span="bytes=10-19", if_range='"tag"')[0].end == 20
    assert ask(span="bytes=10-19", if_range=LAST_MODIFIED)[0].end == 20


def test_head_has_no_body_and_a_range_behind_the_end_416():
    head, status = ask(method="HEAD")
    assert (head.start, head.end, status) == (0, 0, "HTTP/1.1 200 OK")
    assert b"Content-Length: 100\r\n" in head.head
    assert ask(span="bytes=100-")[1] == "HTTP/1.1 416 Range Not Satisfiable"
    assert ask(method="PUT")[1] == "HTTP/1.1 405 Method Not Allowed"


@given(
    rate=st.floats(1e6, 2e9),
    lateness=st.lists(st.floats(0, GRACE * 0.9), min_size=20, max_size=60),
)
def test_a_rate_is_exact_as_long_as_nobody_is_later_than_the_grace(rate, lateness):
    meter, now, sent = Meter(rate, 0.0), 0.0, 0
    for late in lateness:
        now = max(now, meter.free_at + late)
        while meter.free_at <= now:
            meter.book(meter.turn(), now)
            sent += meter.turn()

    # Never more than one turn ahead of the line, and never behind it.
    assert rate * now <= sent <= rate * now + meter.turn() + 1


def test_what_is_left_lying_for_longer_than_the_grace_is_lost():
    meter = Meter(1e6, 0.0)
    meter.book(1, 10.0)

    assert meter.free_at == pytest.approx(10.0 - GRACE + 1e-6)


def test_no_rate_is_no_limit():
    meter = Meter(0, 0.0)
    meter.book(1 << 40, 1.0)

    assert meter.free_at == 0.0
    assert meter.turn() == LARGEST_TURN


@given(st.floats(0, 1e9))
def test_turns_are_whole_records_where_they_are_longer_than_one(count):
    turn = whole_records(count)

    assert 0 < turn <= LARGEST_TURN
    assert turn < RECORD or turn % RECORD == 0


def test_bursts_alternate_from_the_first_request_on():
    shape = Shape(rate=1, on=2, off=3)

    assert [shape.closed_for(at) for at in (0, 1.9, 2, 4, 5, 7.5)] == [0, 0, 3, 1, 0, 2.5]
    assert Shape().closed_for(100) == 0


def test_one_request_in_so_many_stalls_by_count():
    shape = Shape(stall_every=50, stall_from=3)

    assert [number for number in range(1, 200) if shape.stalls(number)] == [3, 53, 103, 153]
    assert not any(Shape().stalls(number) for number in range(1, 200))


@pytest.fixture
def port():
    """A line that serves, in a thread that ends with the process."""
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(listener, SIZE, Shape(stall_every=1000, stall_from=2, stall=0.001), None)
    threading.Thread(target=line.serve, daemon=True).start()
    return listener.getsockname()[1]


def test_it_serves_the_pattern_over_kept_connections(port):
    content = Pattern(SIZE)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        for start, end in ((0, SIZE), (PERIOD - 5, 2 * PERIOD + 5), (SIZE - 1, SIZE)):
            client.request("GET", "/film.mkv", headers={"Range": f"bytes={start}-{end - 1}"})
            given = client.getresponse()

            assert given.status == 206
            assert given.read() == content.read(start, end)


def test_it_counts_what_it_serves(port):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        for _ in range(2):
            client.request("GET", "/film.mkv", headers={"Range": "bytes=0-99"})
            client.getresponse().read()
        client.request("GET", "/stats")
        stats = msgspec.json.decode(client.getresponse().read(), type=Stats)

    assert stats == Stats(connections=1, most_connections=1, requests=2, stalled=1, sent=200)
