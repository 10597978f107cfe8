import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bench.figures import (
    Readings,
    longest_pause,
    median,
    per_second,
    percentile,
    ratio,
    rounded,
    steadiness,
    variation,
)

STEPS = st.lists(st.tuples(st.floats(0.01, 3.0), st.integers(0, 10**10)), min_size=1, max_size=60)
"""Seconds since the reading before, and bytes received since."""


def readings_of(*pairs):
    readings = Readings()
    for at, received in pairs:
        readings.add(at, received)
    return readings


def walked(steps):
    times = itertools.accumulate((seconds for seconds, _count in steps), initial=0.0)
    counts = itertools.accumulate((count for _seconds, count in steps), initial=0)
    return readings_of(*zip(times, counts, strict=True))


def test_a_constant_speed_has_no_variation_and_no_pause():
    steady = steadiness(readings_of(*((tenth / 10, 100 * tenth) for tenth in range(51))))

    assert steady.variation == pytest.approx(0, abs=1e-9)
    assert steady.slowest == pytest.approx(1000)
    assert steady.stalled == 0
    assert steady.pause == 0


def test_nothing_and_double_in_turns_is_a_variation_of_one():
    readings = readings_of((0, 0), (1, 200), (2, 200), (3, 400), (4, 400), (5, 600), (6, 600))

    assert per_second(readings) == [200, 0, 200, 0, 200]
    assert variation([200, 0, 200, 0]) == 1


def test_waiting_for_the_first_byte_is_no_slow_line():
    readings = readings_of((0, 0), (5, 0), (6, 100), (7, 200))
    steady = steadiness(readings)

    assert per_second(readings) == [100, 100]
    assert (steady.began, steady.first_byte) == (5, 6)
    assert steady.pause == 0


def test_bringing_the_end_to_the_disk_is_no_slow_line():
    readings = readings_of((0, 0), (1, 100), (2, 200), (9, 200))

    assert per_second(readings) == [100, 100]
    assert longest_pause(readings) == 0


def test_a_second_that_is_not_whole_is_left_out():
    assert per_second(readings_of((0, 0), (1, 100), (1.5, 101))) == [100]


def test_bytes_between_two_readings_arrive_evenly():
    assert per_second(readings_of((0, 0), (4, 400))) == [100] * 4


def test_a_pause_is_the_time_between_readings_that_found_the_same():
    readings = readings_of((0, 0), (1, 5), (2, 5), (4, 5), (5, 6), (6, 6), (7, 9))
    steady = steadiness(readings)

    assert steady.pause == 3
    assert steady.stalled == 4
    assert steady.slowest == 0


@pytest.mark.parametrize("pairs", [(), [(0, 0)], [(0, 0), (3, 0)]])
def test_without_a_byte_there_is_nothing_to_say(pairs):
    steady = steadiness(readings_of(*pairs))

    assert steady.began is None
    assert steady.first_byte is None
    assert steady.variation is None
    assert steady.slowest is None
    assert (steady.stalled, steady.pause) == (0, 0)


def test_a_download_of_less_than_two_seconds_has_no_variation():
    assert steadiness(readings_of((0, 0), (1.9, 100))).variation is None


def test_a_count_that_dips_for_a_moment_is_not_believed():
    readings = readings_of((0, 0), (1, 100), (2, 90), (3, 200))

    assert list(readings.received) == [0, 100, 100, 200]


@given(STEPS)
def test_the_seconds_hold_no_byte_twice_and_lose_less_than_the_last(steps):
    readings = walked(steps)
    speeds = per_second(readings)

    total = readings.received[-1]
    assert all(speed >= -1e-3 for speed in speeds)
    assert sum(speeds) <= total * (1 + 1e-9) + 1e-3
    steady = steadiness(readings)
    if steady.began is not None:
        assert len(speeds) <= readings.times[-1] - steady.began < readings.times[-1] + 1


@given(STEPS, st.floats(1, 1000))
def test_variation_does_not_depend_on_how_fast_it_is(steps, factor):
    once = variation(per_second(walked(steps)))
    faster = variation([factor * speed for speed in per_second(walked(steps))])

    assert (once is None) == (faster is None)
    if once is not None:
        assert faster == pytest.approx(once, rel=1e-6, abs=1e-9)


@given(STEPS)
def test_a_pause_lies_within_the_download(steps):
    readings = walked(steps)

    assert 0 <= longest_pause(readings) <= readings.times[-1] - readings.times[0]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_has_its_share_below_or_at_it(values, share):
    found = percentile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) <= share * len(values)


def test_percentiles_that_everybody_knows():
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 1) == 3
    assert percentile([], 0.5) is None


class _Pair(msgspec.Struct):
    whole: int
    part: float | None


def test_a_median_is_taken_of_each_field_by_itself():
    runs = [_Pair(1, 0.5), _Pair(9, 0.1), _Pair(4, 0.9)]

    assert median(runs) == _Pair(4, 0.5)


def test_a_median_of_whole_numbers_is_whole_and_passes_over_what_is_not_known():
    both = median([_Pair(1, None), _Pair(4, 0.5)])

    assert both == _Pair(2, 0.5)
    assert type(both.whole) is int
    assert median([_Pair(1, None)]).part is None


def test_quotients_and_digits_of_what_is_not_known():
    assert ratio(1, 0) is None
    assert ratio(1, 4) == 0.25
    assert rounded(None, 2) is None
    assert rounded(0.126, 2) == 0.13
