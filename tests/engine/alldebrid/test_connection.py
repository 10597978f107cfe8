"""What connections do: kept, given up, and what servers may send over them, byte for byte."""

import asyncio
import gc
import gzip
import socket
import zlib

import pytest

from engine.alldebrid import errors, transport
from engine.alldebrid.errors import ApiError
from engine.alldebrid.transport import CONNECTIONS, Transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request on each connection with what the test says, and counts."""

    def __init__(self):
        self.answer = ANSWER
        self.requests = []
        self.connections = 0
        self.open = 0
        self.changed = asyncio.Event()
        self.closes = False
        """Close after each answer, without a word."""
        self.silent = False

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        try:
            while request := await self.request(reader):
                self.requests.append(request)
                self.tell()
                if not self.silent:
                    writer.write(self.answer)
                    await writer.drain()
                if self.closes:
                    return
        finally:
            self.open -= 1
            self.tell()
            writer.close()

    async def request(self, reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return b""
        length = int(dict(headers_of(head)).get("content-length", 0))
        return head + await reader.readexactly(length)

    def tell(self):
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, condition):
        async with asyncio.timeout(5):
            while not condition():
                await self.changed.wait()


def headers_of(head):
    for line in head.decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        yield name.lower(), value


@pytest.fixture
async def server():
    served = Server()
    listener = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v4/user"
    yield served
    listener.close()
    await listener.wait_closed()
    await served.until(lambda: not served.open)


@pytest.fixture
async def sender(server):  # noqa: ARG001 - it is closed before the server is
    sender = Transport(ca_file=None, timeout=5)
    yield sender
    await sender.close()


async def refused(sender, server):
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", server.url, "marked-key-1")
    assert caught.value.__cause__ is None
    assert "marked-key" not in repr(vars(caught.value))
    return caught.value


async def test_one_connection_serves_one_request_after_the_other(server, sender):
    for _ in range(3):
        await sender.send("POST", server.url, "key-1", [("id", "1")])

    assert server.connections == 1
    assert len(server.requests) == 3


async def test_a_request_says_who_asks_and_what_may_come_back(server, sender):
    await sender.send("POST", server.url, "key-1", [("id", "1")])

    head = server.requests[0].partition(b"\r\n\r\n")[0]
    assert head.startswith(b"POST /v4/user HTTP/1.1\r\n")
    assert dict(headers_of(head)) == {
        "host": server.url.split("/")[2],
        "user-agent": "alldebrid-client",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "authorization": "Bearer key-1",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "4",
    }


async def test_a_kept_connection_that_the_server_closed_is_no_trouble(server, sender):
    server.closes = True
    await sender.send("GET", server.url, "")
    await server.until(lambda: not server.open)
    await sender.send("GET", server.url, "")

    assert server.connections == 2


async def test_a_kept_connection_that_is_closed_when_it_is_used_is_tried_once_more(server, sender):
    await sender.send("GET", server.url, "")
    server.answer, server.closes = b"", True
    error = await refused(sender, server)

    assert error.code == errors.UNREACHABLE
    assert len(server.requests) == 3
    assert server.connections == 2


async def test_an_answer_that_breaks_off_is_not_asked_for_again(server, sender):
    await sender.send("GET", server.url, "")
    server.answer, server.closes = ANSWER[:-1], True
    error = await refused(sender, server)

    assert error.code == errors.UNREACHABLE
    assert len(server.requests) == 2


async def test_a_connection_that_the_server_will_close_is_not_kept(server, sender):
    server.answer = ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    await sender.send("GET", server.url, "")

    assert "closed" in repr(sender)


async def test_a_connection_that_nobody_uses_is_closed(server, sender, monkeypatch):
    monkeypatch.setattr(transport, "KEPT", 0.0)
    await sender.send("GET", server.url, "")
    await server.until(lambda: not server.open)

    assert "closed" in repr(sender)


async def test_who_gives_up_waiting_closes_the_connection(server, sender):
    server.silent = True
    asking = asyncio.create_task(sender.send("GET", server.url, ""))
    await server.until(lambda: server.requests)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.until(lambda: not server.open)

    assert "closed" in repr(sender)


async def test_closing_ends_what_is_under_way(server, sender):
    server.silent = True
    asking = asyncio.create_task(sender.send("GET", server.url, ""))
    await server.until(lambda: server.requests)
    await sender.close()

    with pytest.raises(ApiError) as caught:
        await asking
    assert caught.value.code == errors.UNREACHABLE


async def test_more_requests_than_connections_wait_for_their_turn(server, sender):
    server.silent = True
    asking = [
        asyncio.create_task(sender.send("GET", server.url, "")) for _ in range(CONNECTIONS + 3)
    ]
    await server.until(lambda: len(server.requests) == CONNECTIONS)
    for one in asking[: len(asking) // 2]:
        one.cancel()
    await asyncio.wait(asking[: len(asking) // 2])
    await server.until(lambda: len(server.requests) == len(asking))

    assert server.open <= CONNECTIONS
    for one in asking:
        one.cancel()
    await asyncio.wait(asking)


async def test_an_answer_that_does_not_come_in_time_is_network_trouble(server):
    server.silent = True
    sender = Transport(ca_file=None, timeout=0.02)
    error = await refused(sender, server)
    await sender.close()

    assert (error.code, error.message) == (errors.UNREACHABLE, "TimeoutError")


async def test_an_address_that_is_dead_does_not_matter_while_another_lives(
    server, sender, monkeypatch
):
    loop = asyncio.get_running_loop()
    port = int(server.url.split(":")[2].split("/")[0])
    living = await loop.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    dead = [(*living[0][:4], ("127.0.0.2", port))]

    async def found(*_, **__):
        return dead + living

    monkeypatch.setattr(loop, "getaddrinfo", found)
    server.url = server.url.replace("127.0.0.1", "several.example")

    assert (await sender.send("GET", server.url, "")).status == 200


@pytest.mark.parametrize("steps", range(6))
async def test_who_gives_up_while_it_connects_leaves_nothing_open(server, sender, steps):
    asking = asyncio.create_task(sender.send("GET", server.url, ""))
    for _ in range(steps):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    gc.collect()  # what was left open would be told now, and fail the test

    assert "closed" in repr(sender)


async def test_a_refused_connection_is_told_without_the_address(server, sender):
    server.url = "http://127.0.0.1:1/v4/user"
    error = await refused(sender, server)

    assert error.message == "ConnectionRefusedError Connection refused"


@pytest.mark.parametrize("key", ["marked-key\r\nX: y", "marked-key\0"])
async def test_a_key_that_fits_no_header_is_not_sent(server, sender, key):
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", server.url, key)

    assert "marked-key" not in str(caught.value) + repr(vars(caught.value))
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ANSWER,
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["chunked", "hints before it", "until the connection closes", "no reason"],
)
async def test_every_way_to_frame_an_answer_is_read(server, sender, answer):
    server.answer = answer
    server.closes = True
    read = await sender.send("GET", server.url, "")

    assert (read.status, read.body) == (200, b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
    ids=["nothing", "no HTTP", "short", "no last chunk", "length", "switch", "br", "endless head"],
)
async def test_what_is_no_whole_answer_is_network_trouble(server, sender, answer):
    server.answer, server.closes = answer, True

    assert (await refused(sender, server)).code == errors.UNREACHABLE
    assert "closed" in repr(sender)


def packed(content, *, encoding="gzip"):
    head = f"Content-Encoding: {encoding}\r\nContent-Length: {len(content)}"
    return f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + content


async def test_a_packed_answer_is_unpacked(server, sender):
    content = b"[" + b"1," * 100_000 + b"1]"
    for encoding in ("gzip", "x-gzip", "GZIP"):
        server.answer = packed(gzip.compress(content), encoding=encoding)
        assert (await sender.send("GET", server.url, "")).body == content


async def test_a_packed_answer_that_grows_too_large_is_cut_off(server, sender, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1000)
    server.answer = packed(gzip.compress(bytes(1001)))
    assert (await refused(sender, server)).code == errors.GARBLED
    server.answer = packed(gzip.compress(bytes(1000)))
    assert len((await sender.send("GET", server.url, "")).body) == 1000


@pytest.mark.parametrize("content", [gzip.compress(b"{}")[:-1], zlib.compress(b"{}"), b"{}"])
async def test_a_packed_answer_that_cannot_be_unpacked_is_network_trouble(server, sender, content):
    server.answer = packed(content)

    assert (await refused(sender, server)).code == errors.UNREACHABLE


async def test_a_large_upload_arrives_whole(server, sender):
    content = "x" * 3_000_000
    await sender.send("POST", server.url, "", [("m", content)])

    assert server.requests[0].endswith(b"\r\n\r\nm=" + content.encode())
