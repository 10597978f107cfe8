"""Heads of requests are bounded in bytes and in time, however they arrive."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.connections import LARGEST_HEAD, PATIENCE, Connection

GET = b"GET / HTTP/1.1\r\nHost: h\r\n"


class Wire(asyncio.Transport):
    """The server's side of a connection: what is written to it, and whether it was closed."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.sent, self.closed = b"", False

    def write(self, data):
        self.sent += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        """Read nothing more: nothing is read here anyway."""

    def resume_reading(self):
        """Read on."""


class Loop(asyncio.SelectorEventLoop):
    """A loop whose timers are told what time it is."""

    passed = 0.0

    def time(self):
        return super().time() + self.passed


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    settle(loop)
    loop.close()


async def ok(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def connection(loop):
    config = uvicorn.Config(ok, interface="asgi3", log_config=None, lifespan="off")
    made = Connection(config, ServerState(), {}, _loop=loop)
    made.connection_made(Wire())
    return made


def settle(loop, seconds=0.0):
    """Let the loop do what is due, `seconds` later."""
    loop.passed += seconds
    for _ in range(5):
        loop.run_until_complete(asyncio.sleep(0))


def test_a_request_that_comes_byte_by_byte_is_answered(connection, loop):
    for byte in GET + b"\r\n":
        connection.data_received(bytes([byte]))
    settle(loop)
    assert connection.transport.sent.startswith(b"HTTP/1.1 200")
    settle(loop, PATIENCE - 26)
    assert not connection.transport.closed


def test_headers_without_end_are_refused(connection, loop):
    connection.data_received(GET)
    for _ in range(LARGEST_HEAD // 1000 + 1):
        connection.data_received(b"X: " + b"x" * 995 + b"\r\n")
    settle(loop)
    assert connection.transport.sent.startswith(b"HTTP/1.1 431 ")
    assert connection.transport.closed


def test_a_request_line_without_end_is_refused(connection):
    for _ in range(LARGEST_HEAD // 1000 + 1):
        connection.data_received(b"GET /" if not connection._apart else b"x" * 1000)
    connection.data_received(b"x" * 1000)
    assert connection.transport.sent.startswith(b"HTTP/1.1 431 ")


def test_what_follows_a_head_does_not_count_for_it(connection, loop):
    body = b"x" * (2 * LARGEST_HEAD)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.data_received(head + body[:1000])
    connection.data_received(body[1000:])
    settle(loop)
    assert connection.transport.sent.startswith(b"HTTP/1.1 200")


def test_who_connects_and_says_nothing_is_not_waited_for_for_ever(connection, loop):
    settle(loop, PATIENCE - 1)
    assert not connection.transport.closed
    settle(loop, 2)
    assert connection.transport.sent.startswith(b"HTTP/1.1 408 ")
    assert connection.transport.closed


def test_who_begins_and_does_not_go_on_is_not_waited_for_for_ever(connection, loop):
    connection.data_received(GET + b"\r\n")
    settle(loop)
    connection.data_received(GET)
    settle(loop, PATIENCE + 1)
    assert connection.transport.sent.count(b"HTTP/1.1 408 ") == 1
    assert connection.transport.closed


def test_an_answer_may_take_longer_than_a_head(connection):
    connection.data_received(GET + b"\r\n")
    assert connection._deadline is None


def test_a_connection_that_is_lost_leaves_no_timer(connection, loop):
    connection.connection_lost(None)
    settle(loop, PATIENCE + 1)
    assert connection.transport.sent == b""


CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_trailers_without_end_are_refused(connection, loop):
    connection.data_received(CHUNKED + b"0\r\n")
    for _ in range(LARGEST_HEAD // 1000 + 1):
        connection.data_received(b"X: " + b"x" * 995 + b"\r\n")
    settle(loop)
    assert b"HTTP/1.1 431 " in connection.transport.sent
    assert connection.transport.closed


def test_a_chunk_size_without_end_is_refused(connection):
    connection.data_received(CHUNKED + b"1")
    for _ in range(LARGEST_HEAD // 1000 + 1):
        connection.data_received(b";" + b"x" * 999)
    assert connection.transport.closed


def test_a_body_of_many_chunks_is_read(connection, loop):
    connection.data_received(CHUNKED)
    for _ in range(200):
        connection.data_received(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    connection.data_received(b"0\r\nX: y\r\n\r\n")
    settle(loop)
    assert connection.transport.sent.startswith(b"HTTP/1.1 200")
    assert not connection.transport.closed
