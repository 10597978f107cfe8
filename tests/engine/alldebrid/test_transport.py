"""TLS and what goes over the wire, byte for byte where it matters."""

import asyncio
import ssl

import pytest
import trustme
from aiohttp import web

from engine.alldebrid import errors, transport
from engine.alldebrid.errors import ApiError
from engine.alldebrid.transport import FilePart, Transport


@pytest.fixture
def ca():
    return trustme.CA()


@pytest.fixture
def ca_file(ca, tmp_path):
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
async def https(ca):
    """A server with a certificate of that CA; what it received is in `seen`."""

    async def answer(request):
        server.seen.append((request, await request.read()))
        return web.Response(text=server.body)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    server = type("Server", (), {"seen": [], "body": "{}", "url": ""})
    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    yield server
    await runner.cleanup()


async def test_a_given_ca_is_trusted(https, ca_file):
    sender = Transport(ca_file=ca_file, timeout=5)
    assert "closed" in repr(sender)
    answer = await sender.send("GET", https.url, "key-1")
    assert (answer.status, answer.body) == (200, b"{}")
    assert "2" in repr(answer)
    assert "open" in repr(sender)
    assert https.seen[0][0].headers["Authorization"] == "Bearer key-1"
    await sender.close()
    await sender.close()


async def test_a_certificate_nobody_vouches_for_is_account_trouble(https):
    sender = Transport(ca_file=None, timeout=5)
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", https.url, "")
    assert caught.value.code == errors.NOT_TRUSTED
    assert https.seen == []
    await sender.close()


async def test_a_certificate_for_another_host_is_refused(https, ca_file):
    sender = Transport(ca_file=ca_file, timeout=5)
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", https.url.replace("127.0.0.1", "localhost"), "")
    assert caught.value.code == errors.NOT_TRUSTED
    await sender.close()


async def test_a_ca_file_that_is_not_there_is_told(tmp_path):
    sender = Transport(ca_file=str(tmp_path / "none.pem"), timeout=5)
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", "https://127.0.0.1:1/", "")
    assert caught.value.code == errors.NOT_TRUSTED
    assert "SSL_CERT_FILE" in str(caught.value)


async def test_a_call_without_a_key_has_no_authorization(https, ca_file):
    sender = Transport(ca_file=ca_file, timeout=5)
    await sender.send("POST", https.url, "", [("token", "t")])
    request, body = https.seen[0]
    assert "Authorization" not in request.headers
    assert body == b"token=t"
    await sender.close()


async def test_forms_are_urlencoded_and_files_keep_the_brackets_of_their_field(https, ca_file):
    sender = Transport(ca_file=ca_file, timeout=5)
    await sender.send("POST", https.url, "", [("id[]", "1"), ("id[]", "2"), ("m", "a&b=c d")])
    part = FilePart("files[]", "a.torrent", b"d4:infod1:a1:bee", "application/x-bittorrent")
    await sender.send("POST", https.url, "", part)
    (form, form_body), (multipart, multipart_body) = https.seen
    assert form.content_type == "application/x-www-form-urlencoded"
    assert form_body == b"id%5B%5D=1&id%5B%5D=2&m=a%26b%3Dc+d"
    assert multipart.content_type == "multipart/form-data"
    assert b'name="files[]"; filename="a.torrent"' in multipart_body
    assert b"Content-Type: application/x-bittorrent" in multipart_body
    assert b"d4:infod1:a1:bee" in multipart_body
    await sender.close()


async def test_an_endless_answer_is_cut_off(https, ca_file, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 100)
    https.body = "x" * 101
    sender = Transport(ca_file=ca_file, timeout=5)
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", https.url, "")
    assert caught.value.code == errors.GARBLED
    https.body = "x" * 100
    assert len((await sender.send("GET", https.url, "")).body) == 100
    await sender.close()


async def test_what_is_no_http_is_network_trouble():
    async def nonsense(_, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = Transport(ca_file=None, timeout=5)
    with pytest.raises(ApiError) as caught:
        await sender.send("GET", f"http://127.0.0.1:{port}/", "")
    assert caught.value.code == errors.UNREACHABLE
    await sender.close()
    server.close()
    await server.wait_closed()
