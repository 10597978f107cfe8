"""What is written when."""

from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.disk import ALIGNMENT
from engine.transfer.writer import plan

MIB = 1 << 20


def planned(**changes):
    facts = {"base": 0, "ready": 0, "size": 100 * MIB, "target": 4 * MIB, "batch": 64 * MIB}
    return plan(**{**facts, "due": False, **changes})


def test_little_is_left_until_it_is_worth_a_write():
    assert planned(ready=4 * MIB - 1) == 0
    assert planned(ready=4 * MIB) == 4 * MIB


def test_little_is_written_when_it_has_waited_long_enough():
    assert planned(ready=10_000, due=True) == 8192
    assert planned(ready=4095, due=True) == 0


def test_the_end_of_the_file_is_written_as_it_is():
    assert planned(base=4096, ready=5000, size=5000) == 5000


def test_a_write_is_no_longer_than_a_batch():
    assert planned(ready=100 * MIB, batch=8 * MIB) == 8 * MIB


def test_an_unknown_size_changes_nothing_before_the_end():
    assert planned(ready=5 * MIB + 1, size=None) == 5 * MIB


@given(
    base=st.integers(0, 2000).map(lambda n: n * ALIGNMENT),
    arrived=st.integers(0, 200 * MIB),
    rest=st.integers(0, 10**9),
    target=st.integers(1, 64 * MIB),
    batch=st.integers(1, 4096).map(lambda n: n * ALIGNMENT),
    due=st.booleans(),
)
def test_writes_are_aligned_never_too_far_and_always_forward(
    base, arrived, rest, target, batch, due
):
    ready, size = base + arrived, base + arrived + rest
    end = plan(base=base, ready=ready, size=size, target=target, batch=batch, due=due)

    assert base <= end <= ready
    assert end - base <= batch
    assert end % ALIGNMENT == 0 or end == size
    if due and arrived >= ALIGNMENT:
        assert end > base
