import contextlib
import gzip
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
import warnings

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.certificates import WRONG, Certificate
from tests.fakes.filehost import FileHost, Pattern, fetched_again

FILM = Pattern(3_000_000, seed=7)
CONTENT = FILM.read()
PATH = "/season 1/film.mkv"
SMALL = bytes(range(256)) * 4


@pytest.fixture
def host():
    with FileHost({PATH: FILM, "/small.txt": SMALL, "/empty": b""}) as running:
        yield running


@pytest.fixture
def connection(host):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)) as made:
        yield made


def ask(connection, url, span=None, method="GET", **headers):
    """Send a request with http.client; returns the response, not read yet."""
    parts = urllib.parse.urlsplit(url)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if span:
        sent["Range"] = f"bytes={span}"
    connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), None, sent)
    return connection.getresponse()


def small(host, connection, span=None, **headers):
    """Fetch the small file; returns status and body."""
    response = ask(connection, host.url("/small.txt"), span, **headers)
    return response.status, response.read()


# Served right.


def test_a_whole_file(host, connection):
    response = ask(connection, host.url(PATH))

    assert response.status == 200
    assert response.getheader("Content-Length") == "3000000"
    assert response.getheader("Accept-Ranges") == "bytes"
    assert response.getheader("ETag")
    assert response.getheader("Last-Modified") == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert response.read() == CONTENT


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        ("0-0", 0, 1),
        ("10-19", 10, 20),
        ("1048000-1050000", 1_048_000, 1_050_001),
        ("2999990-", 2_999_990, 3_000_000),
        ("2999990-9999999", 2_999_990, 3_000_000),
        ("-7", 2_999_993, 3_000_000),
        ("-9999999", 0, 3_000_000),
    ],
)
def test_a_range(host, connection, span, start, end):
    response = ask(connection, host.url(PATH), span)

    assert response.status == 206
    assert response.getheader("Content-Range") == f"bytes {start}-{end - 1}/3000000"
    assert response.read() == CONTENT[start:end]


@pytest.mark.parametrize("span", ["5-4", "-", "a-b", "0-1,5-6"])
def test_a_range_that_means_nothing_is_ignored(host, connection, span):
    assert small(host, connection, span) == (200, SMALL)


@pytest.mark.parametrize(("path", "span"), [("/small.txt", "1024-"), ("/empty", "0-")])
def test_a_range_behind_the_end(host, connection, path, span):
    response = ask(connection, host.url(path), span)

    assert response.status == 416
    assert response.getheader("Content-Range") == f"bytes */{1024 if path != '/empty' else 0}"
    assert response.read() == b"no such range"


def test_if_range(host, connection):
    response = ask(connection, host.url("/small.txt"), method="HEAD")
    response.read()
    etag, date = response.getheader("ETag"), response.getheader("Last-Modified")

    assert small(host, connection, "0-4", If_Range=etag)[0] == 206
    assert small(host, connection, "0-4", If_Range=date)[0] == 206
    assert small(host, connection, "0-4", If_Range='"other"') == (200, SMALL)
    assert small(host, connection, "0-4", If_Range=f"W/{etag}")[0] == 200
    host.changes_file("/small.txt", etag='W/"weak"')
    assert small(host, connection, "0-4", If_Range='W/"weak"')[0] == 200


def test_if_range_may_be_ignored(host, connection):
    host.ignores_conditions()

    assert small(host, connection, "0-4", If_Range='"other"') == (206, SMALL[:5])


def test_head_has_no_body(host, connection):
    response = ask(connection, host.url(PATH), "0-9", method="HEAD")

    assert (response.status, response.getheader("Content-Length")) == (206, "10")
    assert response.read() == b""
    assert small(host, connection)[0] == 200  # nothing was left over
    assert host.served == len(SMALL)


def test_other_methods_and_paths(host, connection):
    response = ask(connection, host.url(PATH), method="DELETE")
    assert (response.status, response.read()) == (405, b"")

    response = ask(connection, host.url("/other"))
    assert (response.status, response.read()) == (404, b"gone")


