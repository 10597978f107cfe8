from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.http import backoff

NOW = 1_800_000_000.0


def date(at):
    return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)


def test_waits_double_up_to_a_minute():
    waits = [backoff.delay(attempt, lambda: 1.0) for attempt in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_full_jitter_draws_from_nothing_to_all(attempt, share):
    wait = backoff.delay(attempt, lambda: share)
    assert 0 <= wait <= backoff.LONGEST
    assert wait == share * backoff.delay(attempt, lambda: 1.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("0", 0),
        ("999999999", backoff.LONGEST_ASKED),
        (date(NOW + 90), 90),
        (date(NOW - 90), 0),
        (date(NOW + 10**7), backoff.LONGEST_ASKED),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٣", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert backoff.retry_after(header, NOW) == seconds


@given(st.text())
def test_any_header_is_survived(header):
    seconds = backoff.retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= backoff.LONGEST_ASKED
