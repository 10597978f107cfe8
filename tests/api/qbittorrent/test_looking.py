import pytest

from api.qbittorrent.looking import CATEGORIES, CLIENTS, LATE, Looking
from tests.fakes.clock import Clock

A, B = ("sid-a",), ("sid-b",)
HERE = ("127.0.0.1", "Sonarr/4")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def looking(clock):
    return Looking(clock)


def test_a_client_looks_at_what_it_asked_for_last_of_all(looking):
    assert looking.category([A, HERE]) is None
    looking.looks_at([A, HERE], "tv")
    assert looking.category([A, HERE]) == "tv"


def test_clients_are_told_by_their_session_before_anything_else(looking):
    looking.looks_at([A, HERE], "tv")
    looking.looks_at([B, HERE], "tv-4k")
    assert looking.category([A, HERE]) == "tv"
    assert looking.category([B, HERE]) == "tv-4k"


def test_who_logs_in_anew_each_time_is_told_by_address_and_agent(looking):
    looking.looks_at([A, HERE], "tv")
    assert looking.category([B, HERE]) == "tv"


def test_where_two_may_be_meant_nobody_is(looking):
    looking.looks_at([HERE], "tv")
    looking.looks_at([HERE], "tv-4k")
    assert looking.category([HERE]) is None
    assert looking.category([A, HERE]) is None


def test_no_category_is_one_too(looking):
    looking.looks_at([A], "")
    assert looking.category([A]) == ""


def test_a_look_counts_for_a_quarter_of_an_hour(looking, clock):
    looking.looks_at([A], "tv")
    clock.now += LATE
    looking.looks_at([A], "tv-4k")
    assert looking.category([A]) is None
    clock.now += 1
    assert looking.category([A]) == "tv-4k"
    clock.now += LATE
    assert looking.category([A]) is None


def test_memory_is_bounded(looking):
    for number in range(2 * CLIENTS):
        looking.looks_at([(str(number),)], "tv")
    for number in range(2 * CATEGORIES):
        looking.looks_at([A], str(number))
    assert len(looking._looks) == CLIENTS
    assert len(looking._looks[A]) == CATEGORIES
    assert repr(looking) == f"<Looking {CLIENTS} clients>"
