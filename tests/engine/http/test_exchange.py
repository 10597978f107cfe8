"""One exchange: what goes over the wire, what comes back, and every way it can fail."""

import asyncio
import gzip
import ipaddress
import socket

import pytest

from engine.http import exchange as http
from engine.http.exchange import HttpTrouble, exchange
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.dns import deaf_address

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
SECRET = "marked-secret"


class Server:
    """Answers every request with `answer` and remembers what it received."""

    def __init__(self):
        self.answer = ANSWER
        self.requests = []
        self.silent = False
        self.hangs_up = False
        self.connections = 0
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.requests.append(head + await reader.readexactly(int(length or 0)))
            self.asked.set()
            if self.silent:
                await reader.read()
            else:
                writer.write(self.answer)
                await (writer.drain() if self.hangs_up else reader.read())
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.left.set()
            writer.close()

    @property
    def line(self):
        return self.requests[-1].partition(b"\r\n")[0].decode()

    @property
    def headers(self):
        head = self.requests[-1].partition(b"\r\n\r\n")[0].decode()
        return {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])
        }


async def started(server, context=None):
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    server.url = f"http{'s' if context else ''}://127.0.0.1:{server.port}"
    return listener


@pytest.fixture
async def server():
    served = Server()
    listener = await started(served)
    yield served
    listener.close()
    await listener.wait_closed()


async def ask(url, method="GET", **more):
    return await exchange(method, url, **({"largest": 1000, "timeout": 5} | more))


async def trouble(url, **more):
    with pytest.raises(HttpTrouble) as caught:
        await ask(url, **more)
    assert SECRET not in str(caught.value) + repr(vars(caught.value))
    assert caught.value.__cause__ is None
    return caught.value.kind


async def test_an_answer_comes_back_whole(server):
    answer = await ask(server.url)

    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["content-type"] == "text/plain"
    assert "ok" not in repr(answer)


async def test_path_and_query_arrive_and_the_fragment_stays_here(server):
    await ask(f"{server.url}/sonarr/api/v3/queue?page=1&name=a%20b ü#part")

    assert server.line == "GET /sonarr/api/v3/queue?page=1&name=a%20b%20%C3%BC HTTP/1.1"


async def test_a_question_says_who_asks_and_keeps_nothing_open(server):
    await ask(server.url)

    assert server.line == "GET / HTTP/1.1"
    assert server.headers == {
        "host": server.url.removeprefix("http://"),
        "user-agent": "alldebrid-client",
        "accept-encoding": "gzip",
        "connection": "close",
    }


async def test_headers_of_the_caller_come_first(server):
    await ask(server.url, headers={"X-Api-Key": "key", "User-Agent": "other"})

    assert server.headers["x-api-key"] == "key"
    assert server.headers["user-agent"] == "other"


async def test_content_is_sent_with_its_length(server):
    await ask(server.url, "POST", content=b"{}")

    assert server.requests[0].endswith(b"\r\n\r\n{}")
    assert server.headers["content-length"] == "2"


async def test_a_post_of_nothing_says_so(server):
    await ask(server.url, "POST")

    assert server.headers["content-length"] == "0"


async def test_a_name_and_password_in_the_address_are_sent_as_basic_authentication(server):
    url = server.url.replace("//", "//user:p%40ss@")
    await ask(url)
    assert server.headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert server.headers["host"] == f"127.0.0.1:{server.port}"

    await ask(url, headers={"Authorization": "Bearer other"})
    assert server.headers["authorization"] == "Bearer other"


@pytest.mark.parametrize("status", [204, 301, 403, 500])
async def test_every_status_is_an_answer(server, status):
    length = "" if status == 204 else "Content-Length: 0\r\n"
    server.answer = f"HTTP/1.1 {status} Some\r\nLocation: /other\r\n{length}\r\n".encode()

    assert (await ask(server.url)).status == status
    assert len(server.requests) == 1


async def test_a_body_may_be_as_large_as_allowed_and_no_larger(server):
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)
    assert len((await ask(server.url)).body) == 1000

    assert await trouble(server.url, largest=999) == http.TOO_LARGE


