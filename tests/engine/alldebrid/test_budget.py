from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.budget import PER_MINUTE, PER_SECOND, RateBudget

TINY = 1e-6
"""Seconds; more than rounding, less than anybody notices."""


def starts(gaps, budget=None):
    """When requests start that come so many seconds after each other, and wait for the budget."""
    budget = budget or RateBudget()
    now = 1000.0
    times = []
    for gap in gaps:
        now += gap
        while (wait := budget.delay(now)) > 0:
            now += wait + TINY / 100
        budget.start(now)
        times.append(now)
    return times


@given(st.lists(st.floats(0, 3), max_size=900))
def test_no_window_has_more_than_its_share(gaps):
    times = starts(gaps)
    for count, window in ((PER_SECOND, 1.0), (PER_MINUTE, 60.0)):
        for first, beyond in zip(times, times[count:], strict=False):
            assert beyond - first >= window - TINY


def test_a_burst_of_eight_goes_at_once_and_the_ninth_waits_a_second():
    times = starts([0] * 9)
    assert times[:8] == [1000.0] * 8
    assert 1.0 <= times[8] - 1000.0 < 1.0 + TINY


def test_three_hundred_in_a_minute_and_then_a_pause():
    times = starts([0] * 301)
    assert times[299] - times[0] < 38
    assert times[300] - times[0] >= 60 - TINY


def test_who_stays_below_never_waits():
    times = starts([0.25] * 400)
    assert times == [1000.25 + number / 4 for number in range(400)]


def test_a_refusal_holds_everybody_for_as_long_as_the_server_asks():
    budget = RateBudget()
    budget.start(1000.0)
    assert budget.refused(1000.0, 1000.5, 30.0, lambda: 0.0) == 30.0
    assert budget.delay(1001.0) == 29.5
    assert budget.delay(1030.5) == 0.0


def test_refusals_without_a_time_hold_longer_each_time_and_never_not_at_all():
    budget = RateBudget()
    now = 1000.0
    holds = []
    for _ in range(8):
        holds.append(budget.refused(now, now, None, lambda: 1.0))
        now += holds[-1]
    assert holds == [1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 60.5, 60.5]
    assert RateBudget().refused(1.0, 1.0, None, lambda: 0.0) == 0.5
    assert "refusals=8" in repr(budget)


def test_refusals_of_requests_under_way_together_count_once():
    budget = RateBudget()
    for answered in (1000.1, 1000.2, 1000.3):
        budget.refused(1000.0, answered, None, lambda: 1.0)
    assert budget.delay(1000.3) < 1.5
    assert budget.refused(1002.0, 1002.0, None, lambda: 1.0) == 2.5


def test_an_answer_makes_the_next_refusal_a_first_one():
    budget = RateBudget()
    budget.refused(1000.0, 1000.0, None, lambda: 1.0)
    budget.accepted()
    assert budget.refused(1010.0, 1010.0, None, lambda: 1.0) == 1.5


def test_a_shorter_wish_does_not_end_a_longer_hold():
    budget = RateBudget()
    budget.refused(1000.0, 1000.0, 60.0, lambda: 0.0)
    budget.refused(999.0, 1001.0, 1.0, lambda: 0.0)
    assert budget.delay(1001.0) == 59.0
