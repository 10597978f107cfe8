import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from api.bench.webapi import ServiceError, Torrent, WebApi

LIST = b'[{"hash": "ab", "state": "downloading", "size": 10, "completed": 4, "unknown": [1]}]'


def answer(body, status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Canned:
    """A server that gives prepared answers, and hangs up after `per_connection` of them."""

    def __init__(self, *answers, per_connection=100, context=None):
        self.requests = []
        self.connections = 0
        self._answers = list(answers)
        self._per_connection = per_connection
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(ssl.SSLError, ConnectionError):
                    self._talk(connection)

    def _talk(self, connection):
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as lines:
            for _ in range(self._per_connection):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = lines.readline()
                    if not line:
                        return
                    head += line
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head.decode() + "\n" + lines.read(int(length or 0)).decode())
                connection.sendall(self._answers.pop(0))


def test_a_question_is_asked_again_when_the_connection_has_gone_stale():
    with (
        Canned(answer(LIST), answer(b"[]"), per_connection=1) as server,
        WebApi(server.url) as api,
    ):
        assert api.torrents() == [Torrent(hash="ab", state="downloading", size=10, completed=4)]
        assert api.torrents("ab" * 20) == []

    assert server.connections == 2
    assert server.requests[1].startswith(f"GET /api/v2/torrents/info?hashes={'ab' * 20} HTTP/1.1")


def test_what_changes_something_is_sent_once():
    with (
        Canned(answer(LIST), answer(b"Ok."), per_connection=1) as server,
        WebApi(server.url) as api,
    ):
        api.torrents()
        with pytest.raises(ServiceError, match="does not answer"):
            api.delete("ab" * 20)

    assert len(server.requests) == 1


def test_a_service_that_hangs_up_at_once_is_asked_once():
    with (
        Canned(per_connection=0) as server,
        WebApi(server.url) as api,
        pytest.raises(ServiceError, match="does not answer"),
    ):
        api.torrents()

    assert server.connections == 1


def test_a_service_that_is_silent_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with WebApi(url, timeout=0.05) as api, pytest.raises(ServiceError, match="too long"):
            api.torrents()


def test_a_path_before_the_api_and_the_session_are_kept():
    login = answer(b"Ok.", headers="Set-Cookie: SID=abc; HttpOnly; path=/\r\n")
    with Canned(login, answer(b"{}")) as server, WebApi(f"{server.url}/qbt/") as api:
        api.log_in("me", "a & b")
        assert api.transfer().dl_info_data == 0

    first, second = server.requests
    assert first.startswith("POST /qbt/api/v2/auth/login ")
    assert first.endswith("username=me&password=a+%26+b")
    assert "Cookie: SID=abc\r\n" in second


def test_a_service_behind_tls_is_trusted_with_its_certificate_alone(tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)

    with Canned(answer(LIST), context=context) as server:
        with WebApi(server.url) as api, pytest.raises(ServiceError, match="CERTIFICATE"):
            api.torrents()
        with WebApi(server.url, ca_file=ca_file) as api:
            assert len(api.torrents()) == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answer(b"<html>"), "does not answer as a qBittorrent does"),
        (answer(b'[{"state": 1}]'), "does not answer as a qBittorrent does"),
        (answer(b"\xff"), "does not answer as a qBittorrent does"),
        (answer(b"", "404 Not Found"), "answers with status 404"),
        (answer(b"Forbidden", "403 Forbidden"), "asks for a login"),
        (b"SSH-2.0-OpenSSH\r\n", "does not answer: BadStatusLine"),
    ],
    ids=["html", "other json", "no text", "404", "403", "no http"],
)
def test_an_answer_that_is_no_qbittorrents_is_one_sentence(given, sentence):
    with (
        Canned(given, given, per_connection=1) as server,
        WebApi(server.url) as api,
        pytest.raises(ServiceError) as caught,
    ):
        api.torrents()

    assert str(caught.value).startswith(f"{server.url} ")
    assert sentence in str(caught.value)


def test_a_file_that_is_no_torrent_to_the_service_is_one_sentence():
    refusal = answer(b"Error", "415 Unsupported Media Type")
    with (
        Canned(refusal) as server,
        WebApi(server.url) as api,
        pytest.raises(ServiceError, match="takes it for no torrent"),
    ):
        api.add(tag="bench-1", metainfo=b"x")

    assert 'name="torrents"; filename="bench.torrent"' in server.requests[0]


def test_before_the_first_question_no_process_is_known():
    with WebApi("http://127.0.0.1:1") as api:
        assert api.process() is None