def test_a_query_belongs_to_the_link_and_is_recorded(host, connection):
    ask(connection, host.url("/small.txt") + "?sig=a%20b").read()

    assert host.requests[0].target == "/small.txt?sig=a%20b"


def test_a_connection_is_kept_and_counted(host, connection):
    for _ in range(3):
        small(host, connection, "0-4")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", host.port)) as other:
        small(host, other, Connection="close")
        host.wait_until_idle()

    assert [asked.connection for asked in host.requests] == [1, 1, 1, 2]
    assert (host.connections, host.peak_connections, host.peak_active) == (2, 2, 1)


def test_requests_are_recorded(host, connection):
    ask(connection, host.url(PATH), "100-199", X_Name="value").read()
    small(host, connection)
    host.wait_until_idle()

    first, second = host.requests
    assert (first.number, first.method, first.path) == (1, "GET", PATH)
    assert (first.range, first.status, first.sent) == ((100, 200), 206, 100)
    assert first.headers["x-name"] == "value"
    assert (second.range, second.status, second.sent) == (None, 200, 1024)
    assert host.served == 1124
    assert host.served_ranges(PATH) == [(100, 200)]
    assert not host.complaints


def test_what_was_fetched_twice_is_known(host, connection):
    for span in ("0-99", "50-149", "200-299"):
        small(host, connection, span)
    host.wait_until_idle()

    assert host.served_again("/small.txt") == 50


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple)))
def test_bytes_fetched_again_are_all_that_are_not_new(ranges):
    everything = [at for start, end in ranges for at in range(start, end)]

    assert fetched_again(ranges) == len(everything) - len(set(everything))


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    ],
)
def test_a_request_that_breaks_the_rules_is_refused_and_listed(host, request_text):
    with socket.create_connection(("127.0.0.1", host.port), 10) as raw:
        raw.sendall(request_text)
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")

    assert len(host.complaints) == 1


