"""Connections are added only while they bring more."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.transfer.parallelism import HOLD, HOLD_FEWER, PERIOD, START, Parallelism

MB = 1_000_000
LATENCY = 0.03
RAMP = 3 * LATENCY
"""Seconds until a new connection brings something: TCP, TLS and the first answer."""


class Line:
    """Connections that each bring `each` bytes per second, on a line that brings `full` in all."""

    STEP = 0.02

    def __init__(self, each, full=float("inf"), *, cap=16, noise=0.0, seed=0, ramp=RAMP):
        self.each, self.full, self.ramp = each, full, ramp
        self.choice = Parallelism(cap, now=0.0)
        self.now = self.received = 0.0
        self.disk_bound = False
        self.noise, self.draw = noise, random.Random(seed)
        self.factor, self.factor_until = 1.0, 0.0
        self.born = [0.0] * self.choice.target
        self.targets = [self.choice.target]

    def run(self, seconds):
        """Let time pass; return the number of connections at the end."""
        end = self.now + seconds - self.STEP / 2
        while self.now < end:
            self.now += self.STEP
            self._receive()
            changed = self.choice.observe(
                self.now, int(self.received), disk_bound=self.disk_bound, latency=LATENCY
            )
            if changed:
                self.targets.append(self.choice.target)
                self.born += [self.now] * (self.choice.target - len(self.born))
                del self.born[self.choice.target :]
        return self.choice.target

    def settle(self, seconds=3):
        """Run until the starting phase is over."""
        self.run(seconds)
        return self

    def _receive(self):
        if self.now >= self.factor_until:
            self.factor = self.draw.uniform(1 - self.noise, 1 + self.noise)
            self.factor_until = self.now + 0.3
        at_work = sum(self.now - born > self.ramp for born in self.born)
        self.received += min(at_work * self.each, self.full) * self.factor * self.STEP


# The start.


def test_it_begins_with_few():
    assert Parallelism(16, now=0.0).target == START
    assert Parallelism(1, now=0.0).target == 1


def test_connections_limited_one_by_one_are_all_there_within_seconds():
    assert Line(60 * MB).run(1.5) == 16


def test_the_first_step_that_brings_little_is_taken_back():
    line = Line(60 * MB, 120 * MB).settle(1)

    assert max(line.targets) > START
    assert line.choice.target < max(line.targets)


def test_before_the_first_byte_there_is_nothing_to_learn():
    line = Line(0)
    assert line.run(5) == START

    line.each, line.full = 60 * MB, 120 * MB
    line.run(0.1)
    assert line.choice.target == START


# Later.


def test_a_line_that_is_full_keeps_the_fewest_that_fill_it():
    line = Line(60 * MB, 200 * MB)
    line.run(90)

    assert line.choice.target == 4


def test_more_are_tried_in_steps_that_have_to_pay():
    line = Line(60 * MB, 120 * MB).settle(40)
    before = line.choice.target
    line.full = float("inf")
    line.run(2 * HOLD)

    assert before <= 4
    assert line.choice.target == 16


def test_a_trial_of_more_that_brings_nothing_is_taken_back_and_not_tried_for_a_while():
    line = Line(125 * MB, 125 * MB).settle(40)
    line.run(2 * HOLD)
    changes = [each for each in line.targets if each > START]

    assert line.choice.target == START
    assert len(changes) < 12
    assert line.choice.reason == "more brought nothing"


def test_a_quarter_fewer_are_tried_after_a_while_and_kept_if_they_bring_as_much():
    line = Line(60 * MB).settle()
    assert line.choice.target == 16
    line.full = 4 * 60 * MB
    line.run(HOLD_FEWER + 2 * PERIOD)
    assert line.choice.target <= 12

    line.run(6 * (HOLD_FEWER + 2 * PERIOD))
    assert 4 <= line.choice.target <= 6


def test_fewer_that_bring_less_are_more_again_at_once_and_for_long():
    line = Line(60 * MB).settle()
    line.run(HOLD_FEWER)
    line.run(2 * PERIOD)
    assert line.targets[-2:] == [12, 16]
    assert line.choice.reason == "fewer brought less"

    seen = len(line.targets)
    line.run(HOLD - 3 * PERIOD)
    assert line.targets[seen:] == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_not_taken_for_gain(seed):
    line = Line(60 * MB, 120 * MB, noise=0.15, seed=seed)

    assert line.run(60) <= 4


# The disk and the host.


def test_while_the_disk_is_the_limit_nothing_is_added():
    line = Line(MB)
    line.disk_bound = True

    assert line.run(30) == START


def test_a_trial_is_ended_when_the_disk_becomes_the_limit():
    line = Line(MB)
    line.run(0.3)
    assert line.choice.target > START
    line.disk_bound = True
    line.run(PERIOD)

    assert line.choice.target == START
    assert line.choice.reason == "disk is the limit"


def test_the_hosts_limit_lowers_the_number_at_once_and_for_good():
    line = Line(60 * MB).settle()
    line.choice.limit(3)
    assert line.choice.target == 3
    assert line.choice.reason == "host's limit"
    line.run(2 * HOLD)

    assert line.choice.target == 3


def test_a_limit_that_comes_during_a_trial_of_fewer_is_kept_when_it_fails():
    line = Line(60 * MB).settle()
    while line.choice.target == 16:
        line.run(Line.STEP)
    line.choice.limit(13)
    line.run(2 * PERIOD)

    assert line.choice.target == 13


def test_a_limit_is_never_raised_again_nor_below_one():
    choice = Parallelism(8, now=0.0)
    choice.limit(0)
    choice.limit(5)

    assert (choice.cap, choice.target) == (1, 1)


events = st.one_of(
    st.tuples(st.floats(0, 1e9), st.booleans(), st.floats(0, 20)), st.integers(0, 20)
)


@given(st.integers(1, 16), st.lists(events, max_size=80))
def test_it_always_stays_between_one_and_the_cap(cap, story):
    choice = Parallelism(cap, now=0.0)
    received = now = 0.0
    for event in story:
        if isinstance(event, int):
            cap = max(1, min(cap, event))
            choice.limit(event)
        else:
            rate, disk_bound, seconds = event
            now += seconds
            received += rate * seconds
            before = choice.target
            changed = choice.observe(now, int(received), disk_bound=disk_bound, latency=LATENCY)
            assert changed == (choice.target != before)
        assert 1 <= choice.target <= cap


def test_its_repr_tells_number_cap_and_reason():
    assert repr(Parallelism(16, now=0.0)) == f"<Parallelism {START} of 16 (start)>"
