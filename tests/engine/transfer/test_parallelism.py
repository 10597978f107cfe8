"""Connections are added only while they bring more."""

from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.parallelism import HOLD, Parallelism


def run(choice, rate_of, seconds, *, begin=0.0, received=0.0, disk_bound=False):
    """Run a line whose speed with n connections is `rate_of(n)`; return the bytes received."""
    for second in range(int(seconds)):
        received += rate_of(choice.target) * 1.0
        choice.observe(begin + second + 1.0, int(received), disk_bound=disk_bound)
    return received


def test_connections_limited_one_by_one_are_added_up_to_the_cap():
    choice = Parallelism(16, now=0.0)
    run(choice, lambda n: n * 60e6, 10)

    assert choice.target == 16


def test_a_line_that_is_full_keeps_the_fewest_that_fill_it():
    choice = Parallelism(16, now=0.0)
    run(choice, lambda n: min(n * 60e6, 200e6), 10)

    assert choice.target == 4


def test_a_doubling_that_does_not_pay_is_taken_back_and_not_tried_for_a_while():
    choice = Parallelism(16, now=0.0)
    received = run(choice, lambda _: 125e6, 10)
    assert choice.target == 2
    assert choice.reason == "more brought nothing"

    received = run(choice, lambda n: n * 100e6, HOLD - 20, begin=10, received=received)
    assert choice.target == 2
    run(choice, lambda n: n * 100e6, 30, begin=HOLD - 10, received=received)
    assert choice.target > 2


def test_while_the_disk_is_the_limit_nothing_is_added():
    choice = Parallelism(16, now=0.0)
    run(choice, lambda n: n * 1e6, 30, disk_bound=True)

    assert choice.target == 2


def test_a_trial_is_ended_when_the_disk_becomes_the_limit():
    choice = Parallelism(16, now=0.0)
    received = run(choice, lambda n: n * 1e6, 1)
    assert choice.target == 4
    run(choice, lambda n: n * 1e6, 1, begin=1, received=received, disk_bound=True)

    assert choice.target == 2


def test_the_hosts_limit_lowers_the_number_at_once_and_for_good():
    choice = Parallelism(16, now=0.0)
    received = run(choice, lambda n: n * 60e6, 10)
    choice.limit(3)
    assert choice.target == 3
    run(choice, lambda n: n * 60e6, 200, begin=10, received=received)

    assert choice.target == 3


@given(st.integers(1, 16), st.lists(st.floats(0, 1e9), max_size=50))
def test_it_always_stays_between_one_and_the_cap(cap, rates):
    choice = Parallelism(cap, now=0.0)
    received = 0.0
    for second, rate in enumerate(rates):
        received += rate
        choice.observe(second + 1.0, int(received), disk_bound=rate < 1e8)
        assert 1 <= choice.target <= cap
