"""When to try again, and when to give up."""

import pytest

from engine.transfer.errors import (
    ConnectionTrouble,
    DiskFull,
    FileChanged,
    NotTrusted,
    ServerBusy,
    ServerTrouble,
    Unusable,
)
from engine.transfer.retry import FIRST_TRIES, LONGEST_DELAY, Patience


def longest(_, high):
    return high


def test_a_first_contact_that_fails_is_given_up_within_seconds():
    patience = Patience(60, longest)
    delays = [patience.failed(ConnectionTrouble("refused"), 0) for _ in range(FIRST_TRIES)]

    assert delays[0] == 0
    assert sum(delays[:-1]) < 3
    assert delays[-1] is None


def test_after_bytes_have_come_trouble_is_borne_for_the_given_time():
    patience = Patience(60, longest)
    patience.progressed()
    for second in range(60):
        assert patience.failed(ConnectionTrouble("reset"), second) is not None

    assert patience.failed(ConnectionTrouble("reset"), 61) is None


def test_progress_refills_the_purse():
    patience = Patience(10, longest)
    for second in range(0, 1000, 5):
        patience.progressed()
        assert patience.failed(ConnectionTrouble("reset"), second) == 0


def test_delays_double_up_to_a_limit():
    patience = Patience(10**6, longest)
    patience.progressed()
    delays = [patience.failed(ServerTrouble("500"), 0) for _ in range(9)]

    assert delays == [0, 0.5, 1, 2, 4, 8, 10, 10, LONGEST_DELAY]


def test_delays_are_drawn_so_that_connections_do_not_come_back_together():
    drawn = []
    patience = Patience(60, lambda low, high: drawn.append((low, high)) or low)
    patience.failed(ConnectionTrouble("reset"), 0)
    patience.failed(ConnectionTrouble("reset"), 0)

    assert drawn == [(0.0, 0.5)]


def test_a_busy_server_that_says_when_is_waited_for_if_it_is_worth_it():
    patience = Patience(60, longest)
    for _ in range(10):
        assert patience.failed(ServerBusy("429", retry_after=5), 0) is not None

    assert Patience(60, longest).failed(ServerBusy("429", retry_after=120), 0) is None


@pytest.mark.parametrize("kind", [FileChanged, NotTrusted, Unusable, DiskFull])
def test_what_no_try_can_mend_is_not_tried_again(kind):
    assert Patience(60, longest).failed(kind("no"), 0) is None