def test_http_1_0_closes_unless_asked_to_keep(host):
    with socket.create_connection(("127.0.0.1", host.port), 10) as raw:
        raw.sendall(b"HEAD /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"Connection: keep-alive" in raw.recv(4096)
        raw.sendall(b"HEAD /small.txt HTTP/1.0\r\n\r\n")
        assert b"Connection: close" in raw.recv(4096)
        assert raw.recv(1) == b""


def test_two_requests_in_one_packet_are_two_requests(host):
    one = b"GET /small.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\n\r\n"
    with socket.create_connection(("127.0.0.1", host.port), 10) as raw:
        raw.sendall(one + one.replace(b"1.1\r\n", b"1.1\r\nConnection: close\r\n"))
        with raw.makefile("rb") as stream:
            assert stream.read().count(SMALL[:4]) == 2


def test_ipv6():
    with FileHost({"/small.txt": SMALL}, ipv6=True) as host:
        assert host.url("/small.txt", name="::1") == f"http://[::1]:{host.port}/small.txt"
        for name in ("::1", "127.0.0.1"):
            with contextlib.closing(http.client.HTTPConnection(name, host.port)) as connection:
                assert small(host, connection) == (200, SMALL)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_tls(name):
    with FileHost({PATH: FILM}, tls=True) as host:
        context = ssl.create_default_context(cafile=host.ca_file)
        with contextlib.closing(
            http.client.HTTPSConnection(name, host.port, context=context)
        ) as connection:
            url = host.url(PATH, name=name)
            assert url.startswith(f"https://{name}:")
            assert ask(connection, url).read() == CONTENT
            assert ask(connection, url, "5-9").read() == CONTENT[5:10]


@pytest.mark.parametrize("certificate", WRONG)
def test_a_certificate_may_be_wrong(certificate):
    with FileHost(tls=True, certificate=certificate) as host:
        context = ssl.create_default_context(cafile=host.ca_file)
        with (
            contextlib.closing(
                http.client.HTTPSConnection("127.0.0.1", host.port, context=context)
            ) as connection,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            connection.request("GET", "/")


# Files that change, links that end.


def test_a_file_may_change(host, connection):
    before = ask(connection, host.url("/small.txt"))
    before.read()
    host.changes_file("/small.txt", b"new")
    after = ask(connection, host.url("/small.txt"))

    assert after.read() == b"new"
    assert after.getheader("ETag") != before.getheader("ETag")
    assert after.getheader("Last-Modified") != before.getheader("Last-Modified")


def test_only_the_validator_may_change(host, connection):
    host.changes_file("/small.txt", etag='"x"')
    response = ask(connection, host.url("/small.txt"))

    assert (response.getheader("ETag"), response.read()) == ('"x"', SMALL)


def test_files_may_be_added(host, connection):
    assert ask(connection, host.adds_file("/more", b"more")).read() == b"more"


def test_a_link_expires_and_is_renewed(host, connection):
    old = host.url(PATH)
    host.expires(PATH, status=410)
    assert ask(connection, old, "0-4").status == 410
    connection.close()

    fresh = host.renew(PATH)
    assert fresh != old
    assert ask(connection, fresh, "0-4").read() == CONTENT[:5]
    assert host.url(PATH) == fresh
    assert ask(connection, old, "0-4").status == 410
    connection.close()
    assert host.requests[1].path == PATH

    host.expires(PATH)
    assert ask(connection, fresh, "0-4").status == 403
    assert host.renew(PATH) not in (old, fresh)


# Connections that break.


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_closes_in_the_middle_once(tls):
    with FileHost({PATH: FILM}, tls=tls) as host, closing_connection(host) as connection:
        fault = host.closes_after(1_500_000)
        response = ask(connection, host.url(PATH))
        with pytest.raises((http.client.IncompleteRead, ssl.SSLEOFError)) as caught:
            response.read()
        connection.close()

        assert ask(connection, host.url(PATH)).read() == CONTENT
        host.wait_until_idle()
        if isinstance(caught.value, http.client.IncompleteRead):
            assert caught.value.partial == CONTENT[:1_500_000]
        assert host.requests[0].sent == 1_500_000
        assert fault.hits == 1


@contextlib.contextmanager
def closing_connection(host):
    if host.ca_file:
        context = ssl.create_default_context(cafile=host.ca_file)
        made = http.client.HTTPSConnection("127.0.0.1", host.port, context=context, timeout=10)
    else:
        made = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    with contextlib.closing(made):
        yield made


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_is_reset(tls):
    with FileHost({PATH: FILM}, tls=tls) as host, closing_connection(host) as connection:
        fault = host.resets_after(0)
        # Python's TLS takes a reset for an early end.
        early = http.client.IncompleteRead if tls else ConnectionResetError
        with pytest.raises(early):
            ask(connection, host.url(PATH)).read()
        fault.wait()


def test_a_break_waits_for_an_answer_that_is_long_enough(host, connection):
    fault = host.closes_after(100)
    assert small(host, connection, "0-99")[0] == 206
    assert fault.hits == 0

    response = ask(connection, host.url("/small.txt"), "0-100")
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    assert caught.value.partial == SMALL[:100]


@pytest.mark.parametrize("place", [512, 0.5])
def test_a_break_may_be_at_a_place_of_the_file(host, connection, place):
    host.closes_at(place)
    assert small(host, connection, "0-511")[0] == 206
    assert small(host, connection, "513-")[0] == 206

    with pytest.raises(http.client.IncompleteRead) as caught:
        small(host, connection, "500-600")
    assert caught.value.partial == SMALL[500:512]


def test_a_reset_may_be_at_a_place_of_the_file(host, connection):
    host.resets_at(0)

    with pytest.raises(ConnectionResetError):
        small(host, connection)


def test_the_host_may_hang_up(host, connection):
    host.hangs_up()

    with pytest.raises(http.client.RemoteDisconnected):
        small(host, connection)
    assert (host.requests[0].status, host.served) == (0, 0)


# For whom a fault is meant.


def test_a_fault_may_be_for_the_nth_request_only(host, connection):
    host.answers(500, nth=2)

    assert [small(host, connection)[0] for _ in range(4)] == [200, 500, 200, 200]


def test_a_fault_may_be_for_one_file_only(host, connection):
    host.answers(500, path=PATH)

    assert small(host, connection)[0] == 200
    assert ask(connection, host.url(PATH)).status == 500


def test_a_fault_may_be_for_requests_that_cover_a_place(host, connection):
    with host.answers(500, covering=0.5, times=None) as fault:
        assert small(host, connection, "0-511")[0] == 206
        assert small(host, connection, "512-600")[0] == 500
        assert small(host, connection, "0-600")[0] == 500
        assert fault.hits == 2
        assert repr(fault) == "Fault(REPLACE, hits=2)"

    assert small(host, connection, "0-600")[0] == 206
    assert repr(fault) == "Fault(REPLACE, hits=2, lifted)"


def test_faults_may_act_together_but_not_on_an_answer_that_was_replaced(host, connection):
    host.trickles(1e9)
    cut = host.closes_after(0)
    host.busy(times=1)

    assert small(host, connection)[0] == 503
    assert cut.hits == 0
    with pytest.raises(http.client.IncompleteRead):
        small(host, connection)


# Time.


@pytest.mark.parametrize("tls", [False, True])
def test_a_stalled_answer_goes_on_when_released(tls):
    with FileHost({PATH: FILM}, tls=tls) as host, closing_connection(host) as connection:
        stall = host.stalls_after(1000)
        response = ask(connection, host.url(PATH))
        stall.wait()
        assert response.read(1000) == CONTENT[:1000]
        assert host.requests[0].sent == 1000

        stall.release()
        assert response.read() == CONTENT[1000:]


def test_a_stall_may_be_at_a_place_of_the_file(host, connection):
    with host.stalls_at(0.5) as stall:
        response = ask(connection, host.url("/small.txt"), "500-")
        stall.wait()
        assert response.read(12) == SMALL[500:512]

    assert response.read() == SMALL[512:]  # a fault that ends lets go


def test_a_stalled_answer_ends_when_the_client_goes(host, connection):
    stall = host.stalls_after(10)
    response = ask(connection, host.url("/small.txt"))
    stall.wait()
    response.close()
    connection.close()

    host.wait_until_idle()


def test_a_stalled_host_can_be_stopped(host, connection):
    stall = host.stalls_after(10)
    response = ask(connection, host.url("/small.txt"))
    stall.wait()
    host.stop()

    with pytest.raises(http.client.IncompleteRead):
        response.read()


def test_a_slow_line_is_slow_over_all_answers_of_a_connection(host, connection):
    host.trickles(20_000)
    before = time.monotonic()
    for _ in range(2):
        assert small(host, connection) == (200, SMALL)

    assert time.monotonic() - before >= 0.09  # 2048 bytes at 20 kB/s


def test_the_first_byte_may_be_late(host, connection):
    host.first_byte_after(0.05, times=1)
    before = time.monotonic()

    assert small(host, connection) == (200, SMALL)
    assert time.monotonic() - before >= 0.05


def test_more_requests_at_once_than_allowed_are_refused(host, connection):
    host.max_connections(1)
    stall = host.stalls_after(10)
    first = ask(connection, host.url("/small.txt"))
    stall.wait()
    with closing_connection(host) as other:
        assert small(host, other) == (503, b"too many connections")
        stall.release()
        assert first.read() == SMALL
        host.wait_until_idle()
        assert small(host, other) == (200, SMALL)
    assert host.peak_active == 2


# Other answers.


def test_any_answer(host, connection):
    host.answers(418, {"X-Tea": "green"}, b"short and stout")
    response = ask(connection, host.url(PATH), "0-9")

    assert (response.status, response.getheader("X-Tea")) == (418, "green")
    assert response.read() == b"short and stout"
    assert ask(connection, host.url(PATH), "0-9").read() == CONTENT[:10]
    assert host.served == 10


def test_busy(host, connection):
    host.busy(times=2, retry_after=7)
    host.busy(times=1, status=429)

    for status, wait in [(503, "7"), (503, "7"), (429, None)]:
        response = ask(connection, host.url(PATH), "0-9")
        assert (response.status, response.getheader("Retry-After")) == (status, wait)
        response.read()
    assert small(host, connection)[0] == 200


def test_redirects(host, connection):
    host.redirects(host.url("/small.txt"), path=PATH)
    response = ask(connection, host.url(PATH))

    assert (response.status, response.getheader("Location")) == (302, host.url("/small.txt"))
    response.read()
    assert small(host, connection)[0] == 200


def test_a_web_page(host, connection):
    host.sends_html()
    response = ask(connection, host.url(PATH), "0-9")

    assert response.status == 200
    assert response.getheader("Content-Type").startswith("text/html")
    assert b"Server not allowed" in response.read()


# Other bodies and heads.


def test_ranges_may_be_ignored(host, connection):
    host.ignores_ranges()
    response = ask(connection, host.url("/small.txt"), "10-19")

    assert (response.status, response.getheader("Content-Range")) == (200, None)
    assert response.getheader("Content-Length") == "1024"
    assert response.read() == SMALL


def test_a_body_may_be_compressed(host, connection):
    host.compresses()
    response = ask(connection, host.url("/small.txt"), "0-499")

    assert response.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(response.read()) == SMALL[:500]


def test_a_body_may_come_in_chunks(host, connection):
    host.ignores_ranges()
    host.sends_chunked(100_000)
    response = ask(connection, host.url(PATH), "5-")

    assert (response.status, response.getheader("Content-Length")) == (200, None)
    assert response.read() == CONTENT
    assert small(host, connection)[1] == SMALL


@pytest.mark.parametrize("tls", [False, True])
def test_a_body_may_end_with_the_connection(tls):
    with FileHost({PATH: FILM}, tls=tls) as host, closing_connection(host) as connection:
        host.sends_until_close()
        response = ask(connection, host.url(PATH))

        assert response.getheader("Content-Length") is None
        assert response.read() == CONTENT


@pytest.mark.parametrize("place", [1_200_000, 0.4])
def test_a_byte_may_be_wrong(host, connection, place):
    host.corrupts(place)
    assert ask(connection, host.url(PATH), "0-99").read() == CONTENT[:100]
    bad = ask(connection, host.url(PATH), "100-").read()

    assert [at for at in range(len(bad)) if bad[at] != CONTENT[at + 100]] == [1_199_900]
    assert ask(connection, host.url(PATH)).read() == CONTENT


def test_lies_about_the_range(host, connection):
    host.lies_about_range(shift=100)
    host.lies_about_range("bytes nonsense", nth=2)
    found = []
    for _ in range(3):
        response = ask(connection, host.url("/small.txt"), "0-9")
        found.append(response.getheader("Content-Range"))
        assert response.read() == SMALL[:10]

    assert found == ["bytes 100-109/1024", "bytes nonsense", "bytes 0-9/1024"]


@pytest.mark.parametrize("total", [999, "*"])
def test_lies_about_the_total(host, connection, total):
    host.lies_about_total(total)
    assert small(host, connection)[0] == 200  # no range, no lie
    response = ask(connection, host.url("/small.txt"), "0-9")

    assert response.getheader("Content-Range") == f"bytes 0-9/{total}"
    assert response.read() == SMALL[:10]


def test_headers_may_be_wrong_or_missing(host, connection):
    host.sends_headers({"Content-Type": "text/plain", "Accept-Ranges": None})
    host.sends_no_validators()
    response = ask(connection, host.url("/small.txt"))
    response.read()

    assert response.getheader("Content-Type") == "text/plain"
    for name in ("Accept-Ranges", "ETag", "Last-Modified"):
        assert response.getheader(name) is None


def test_an_oversized_head(host, connection):
    host.sends_oversized_head()

    with pytest.raises(http.client.LineTooLong):
        small(host, connection)


@pytest.mark.parametrize("tls", [False, True])
def test_a_head_in_many_pieces(tls):
    with FileHost({"/small.txt": SMALL}, tls=tls) as host, closing_connection(host) as connection:
        host.splits_head_every(1)
        assert small(host, connection) == (200, SMALL)
        if tls:  # where a record is a receive, however fast the line is
            connection.sock.sendall(b"HEAD /small.txt HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.sock.recv(100) == b"H"


# The host itself.


def test_many_clients_at_once(host):
    parts = {}

    def fetch(number):
        span = f"{number * 100_000}-{number * 100_000 + 99_999}"
        with closing_connection(host) as connection:
            parts[number] = ask(connection, host.url(PATH), span).read()

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert b"".join(parts[number] for number in range(30)) == CONTENT
    assert host.connections == 30
    assert host.served_again(PATH) == 0


def test_waiting_for_requests(host, connection):
    waiter = threading.Thread(target=host.wait_for_requests, args=(2,))
    waiter.start()
    small(host, connection)
    small(host, connection)
    waiter.join(10)

    assert not waiter.is_alive()
    assert repr(host) == f"<FileHost port={host.port} files=3 requests=2 open=1>"


@pytest.mark.parametrize("tls", [False, True])
def test_a_host_leaves_nothing_behind(tls):
    def once():
        with FileHost({PATH: FILM}, tls=tls) as host, closing_connection(host) as connection:
            host.stalls_after(5, nth=2)
            ask(connection, host.url(PATH)).read()
            response = ask(connection, host.url(PATH))
            raw = socket.create_connection(("127.0.0.1", host.port))  # and never a word
            return response, raw

    process = psutil.Process()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = process.num_fds(), threading.active_count()
        for _ in range(3):
            response, raw = once()
            raw.close()
            response.close()
        assert (process.num_fds(), threading.active_count()) == before


def test_stopping_twice_is_stopping_once(host):
    host.stop()
    host.stop()

    assert host.open_connections == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", host.port))


# The world goes on.


def test_something_may_happen_while_a_request_is_answered(host, connection):
    fault = host.meanwhile(lambda: host.expires("/small.txt", status=410), covering=5)

    assert small(host, connection, "0-4") == (206, SMALL[:5])
    assert small(host, connection, "5-9") == (206, SMALL[5:10])  # its own answer is as it was
    assert small(host, connection, "0-4")[0] == 410
    assert fault.hits == 1


@pytest.mark.parametrize("place", [1, 9, 40, 1000])
def test_a_head_in_two_pieces(host, connection, place):
    fault = host.splits_head_at(place)

    assert small(host, connection, "5-9") == (206, SMALL[5:10])
    assert fault.hits == 1


def test_when_requests_came_is_recorded(host, connection):
    before = time.monotonic()
    small(host, connection)
    small(host, connection)

    first, second = (asked.at for asked in host.requests)
    assert before <= first <= second <= time.monotonic()


def test_another_certificate_may_be_shown_from_now_on():
    with FileHost({"/small.txt": SMALL}, tls=True) as host:
        context = ssl.create_default_context(cafile=host.ca_file)
        for certificate in (Certificate.EXPIRED, Certificate.GOOD):
            host.shows(certificate)
            with contextlib.closing(
                http.client.HTTPSConnection("127.0.0.1", host.port, context=context)
            ) as connection:
                if certificate is Certificate.GOOD:
                    assert small(host, connection) == (200, SMALL)
                else:
                    with pytest.raises(ssl.SSLCertVerificationError):
                        connection.connect()