async def test_a_packed_body_is_counted_unpacked(server):
    packed = gzip.compress(bytes(1_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    server.answer = head.encode() + packed

    assert await trouble(server.url, largest=999_999) == http.TOO_LARGE
    assert len((await ask(server.url, largest=1_000_000)).body) == 1_000_000


async def test_a_server_that_says_nothing_is_given_up(server):
    server.silent = True

    assert await trouble(server.url, timeout=0.02) == http.TIMEOUT


async def test_a_host_that_drops_everything_is_given_up(server):
    with deaf_address(server.port) as address:
        assert await trouble(f"http://{address}:{server.port}", timeout=0.02) == http.TIMEOUT


async def test_a_server_that_trickles_is_given_up(server):
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"

    assert await trouble(server.url, timeout=0.05) == http.TIMEOUT


async def test_nobody_listening_is_told_without_the_address():
    with pytest.raises(HttpTrouble, match=r"^no connection: Connection refused$") as caught:
        await ask("http://127.0.0.1:1/marked-secret")
    assert caught.value.kind == http.UNREACHABLE


async def test_a_name_that_nobody_knows_is_told_without_the_name():
    assert await trouble(f"http://{SECRET}.invalid/") == http.UNREACHABLE


async def test_a_server_that_hangs_up_is_unreachable(server):
    server.answer, server.hangs_up = b"", True

    assert await trouble(server.url) == http.UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2 marked-secret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
    ids=["no HTTP", "cut short", "br", "no gzip", "endless head"],
)
async def test_what_is_no_answer_is_garbled(server, answer):
    server.answer, server.hangs_up = answer, True

    assert await trouble(server.url) == http.GARBLED


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://127.0.0.1/{SECRET}",
        f"{SECRET}",
        f"http:///{SECRET}",
        f"http://127.0.0.1:99999/{SECRET}",
        f"http://[::1/{SECRET}",
        f"http://{'x' * 70}.example/{SECRET}",
    ],
)
async def test_what_is_no_address_is_not_asked(url):
    assert await trouble(url) == http.GARBLED


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX: y", f"{SECRET}\0", f"{SECRET}é"])
async def test_what_fits_no_header_is_not_sent(server, value):
    assert await trouble(server.url, headers={"X-Api-Key": value}) == http.GARBLED
    assert server.requests == []


async def test_a_line_break_in_the_address_adds_no_header(server):
    await ask(f"{server.url}/a\r\nX-Evil: 1")

    assert "x-evil" not in server.headers


async def test_who_gives_up_closes_the_connection(server):
    server.silent = True
    asking = asyncio.create_task(ask(server.url))
    async with asyncio.timeout(5):
        await server.asked.wait()
        asking.cancel()
        await asyncio.wait([asking])
        await server.left.wait()


async def test_an_address_that_is_not_allowed_is_not_called(server):
    asked = []
    assert await trouble(server.url, allowed=asked.append) == http.REFUSED_ADDRESS

    assert asked == [ipaddress.ip_address("127.0.0.1")]
    assert server.connections == 0


async def test_of_several_addresses_only_the_allowed_are_called(server, monkeypatch):
    loop = asyncio.get_running_loop()
    living = await loop.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    refused = [(*living[0][:4], ("127.0.0.2", server.port))]

    async def found(*_, **__):
        return refused + living

    monkeypatch.setattr(loop, "getaddrinfo", found)
    allowed = ipaddress.ip_address("127.0.0.1")

    answer = await ask(f"http://several.example:{server.port}", allowed=lambda one: one == allowed)
    assert answer.status == 200


async def test_an_ipv4_address_dressed_as_ipv6_is_shown_as_what_it_is(monkeypatch):
    loop = asyncio.get_running_loop()
    shown = []

    async def found(*_, **__):
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:169.254.1.1", 80, 0, 0))]

    monkeypatch.setattr(loop, "getaddrinfo", found)

    kind = await trouble("http://mapped.example", allowed=shown.append)
    assert kind == http.REFUSED_ADDRESS
    assert shown == [ipaddress.ip_address("169.254.1.1")]


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def ca_file(authority, tmp_path):
    authority.write(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture
async def https(authority):
    """Starts a server that shows such a certificate."""
    listeners = []

    async def start(kind):
        served = Server()
        listeners.append(await started(served, authority.issue(kind)))
        return served

    yield start
    for listener in listeners:
        listener.close()
        await listener.wait_closed()


async def test_a_server_is_believed_that_the_authority_vouches_for(https, ca_file):
    secure = await https(Certificate.GOOD)

    assert (await ask(secure.url, ca_file=ca_file)).status == 200


@pytest.mark.parametrize("kind", [Certificate.EXPIRED, Certificate.FROM_A_STRANGER])
async def test_a_wrong_certificate_is_not_talked_to(https, ca_file, kind):
    secure = await https(kind)

    assert await trouble(secure.url, ca_file=ca_file) == http.NOT_TRUSTED
    assert secure.requests == []


async def test_authorities_that_cannot_be_read_are_trusted_by_nobody(https, tmp_path):
    secure = await https(Certificate.GOOD)

    assert await trouble(secure.url, ca_file=str(tmp_path / "none.pem")) == http.NOT_TRUSTED
