"""A line in bursts: when the ring is warm, and what is told of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hdd_bursts import BURSTS, MINUTE, OFF, ON, burst_notes, judge_bursts, warm_from
from benchmarks.hdd_downloads import Answer, Done, Resized, Sample
from benchmarks.hdd_line import Ending
from benchmarks.situation import US, Run

MB = 10**6
START = 1000.0


def sample(t, flushed=0, rss=40 * MB):
    return Sample(START + t, flushed, flushed, 0, 2, rss)


def answer(*, resized=(), samples=(), ring_peak=24 * MB):
    done = Done(0.0, 100.0, 10**9, 10, ring_peak)
    return Answer(START, (done,), tuple(samples), tuple(resized), 0)


def test_warm_is_the_first_whole_period_after_the_last_growth():
    grown = [Resized(START + 3, 36, ""), Resized(START + 9, 54, "")]
    shrunk = Resized(START + 40, 40, "")

    assert warm_from(grown, START) == START + 12
    assert warm_from([*grown, shrunk], START) == START + 12


def test_a_ring_that_never_grew_is_warm_at_once():
    assert warm_from([], START) == START


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 500)), max_size=10))
def test_warm_is_never_before_a_growth_and_begins_with_a_burst(changes):
    resized = [Resized(START + t, capacity, "") for t, capacity in sorted(changes)]
    grown = [
        after.t
        for before, after in zip([Resized(0, 0, ""), *resized], resized, strict=False)
        if after.capacity > before.capacity
    ]
    warm = warm_from(resized, START)

    assert all(t <= warm + 1e-6 for t in grown)
    assert (warm - START) % (ON + OFF) == pytest.approx(0)


def test_the_warm_rate_is_what_was_written_between_there_and_the_end_of_the_bursts():
    samples = [sample(t, flushed=t * 150 * MB) for t in range(int(BURSTS) + 1)]

    notes = burst_notes(answer(resized=[Resized(START + 9, 54, "")], samples=samples))

    assert notes["warm bytes/s"] == 150 * MB
    assert notes["warm after s"] == 12


def test_a_ring_that_grew_to_the_end_was_never_warm():
    grown = [Resized(START + BURSTS - 1, 54, "")]

    assert "warm bytes/s" not in burst_notes(answer(resized=grown, samples=[sample(0)]))


def test_memory_is_looked_at_a_minute_after_the_bursts():
    late = BURSTS + MINUTE
    samples = [sample(late - 1, rss=400 * MB), sample(late + 0.1, rss=60 * MB)]

    assert burst_notes(answer(samples=samples))["resident a minute after"] == 60 * MB
    assert "resident a minute after" not in burst_notes(answer(samples=samples[:1]))


def test_the_largest_ring_is_told_also_when_it_never_changed():
    assert burst_notes(answer())["ring peak bytes"] == 24 * MB


GOOD = {
    "warm bytes/s": 145 * MB,
    "ring peak bytes": 400 * MB,
    "resident a minute after": 90 * MB,
}


def judged(notes):
    """Judge a run of ours beside a disk of 150 MB/s."""
    disk = Run(label="dd", variant="direct", seconds=10, bytes=1500 * MB)
    ours = Run(label=US, seconds=10, bytes=1500 * MB, notes=notes)
    return {check.what: check.reached for check in judge_bursts([disk, ours])}


def test_the_disk_nearly_busy_and_memory_given_back_is_enough():
    assert set(judged(GOOD).values()) == {True}


@pytest.mark.parametrize(
    ("note", "value", "what"),
    [
        ("warm bytes/s", 140, "throughput beside the disk's own, once warm"),
        ("ring peak bytes", 500, "the ring, beside what a pause takes"),
        ("ring peak bytes", 540, "the ring at its largest"),
        ("resident a minute after", 120, "resident memory a minute after the bursts"),
    ],
)
def test_each_bound_is_held(note, value, what):
    assert judged(GOOD | {note: value * MB})[what] is False


def test_what_was_not_measured_is_no_failure():
    assert None in judged({}).values()


def test_the_line_pauses_until_its_bursts_end():
    shape = Ending(rate=400e6, on=2, off=2, bursts=8, steady=20e6)

    assert shape.closed_for(1) == 0
    assert shape.closed_for(3) == pytest.approx(1)
    assert not shape.ended(7.9)
    assert shape.ended(8)
    assert shape.closed_for(11) == 0


def test_a_line_without_an_end_pauses_for_ever():
    shape = Ending(on=2, off=2)

    assert shape.closed_for(1003) == pytest.approx(1)


def test_the_line_is_slow_for_as_long_as_it_is_told():
    shape = Ending(rate=400e6, on=2, off=2, bursts=8, steady=20e6, steady_for=60)

    assert [shape.rate_at(t) for t in (7, 8, 67, 68)] == [400e6, 20e6, 20e6, 400e6]
    assert Ending(rate=400e6, bursts=8, steady=20e6).rate_at(1000) == 20e6
