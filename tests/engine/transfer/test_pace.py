"""Speed limits are exact over time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.transfer.pace import BURST, Pace
from tests.fakes.clock import Clock


def test_without_a_limit_nobody_waits():
    assert Pace().charge(1 << 40) == 0


def test_zero_lifts_a_limit_while_running():
    pace = Pace(10, Clock())
    pace.charge(1000)
    pace.rate = 0

    assert pace.charge(1000) == 0


def test_a_changed_limit_holds_from_that_moment_on():
    clock = Clock()
    pace = Pace(1000, clock)
    pace.charge(100_000)
    pace.rate = 100
    clock.now += 1

    assert pace.charge(100) <= 1


@given(st.lists(st.integers(16_384, 300_000), min_size=5, max_size=50), st.integers(1, 16))
@settings(max_examples=20)
def test_readers_together_get_the_rate_within_two_percent_over_ten_seconds(sizes, readers):
    rate = 10_000_000
    clock = Clock()
    pace = Pace(rate, clock)
    free_at = [clock.now] * readers
    passed = 0
    begin = clock.now
    for turn in range(10**6):
        reader = min(range(readers), key=free_at.__getitem__)
        clock.now = max(clock.now, free_at[reader])
        if clock.now - begin >= 10:
            break
        size = sizes[turn % len(sizes)]
        passed += size
        free_at[reader] = clock.now + pace.charge(size) + 1e-6

    allowed = rate * (10 + BURST) + readers * max(sizes)
    assert 0.98 * rate * 10 <= passed <= 1.02 * allowed
