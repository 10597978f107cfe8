"""What becomes of bytes when a connection is given up while it waits for more."""

import socket
import threading

import pytest

from engine.transfer.errors import ConnectionTrouble
from engine.transfer.urls import parse_url
from engine.transfer.wire import STEP, Dialler


@pytest.fixture
def ends():
    """A connection of ours, and the server's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = parse_url(f"http://127.0.0.1:{listener.getsockname()[1]}/film")
        connection = Dialler().dial(url, threading.Event())
        server, _ = listener.accept()
        with server:
            yield connection, server
        connection.close()


def receive(connection, view, to_come):
    """Receive in a thread; return it, and a list that gets the count or what went wrong."""
    result = []

    def work():
        try:
            result.append(connection.receive_into(view, to_come))
        except ConnectionTrouble as problem:
            result.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, result


def taken(connection):
    """Wait until everything that was sent lies in the receiver's memory, none in the kernel's."""
    while connection._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
        pass


def test_bytes_that_came_before_it_was_given_up_count(ends):
    connection, server = ends
    view = memoryview(bytearray(STEP))
    thread, result = receive(connection, view, 10 * STEP)
    server.sendall(b"x" * 100_000)
    with pytest.raises(BlockingIOError):
        taken(connection)
    connection.abort()
    thread.join()

    assert result == [100_000]
    assert view[:100_000] == b"x" * 100_000


def test_nothing_is_received_after_it_was_given_up(ends):
    connection, server = ends
    server.sendall(b"x" * 1000)
    connection.abort()
    with pytest.raises(ConnectionTrouble, match="given up"):
        connection.receive_into(memoryview(bytearray(100)))


def test_who_waits_in_vain_is_told_that_it_was_given_up(ends):
    connection, _ = ends
    thread, result = receive(connection, memoryview(bytearray(STEP)), 10 * STEP)
    connection.abort()
    thread.join()

    assert "given up" in str(result[0])
