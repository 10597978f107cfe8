"""What one host bears, over all downloads."""

import pytest

from engine.transfer.hosts import CONNECTIONS, RECOVERY, Hosts
from tests.fakes.clock import Clock

HOST = "https://files.example"


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def hosts(clock):
    return Hosts(clock)


def fill(hosts, count):
    return [hosts.enter(HOST) for _ in range(count)]


def test_a_host_takes_so_many_connections_and_no_more(hosts):
    assert fill(hosts, CONNECTIONS) == [0] * CONNECTIONS
    assert hosts.enter(HOST) > 0
    hosts.leave(HOST)
    assert hosts.enter(HOST) == 0


def test_hosts_do_not_share(hosts):
    fill(hosts, CONNECTIONS)

    assert hosts.enter("https://other.example") == 0


def test_a_busy_host_gets_half_and_is_left_alone_for_as_long_as_it_says(hosts, clock):
    fill(hosts, 8)

    assert hosts.complain(HOST, 5) == 4
    assert hosts.enter(HOST) == 5
    clock.now += 5
    for _ in range(8):
        hosts.leave(HOST)
    assert [wait == 0 for wait in fill(hosts, 5)] == [True] * 4 + [False]


def test_complaints_that_come_together_count_once(hosts):
    fill(hosts, 8)

    assert [hosts.complain(HOST, 5) for _ in range(4)] == [4, 4, 4, 4]


def test_a_host_is_never_given_up_altogether(hosts, clock):
    for _ in range(10):
        hosts.complain(HOST, 1)
        clock.now += 1

    assert hosts.enter(HOST) == 0


def test_quiet_time_gives_connections_back_one_by_one(hosts, clock):
    fill(hosts, 4)
    hosts.complain(HOST, 0)
    for _ in range(4):
        hosts.leave(HOST)
    clock.now += RECOVERY
    assert [wait == 0 for wait in fill(hosts, 4)] == [True, True, True, False]

    clock.now += RECOVERY * 100
    assert all(wait == 0 for wait in fill(hosts, CONNECTIONS - 3))


def test_its_repr_shows_use_and_limit(hosts):
    hosts.enter(HOST)

    assert "1/32" in repr(hosts)
