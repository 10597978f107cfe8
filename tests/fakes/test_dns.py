import socket

import pytest

from tests.fakes.dns import NOWHERE, Resolver, deaf_address


def addresses(found):
    return [address[0] for *_, address in found]


def test_names_have_the_addresses_they_were_given_in_that_order():
    resolver = Resolver()
    resolver.knows("files.example", "127.0.0.9", "::1", "127.0.0.8")

    found = resolver("files.example", 80, type=socket.SOCK_STREAM)

    assert addresses(found) == ["127.0.0.9", "::1", "127.0.0.8"]
    assert [family for family, *_ in found] == [
        socket.AF_INET,
        socket.AF_INET6,
        socket.AF_INET,
    ]
    assert resolver.asked == ["files.example"]


def test_a_name_nobody_told_does_not_exist():
    resolver = Resolver()

    with pytest.raises(socket.gaierror) as told:
        resolver("example.com", 80)

    assert told.value.errno == socket.EAI_NONAME


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost"])
def test_addresses_are_found_as_always(name):
    resolver = Resolver()
    resolver.fails()

    assert addresses(resolver(name, 80, type=socket.SOCK_STREAM))
    assert resolver.asked == []


def test_it_fails_so_often_and_then_works():
    resolver = Resolver()
    resolver.knows("files.example", "127.0.0.1")
    resolver.fails(2, code=socket.EAI_FAIL)

    for _ in range(2):
        with pytest.raises(socket.gaierror) as told:
            resolver("files.example", 80)
        assert told.value.errno == socket.EAI_FAIL
    assert addresses(resolver("files.example", 80)) == ["127.0.0.1"]

    resolver.fails()
    resolver.recovers()
    assert addresses(resolver("files.example", 80)) == ["127.0.0.1"]


def test_nobody_listens_nowhere():
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((NOWHERE, 65000), timeout=5)


def test_a_deaf_address_takes_no_call_and_refuses_none():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with deaf_address(port) as address, pytest.raises(TimeoutError):
            socket.create_connection((address, port), timeout=0.05)
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
