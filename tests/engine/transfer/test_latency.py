"""What waits and speeds are usual is learned from those that were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.latency import FIRST_LIMIT, LONGEST_LIMIT, SHORTEST_LIMIT, Latency

seconds = st.floats(1e-4, 60)


def after(*waits):
    latency = Latency()
    for wait in waits:
        latency.answered(wait)
    return latency


def test_before_the_first_answer_a_second_is_allowed():
    latency = Latency()

    assert (latency.typical, latency.speed) == (0, 0)
    assert latency.limit == FIRST_LIMIT


def test_the_first_answer_is_taken_as_usual_and_half_of_it_as_its_deviation():
    latency = after(0.1)

    assert latency.typical == 0.1
    assert latency.limit == pytest.approx(0.1 + 4 * 0.05)


def test_later_answers_move_the_mean_by_an_eighth_and_the_deviation_by_a_quarter():
    latency = after(0.1, 0.2)

    deviation = 0.05 + (0.1 - 0.05) / 4  # from the mean as it was before, as in RFC 6298
    assert latency.typical == pytest.approx(0.1 + 0.1 / 8)
    assert latency.limit == pytest.approx(latency.typical + 4 * deviation)


def test_steady_answers_bring_the_limit_down_to_twice_of_them():
    latency = after(*[0.1] * 50)

    assert latency.limit == pytest.approx(0.2, rel=0.01)


def test_answers_that_vary_get_a_limit_that_all_of_them_keep():
    latency = after(*[0.02, 0.1, 0.18] * 30)

    assert latency.limit > 0.18


def test_each_wait_given_up_doubles_the_limit_until_an_answer_comes():
    latency = after(*[0.1] * 30)
    usual = latency.limit
    limits = []
    for _ in range(3):
        latency.gave_up()
        limits.append(latency.limit)

    assert limits == [usual * 2, usual * 4, usual * 8]
    latency.answered(0.1)
    assert latency.limit < usual * 1.1


def test_an_answer_that_took_long_raises_the_limit_above_it_at_once():
    latency = after(*[0.03] * 30)
    for _ in range(4):
        latency.gave_up()
    latency.answered(0.3)

    assert latency.limit > 0.3


@pytest.mark.parametrize("usual", [1e-3, 0.03, 1.0])
def test_doubling_leads_to_the_longest_limit_however_quick_answers_were(usual):
    latency = after(*[usual] * 30)
    for _ in range(20):
        latency.gave_up()

    assert latency.limit == LONGEST_LIMIT


def test_a_busy_processor_is_not_taken_for_a_slow_server():
    assert after(*[1e-4] * 100).limit == SHORTEST_LIMIT


@given(st.lists(st.one_of(seconds, st.none()), max_size=60))
def test_the_limit_keeps_its_bounds_and_is_never_below_what_is_usual(waits):
    latency = Latency()
    for wait in waits:
        if wait is None:
            latency.gave_up()
        else:
            latency.answered(wait)
        assert SHORTEST_LIMIT <= latency.limit <= LONGEST_LIMIT
        assert latency.limit >= min(latency.typical, LONGEST_LIMIT)


@given(st.lists(seconds, min_size=1))
def test_what_is_usual_lies_between_the_quickest_and_the_slowest(waits):
    assert min(waits) * 0.999 <= after(*waits).typical <= max(waits) * 1.001


def test_the_first_speed_is_believed_and_later_ones_move_it_by_an_eighth():
    latency = Latency()
    latency.fetched(1000, 0.5)
    assert latency.speed == 2000
    latency.fetched(1000, 1.0)

    assert latency.speed == 2000 - 1000 / 8


def test_a_line_that_became_slower_is_believed():
    latency = Latency()
    latency.fetched(10_000_000, 1)
    for _ in range(20):
        latency.fetched(1_000_000, 1)

    assert latency.speed == pytest.approx(1e6, rel=0.7)


@pytest.mark.parametrize(("count", "seconds"), [(0, 1.0), (1000, 0.0), (0, 0.0)])
def test_what_has_no_speed_says_nothing_about_it(count, seconds):
    latency = Latency()
    latency.fetched(1000, 1.0)
    latency.fetched(count, seconds)

    assert latency.speed == 1000


def test_its_repr_tells_the_estimates():
    latency = after(0.03)
    latency.fetched(1_500_000, 1)

    assert repr(latency) == "<Latency 30.0 ms, 1.5 MB/s a connection>"


def test_the_quickest_answer_tells_the_distance_whatever_others_queued_for():
    latency = Latency()
    for seconds in (0.05, 0.03, 0.2, 0.4):
        latency.answered(seconds)

    assert latency.shortest == 0.03
